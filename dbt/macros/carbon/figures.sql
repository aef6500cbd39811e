{#- Figures of kilograms that marts tell apart, by name, and the fact's columns that carry them. -#}
{% macro carbon_figures() -%}
    {{ return({
        'reported_location': 'x_CarbonLocationKg',
        'reported_market': 'x_CarbonMarketKg',
        'reported_unspecified': 'x_CarbonUnspecifiedKg',
        'estimated': 'x_EstimatedCarbonKg',
        'estimated_operational': 'x_EstimatedOperationalKg',
        'estimated_embodied': 'x_EstimatedEmbodiedKg',
        'estimated_fera': 'x_EstimatedFeraKg',
    }) }}
{%- endmacro %}

{#- Those that are set against the cost of the lines that carry them. -#}
{% macro costed_figures() -%}
    {{ return(['reported_location', 'reported_market', 'reported_unspecified', 'estimated']) }}
{%- endmacro %}

{#-
    What an inventory takes up, with method and kind of source. Nothing carries market-based
    electricity of one's own sites: the rules say that it is missing.
-#}
{% macro inventory_measures() -%}
    {{ return([
        {'name': 'reported_location', 'method': 'location', 'source_kind': 'reported'},
        {'name': 'reported_market', 'method': 'market', 'source_kind': 'reported'},
        {'name': 'reported_unspecified', 'method': 'unspecified', 'source_kind': 'reported'},
        {'name': 'estimated_operational', 'method': 'estimated-location',
         'source_kind': 'estimated'},
        {'name': 'estimated_embodied', 'method': 'estimated-location', 'source_kind': 'estimated'},
        {'name': 'estimated_fera', 'method': 'estimated-location', 'source_kind': 'estimated'},
        {'name': 'market_electricity', 'method': 'market', 'source_kind': 'estimated',
         'is_missing': true},
    ]) }}
{%- endmacro %}

{#- Phases of a model's life that a virtual tag can name. -#}
{% macro ai_phases() -%}'training', 'fine-tuning', 'inference', 'experiment'{%- endmacro %}

{#- Figures that are set against each other, and the fact's columns that carry them. -#}
{% macro compared_measures() -%}
    {{ return({
        'location_total_kg': 'x_CarbonLocationKg',
        'location_scope2_kg': 'x_CarbonProviderScope2LocationKg',
        'location_scope3_kg': 'x_CarbonProviderScope3LocationKg',
        'unspecified_total_kg': 'x_CarbonUnspecifiedKg',
        'unspecified_scope2_kg': 'x_CarbonProviderScope2UnspecifiedKg',
        'unspecified_scope3_kg': 'x_CarbonProviderScope3UnspecifiedKg',
        'estimated_operational_kg': 'x_EstimatedOperationalKg',
        'estimated_embodied_kg': 'x_EstimatedEmbodiedKg',
        'estimated_fera_kg': 'x_EstimatedFeraKg',
    }) }}
{%- endmacro %}

{#-
    Like with like: a provider's scope 2 is electricity in use, its scope 3 the making of what is used
    and the upstream of its electricity, its total both and its own fuel, which nobody estimates.
-#}
{% macro comparisons() -%}
    {%- set estimates = {
        'scope2': ['estimated_operational_kg'],
        'scope3': ['estimated_embodied_kg', 'estimated_fera_kg'],
        'total': ['estimated_operational_kg', 'estimated_embodied_kg', 'estimated_fera_kg'],
    } -%}
    {%- set found = [] -%}
    {%- for stated in ['location', 'unspecified'] -%}
        {%- for scope, parts in estimates.items() -%}
            {%- do found.append({
                'method': stated,
                'scope': scope,
                'reported': stated ~ '_' ~ scope ~ '_kg',
                'estimated': parts,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Amounts added where at least one is known, NULL where none is. -#}
{% macro known_sum(amounts) -%}
    {%- set added = namespace(expression='coalesce(' ~ amounts[0] ~ ', 0)') -%}
    {%- for amount in amounts[1:] -%}
        {%- set added.expression = amount_plus(added.expression, 'coalesce(' ~ amount ~ ', 0)') -%}
    {%- endfor -%}
    case when coalesce({{ amounts | join(', ') }}) is not null then {{ added.expression }} end
{%- endmacro %}

{#- A line that has both figures. -#}
{% macro is_comparable() -%}
    (reported_status in ('Reported', 'BelowThreshold') and estimate_status = 'Estimated')
{%- endmacro %}
