select
    {{ focus_dataset_values('InvoiceDetail') }}
from {{ source('inputs', 'invoices') }}
where {{ focus_row_is_whole('InvoiceDetail') }}
