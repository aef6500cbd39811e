with sources as (
    select * from {{ source('ledger', 'sources') }}
)

select
    provider as provider_key,
    provider,
    max(case when export = 'carbon' then 1 else 0 end) = 1 as reports_emissions
from sources
group by provider
union all
{{ special_members(['provider', 'reports_emissions'], {'reports_emissions': 'boolean'}) }}
