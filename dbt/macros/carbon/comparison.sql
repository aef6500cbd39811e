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

{#- The parts of an estimate that a provider's total is compared with. -#}
{% macro estimate_of_total() -%}
    {{ return(['estimated_operational_kg', 'estimated_embodied_kg', 'estimated_fera_kg']) }}
{%- endmacro %}

{#-
    Like with like: a provider's scope 2 is electricity in use, its scope 3 the making of what is used
    and the upstream of its electricity, its total both and its own fuel, which nobody estimates.
    An estimate that lacks a part, as of a service whose hardware nobody knows, is like a scope 2 alone.
-#}
{% macro comparisons() -%}
    {%- set estimates = {
        'scope2': ['estimated_operational_kg'],
        'scope3': ['estimated_embodied_kg', 'estimated_fera_kg'],
        'total': estimate_of_total(),
    } -%}
    {%- set found = [] -%}
    {%- for stated in ['location', 'unspecified'] -%}
        {%- for scope, parts in estimates.items() -%}
            {%- do found.append({
                'method': stated,
                'scope': scope,
                'reported': stated ~ '_' ~ scope ~ '_kg',
                'estimated': parts,
                'is_comparable': is_comparable()
                    ~ (' and is_estimate_whole' if parts | length > 1 else ''),
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

{#- Every part of a line's estimate is known. -#}
{% macro is_estimate_whole() -%}
    x_EstimatedOperationalKg is not null
        and x_EstimatedEmbodiedKg is not null
        and x_EstimatedFeraKg is not null
{%- endmacro %}

{#- The provider reports the line, be it as nothing. -#}
{% macro is_reported(status) -%}{{ status }} in ('Reported', 'BelowThreshold'){%- endmacro %}

{#- A line that has both figures. -#}
{% macro is_comparable() -%}
    ({{ is_reported('reported_status') }} and estimate_status = 'Estimated')
{%- endmacro %}

{#- A modelled amount: kilograms times a ratio, to nine decimals. -#}
{% macro at_ratio(kilograms, ratio) -%}
    cast(
        cast(cast({{ kilograms }} as double) * {{ ratio }} as decimal(28,9)) as decimal(38,18)
    )
{%- endmacro %}
