with sources as (
    select * from {{ source('ledger', 'sources') }}
)

select
    source_name as source_key,
    source_name,
    provider,
    export,
    authoritative,
    is_internal
from sources
union all
{{ special_members(['source_name', 'provider', 'export', 'authoritative', 'is_internal'],
    {'authoritative': 'boolean', 'is_internal': 'boolean'}) }}
