select
    {{ focus_dataset_values('ContractCommitment') }}
from {{ source('inputs', 'contract_commitments') }}
where {{ focus_row_is_whole('ContractCommitment') }}
