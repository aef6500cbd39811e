{#-
    Why carbon changed between two months. Figures of kilograms with what counts as activity behind
    them, and with what says of a kind of usage that the activity is known. The making of hardware
    has no unit of activity but its own kilograms.
-#}
{% macro bridged_figures() -%}
    {%- set found = [] -%}
    {%- for figure in ['operational', 'fera', 'embodied'] -%}
        {%- set activity = 'embodied_kg' if figure == 'embodied' else 'energy_kwh' -%}
        {%- do found.append({
            'figure': figure, 'source_kind': 'estimated', 'method': 'estimated-location',
            'kg': figure ~ '_kg', 'activity': activity, 'known_by': figure ~ '_kg',
            'per_unit': 'embodied' if figure == 'embodied' else 'energy',
        }) -%}
    {%- endfor -%}
    {%- for method in ['location', 'market', 'unspecified'] -%}
        {%- do found.append({
            'figure': 'total', 'source_kind': 'reported', 'method': method,
            'kg': method ~ '_kg', 'activity': method ~ '_energy_kwh', 'known_by': 'energy_kwh',
            'per_unit': 'energy',
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Measures of a kind of usage, and the fact's columns that carry them. -#}
{% macro bridged_measures() -%}
    {{ return({
        'energy_kwh': 'x_EstimatedEnergyKwh',
        'operational_kg': 'x_EstimatedOperationalKg',
        'fera_kg': 'x_EstimatedFeraKg',
        'embodied_kg': 'x_EstimatedEmbodiedKg',
        'location_kg': 'x_CarbonLocationKg',
        'market_kg': 'x_CarbonMarketKg',
        'unspecified_kg': 'x_CarbonUnspecifiedKg',
    }) }}
{%- endmacro %}

{#- Energy of the lines that carry a reported figure, beside these measures. -#}
{% macro carrying_energies() -%}
    {{ return({
        'location_energy_kwh': 'x_CarbonLocationKg',
        'market_energy_kwh': 'x_CarbonMarketKg',
        'unspecified_energy_kwh': 'x_CarbonUnspecifiedKg',
    }) }}
{%- endmacro %}

{#- What tells one bridge from another. -#}
{% macro bridge_key() -%}
    {{ return(['provider', 'comparison', 'usage_month', 'source_kind', 'method', 'figure']) }}
{%- endmacro %}

{#- A kind of usage without its month. The lengths keep two texts from running into each other. -#}
{% macro usage_kind_key(kinds) -%}
    {%- set texts = ['x_Provider', 'service', 'meter', 'unit', 'details', 'region_id'] -%}
    md5(concat_ws(
        '|',
        {{ kinds }}.{{ texts | join(', ' ~ kinds ~ '.') }},
        {%- for text in texts %}
        cast(length({{ kinds }}.{{ text }}) as {{ varchar_type() }}),
        {%- endfor %}
        case when {{ kinds }}.is_held_idle then 'idle' else '' end
    ))
{%- endmacro %}

{#- Months of a provider that are compared, from a relation with a row or more for each of its months. -#}
{% macro month_pairs(months) -%}
    select
        later.provider,
        case
            when {{ month_number('later.usage_month') }}
                - {{ month_number('earlier.usage_month') }} = 1
                then 'previous_month'
            else 'same_month_last_year'
        end as comparison,
        earlier.usage_month as earlier_month,
        later.usage_month
    from {{ months }} as later
    inner join {{ months }} as earlier on later.provider = earlier.provider
    where
        {{ month_number('later.usage_month') }}
        - {{ month_number('earlier.usage_month') }} in (1, 12)
{%- endmacro %}

{#- What is there, or the kilograms of a cell, in the earlier month (0) or the later one (1). -#}
{% macro at_side(side, earlier, later) -%}
    case {{ side }} when 1 then {{ later }} else {{ earlier }} end
{%- endmacro %}

{#- Units of activity that a side used, as the method of a side counts them. -#}
{% macro used_at(side, method_side) -%}
    case {{ method_side }}
            when 1 then {{ at_side(side, 'used_0_by_1_units', 'used_1_by_1_units') }}
            else {{ at_side(side, 'used_0_by_0_units', 'used_1_by_0_units') }}
        end
{%- endmacro %}

{#- A side, or the other one where nothing is there. -#}
{% macro side_or_other(side, earlier_is_there, later_is_there) -%}
    case
            when {{ side }} = 1 and {{ later_is_there }} or not {{ earlier_is_there }} then 1
            else 0
        end
{%- endmacro %}

{#-
    What moves from the earlier month to the later one, by the column that says which month it is taken
    from, and the part that its move is told as.
-#}
{% macro bridge_movers() -%}
    {{ return({
        'activity_at': 'activity',
        'region_at': 'region',
        'mix_at': 'mix',
        'intensity_at': 'intensity',
        'method_at': 'method',
    }) }}
{%- endmacro %}

{#-
    How often a corner counts in a mover's part, in parts of bridge_orders(): its move is taken in
    every order in which all can move one after the other, and all orders count alike. In a reported
    figure the method of our estimates is no mover: energies by both months' methods count half.
-#}
{% macro weight_in_orders(mover) -%}
    {%- set others = bridge_movers() | reject('eq', mover) | list -%}
    {%- set without_method = others | reject('eq', 'method_at') | list -%}
    case
        when is_method_moved and source_kind = 'estimated'
            then {{ signed_by_mover(mover, others, [48, 12, 8, 12, 48]) }}
        {%- if mover == 'method_at' %}
        else 0
        {%- else %}
        when is_method_moved then {{ signed_by_mover(mover, without_method, [30, 10, 10, 30]) }}
        else {{ signed_by_mover(mover, without_method, [60, 20, 20, 60]) }}
        {%- endif %}
    end
{%- endmacro %}

{#- A weight by how many of the others have moved; after the move it is added, before it taken away. -#}
{% macro signed_by_mover(mover, others, weights) -%}
    {%- set moved -%}
        case {{ others | join(' + ') }}
            {%- for weight in weights %} when {{ loop.index0 }} then {{ weight }}{% endfor %} end
    {%- endset -%}
    case when {{ mover }} = 1 then {{ moved }} else -({{ moved }}) end
{%- endmacro %}

{% macro bridge_orders() -%}240{%- endmacro %}

{#- Kilograms of so many units of activity, at as many per unit as they are of others. -#}
{% macro at_units(kilograms, units, of_units) -%}
    case
                when {{ units }} = {{ of_units }} then {{ kilograms }}
                else {{ in_proportion(kilograms, units, of_units) }}
            end
{%- endmacro %}

{#- No proportion among these was beyond exact arithmetic. -#}
{% macro are_exact(proportions) -%}
    (count({{ proportions }}) = count(*) and max(abs({{ proportions }})) < 1000000000000000)
{%- endmacro %}

{#- Parts of a bridge, in the order in which a chart would stack them. -#}
{% macro bridge_parts() -%}
    {{ return({
        'restatement': 1,
        'activity': 2,
        'region': 3,
        'mix': 4,
        'grid_factor': 5,
        'provider_intensity': 5,
        'intensity_and_method': 5,
        'method': 6,
        'not_decomposed': 7,
    }) }}
{%- endmacro %}

{#- Activity below this, in kWh or kg, is none: nothing is told by kilograms per unit of it. -#}
{% macro least_activity() -%}cast(0.000000001 as decimal(38,18)){%- endmacro %}
