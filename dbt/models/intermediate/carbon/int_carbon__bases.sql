{{ config(materialized='table') }}

-- One basis per group over all of its billing months, so that the order in which they are built
-- changes nothing.
with groups as (
    select
        emission_group_key,
        x_Provider,
        max(service_bucket) as service_bucket,
        sum(charge_lines) as charge_lines,
        {%- for weight in weight_bases().values() %}
        cast(sum({{ weight }}) as decimal(38, 0)) as {{ weight }},
        {%- endfor %}
        cast(sum(list_weight_with_energy) as decimal(38, 0)) as list_weight_with_energy,
        cast(sum(list_weight_with_storage) as decimal(38, 0)) as list_weight_with_storage,
        coalesce(min(first_currency) = max(last_currency), true) as is_of_one_currency,
        coalesce(min(first_unit) = max(last_unit), true) as is_of_one_unit
    from {{ ref('int_carbon__month_weights') }}
    group by emission_group_key, x_Provider
),

preferred as (
    select * from {{ ref('emission_basis') }}
),

-- Cardinality: the seed has at most one row per provider and bucket.
judged as (
    select
        groups.*,
        case
            when
                preferred.basis = 'energy' and groups.energy_weight > 0
                and {{ is_covered('groups.list_weight_with_energy', 'groups.list_weight',
                    var('carbon_energy_coverage_percent')) }}
                then 'energy'
            when
                preferred.basis = 'gb_months' and groups.storage_weight > 0
                and {{ is_covered('groups.list_weight_with_storage', 'groups.list_weight',
                    var('carbon_storage_coverage_percent')) }}
                then 'gb_months'
            when groups.list_weight > 0 and groups.is_of_one_currency then 'list_cost'
            when groups.contracted_weight > 0 and groups.is_of_one_currency then 'contracted_cost'
            when groups.quantity_weight > 0 and groups.is_of_one_unit then 'quantity'
        end as basis
    from groups
    left join preferred
        on
            groups.x_Provider = preferred.provider
            and groups.service_bucket = preferred.service_bucket
),

weighed as (
    select
        judged.emission_group_key,
        judged.charge_lines,
        judged.basis,
        {{ weight_by('judged.basis', 'judged') }} as group_weight
    from judged
)

-- Beyond the limit nothing is shared exactly; such a group stays unallocated.
select
    emission_group_key,
    charge_lines,
    case when group_weight < {{ weight_limit() }} then basis end as basis,
    case when group_weight < {{ weight_limit() }} then group_weight end as group_weight
from weighed
