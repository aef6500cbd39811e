with factors as (
    select
        *,
        {{ factor_key('carbon_factors') }} as carbon_factor_key
    from {{ ref('carbon_factors') }} as carbon_factors
),

factor_sets as (
    select * from {{ ref('carbon_factor_sets') }}
)

-- Cardinality: a set has one number.
select
    factors.carbon_factor_key,
    factors.factor_id,
    factors.factor_kind,
    factors.component,
    factors.provider,
    factors.subject,
    factors.value,  -- noqa: RF04
    factors.value_low,
    factors.value_high,
    factors.unit,
    factors.year,  -- noqa: RF04
    factors.basis,
    factors.boundary,
    factors.source,
    factors.licence,
    factors.note,
    first_sets.factor_set_id as first_factor_set_id,
    last_sets.factor_set_id as last_factor_set_id
from factors
left join factor_sets as first_sets on factors.first_set = first_sets.set_number
left join factor_sets as last_sets on factors.last_set = last_sets.set_number
union all
{{ special_members(
    ['factor_id', 'factor_kind', 'component', 'provider', 'subject', 'value', 'value_low',
     'value_high', 'unit', 'year', 'basis', 'boundary', 'source', 'licence', 'note',
     'first_factor_set_id', 'last_factor_set_id'],
    {'value': 'decimal(38, 18)', 'value_low': 'decimal(38, 18)', 'value_high': 'decimal(38, 18)',
     'year': 'integer'}
) }}
