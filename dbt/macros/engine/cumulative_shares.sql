{#-
    Shares totals over many rows so that nothing is lost: a row gets what its cumulative weight
    earns beyond that of the rows before it, floor(T x C / W) - floor(T x (C - w) / W).

    The last row's cumulative weight is the sum of weights, so the shares add up to the total; each
    is within one unit of 1e-18 of its exact proportion. One ordering serves all measures, where
    the largest remainder needs one for each: docs/adr/0011.

    Args:
        relation: rows with the columns below.
        weight, cumulative_weight, sum_of_weights: whole numbers, bounds of mul_div.
        measures: columns that hold the group's totals on every row; NULL stays NULL.
        keep: columns passed through.
        has_limbs: whether the relation has the columns of total_limbs, made once for each group.
#}
{% macro cumulative_shares(
    relation, weight, cumulative_weight, sum_of_weights, measures, keep, has_limbs=false
) -%}
    {%- set whole = wide_integer_type() -%}
    {%- set reached = 'cast(' ~ cumulative_weight ~ ' as ' ~ whole ~ ')' -%}
    {%- set before = 'cast(' ~ cumulative_weight ~ ' - ' ~ weight ~ ' as ' ~ whole ~ ')' -%}
    {%- set all_weight = 'cast(' ~ sum_of_weights ~ ' as ' ~ whole ~ ')' -%}
    select
        {{ keep | join(',\n        ') }},
        {%- for measure in measures %}
        {%- set total = 'abs(' ~ measure ~ ')' %}
        {%- set limbs = (measure ~ '_whole', measure ~ '_units') if has_limbs
            else (whole_part(total), fraction_units(total)) %}
        {{ with_sign_of(measure, units_to_amount(
            mul_div_limbs(limbs[0], limbs[1], reached, all_weight)
            ~ ' - (' ~ mul_div_limbs(limbs[0], limbs[1], before, all_weight) ~ ')'
        )) }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro %}

{#- The limbs of totals without their signs, as columns. -#}
{% macro total_limbs(measures) -%}
    {%- for measure in measures %}
    {{ whole_part('abs(' ~ measure ~ ')') }} as {{ measure }}_whole,
    {{ fraction_units('abs(' ~ measure ~ ')') }} as {{ measure }}_units{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
