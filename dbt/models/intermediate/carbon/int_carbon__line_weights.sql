{{ monthly_model() }}

{%- set priced = ['list_weight', 'contracted_weight', 'quantity_weight'] %}

-- Few are taken back, and only their kind is added up. Charges are read anew each time: a CTE that
-- is read twice is held as a whole.
with taken_back as (
    select distinct
        emission_group_key,
        resource_id,
        sku_id
    from ({{ weighed_charges(['list_weight']) }}) as charges
    where is_taken_back
),

netted as (
    select
        charges.emission_group_key,
        charges.resource_id,
        {%- for weight in priced %}
        {{ wide_sum('charges.' ~ weight) }} as net_{{ weight }},
        {{ wide_sum('greatest(charges.' ~ weight ~ ', 0)') }} as positive_{{ weight }},
        {%- endfor %}
        charges.sku_id
    from ({{ weighed_charges(priced) }}) as charges
    inner join taken_back
        on
            charges.emission_group_key = taken_back.emission_group_key
            and charges.resource_id = taken_back.resource_id
            and charges.sku_id = taken_back.sku_id
    group by charges.emission_group_key, charges.resource_id, charges.sku_id
),

lines as (
    {{ weighed_charges(weight_bases().values(), 'int_estimates__charges') }}
)

-- Cardinality: a line is of one resource and SKU in one group.
select
    lines.x_ChargeKey,
    lines.billing_month,
    lines.x_Provider,
    lines.usage_month,
    lines.emission_group_key,
    lines.service_bucket,
    lines.currency,
    lines.unit,
    lines.energy_weight,
    lines.storage_weight,
    {{ net_weight('lines.list_weight', 'netted.net_list_weight', 'netted.positive_list_weight') }}
        as list_weight,
    {{ net_weight(
        'lines.contracted_weight', 'netted.net_contracted_weight',
        'netted.positive_contracted_weight'
    ) }} as contracted_weight,
    {{ net_weight(
        'lines.quantity_weight', 'netted.net_quantity_weight', 'netted.positive_quantity_weight'
    ) }} as quantity_weight
from lines
left join netted
    on
        lines.emission_group_key = netted.emission_group_key
        and lines.resource_id = netted.resource_id
        and lines.sku_id = netted.sku_id
