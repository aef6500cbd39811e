with kinds as (
    select * from {{ ref('int_estimates__rates_explained') }}
)

select
    estimate_rate_key,
    {{ estimate_rate_columns() | join(',\n    ') }}
from kinds
union all
{{ special_members(estimate_rate_columns() | list, estimate_rate_columns()) }}
