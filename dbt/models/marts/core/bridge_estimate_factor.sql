with rates as (
    select * from {{ ref('int_estimates__rates') }}
    where is_covered
),

-- A factor that serves two parts of a machine is named twice.
named as (
    select distinct
        sku_key,
        {{ each_word('factor_keys') }} as carbon_factor_key
    from rates
)

select
    sku_key as estimate_rate_key,
    carbon_factor_key
from named
