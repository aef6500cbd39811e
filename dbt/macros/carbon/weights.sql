{#-
    Weights by which charge lines share what a provider reported for their emission group.

    Each line has a candidate weight per basis; a group is shared by one basis for all of its lines
    in all billing months, so units are never mixed. Billed and effective cost are no basis:
    discounts and commitments must not move carbon between teams.
-#}

{#- Candidate weights, in the order in which a group falls back; all are whole millionths, below 9e18. -#}
{% macro weight_bases() -%}
    {{ return({
        'energy': 'energy_weight',
        'gb_months': 'storage_weight',
        'list_cost': 'list_weight',
        'contracted_cost': 'contracted_weight',
        'quantity': 'quantity_weight',
    }) }}
{%- endmacro %}

{#- The weight that counts in a group with this basis; NULL where it has none. -#}
{% macro weight_by(basis, relation) -%}
    case {{ basis }}
        {%- for name, weight in weight_bases().items() %}
        when '{{ name }}' then {{ relation }}.{{ weight }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
    Charges that share reported emissions, with their costs and quantity as weights. Capacity that is
    reserved and unused consumes nothing; what is priced is its capacity. Energy and storage are
    known to int_estimates__charges alone, and have what was taken back netted in them.
-#}
{% macro weighed_charges(weights, charges='int_charges__keyed') -%}
    {%- set priced = {
        'list_weight': 'coalesce(ListCost, 0)',
        'contracted_weight': 'coalesce(ContractedCost, 0)',
        'quantity_weight': 'coalesce(ConsumedQuantity, PricingQuantity, 0)',
    } -%}
    {%- set amounts = {
        'energy_weight': 'x_EstimatedEnergyKwh',
        'storage_weight': 'storage_gb_hours',
    } -%}
    {%- do amounts.update(priced) -%}
    select
        x_ChargeKey,
        billing_month,
        x_Provider,
        usage_month,
        emission_group_key,
        service_bucket,
        currency,
        unit,
        resource_id,
        sku_id,
        {%- for weight in weights %}
        {{ signed_weight(weight ~ '_amount', weight ~ '_guess') }} as {{ weight }},
        {%- endfor %}
        is_taken_back
    from (
        select
            x_ChargeKey,
            billing_month,
            x_Provider,
            usage_month,
            emission_group_key,
            emission_service_bucket as service_bucket,
            BillingCurrency as currency,
            case when ConsumedQuantity is null then PricingUnit else ConsumedUnit end as unit,
            coalesce(ResourceId, '') as resource_id,
            coalesce(SkuId, '') as sku_id,
            {%- for weight in weights %}
            {{ amounts[weight] }} as {{ weight }}_amount,
            {{ guessed_weight(amounts[weight]) }} as {{ weight }}_guess,
            {%- endfor %}
            least({{ priced.values() | join(', ') }}) < 0 as is_taken_back
        from {{ ref(charges) }}
        where {{ this_month() }} and carries_emissions and not is_late_after_close
    ) as charges
{%- endmacro %}

{#-
    An amount in whole millionths, with its sign, half a millionth counted away from zero; what is
    beyond 9e12 weighs as much as that. Few amounts are negative or have ten digits before the point,
    and the others have a guess, which makes them cheaper.
-#}
{% macro signed_weight(amount, guess) -%}
    case
        when {{ guess }} is not null
            then cast({{ nearest_step(amount, guess, '0.000001') }} as bigint)
        when {{ amount }} is not null then cast(
            {{ cost_weight(bounded_weight(amount)) }}
            - {{ cost_weight('-' ~ bounded_weight(amount)) }} as bigint
        )
    end
{%- endmacro %}

{% macro guessed_weight(amount) -%}
    case when {{ amount }} >= 0 then {{ guessed_steps(amount, 1000000) }} end
{%- endmacro %}

{% macro bounded_weight(amount) -%}
    {%- set bound = 'cast(9000000000000 as decimal(38,18))' -%}
    least(greatest({{ amount }}, -{{ bound }}), {{ bound }})
{%- endmacro %}

{#- Sums of weights from here on are beyond what mul_div shares exactly. -#}
{% macro weight_limit() -%}
    cast(8000000000000000000 as decimal(38,0))
{%- endmacro %}

{#-
    A line's weight after what was taken back: the net of its resource and SKU, in proportion to the
    weights above 0, and never negative. Without anything taken back, the weight itself.
-#}
{% macro net_weight(weight, net, positive) -%}
    cast(case
        when {{ positive }} is null or {{ net }} >= {{ positive }}
            or {{ positive }} >= {{ weight_limit() }}
            then greatest({{ weight }}, 0)
        when {{ weight }} <= 0 or {{ net }} <= 0 then 0
        else {{ quotient(
            wide_integer(weight) ~ ' * ' ~ wide_integer(net), wide_integer(positive)
        ) }}
    end as bigint)
{%- endmacro %}

{#- Whether the lines with a quantity hold at least this percentage of the group's list cost. -#}
{% macro is_covered(list_weight_with, list_weight, percent) -%}
    {{ list_weight_with }} * 100 >= {{ list_weight }} * {{ percent }}
{%- endmacro %}
