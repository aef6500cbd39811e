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

{#- Method that a figure of kilograms is of, as marts spell it. -#}
{% macro carbon_method(figure) -%}
    {{ return({
        'reported_location': 'location',
        'reported_market': 'market',
        'reported_unspecified': 'unspecified',
        'estimated': 'estimated-location',
    }[figure]) }}
{%- endmacro %}
