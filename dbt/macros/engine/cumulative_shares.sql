{#-
    Shares totals over many rows so that nothing is lost: a row gets what its cumulative weight
    earns beyond that of the rows before it, floor(T x C / W) - floor(T x (C - w) / W); of a negative
    total, what is cut off is on the other side.

    The last row's cumulative weight is the sum of weights, so the shares add up to the total; each
    is within one unit of 1e-18 of its exact proportion. One ordering serves all measures, where
    the largest remainder needs one for each: docs/adr/0011.

    Args:
        relation: rows with the columns below.
        weight, cumulative_weight, sum_of_weights: whole numbers, bounds of mul_div.
        measures: columns that hold the group's totals on every row; NULL stays NULL.
        keep: columns passed through.
        is_earned: whether the relation has the columns of earned_shares, made once for each group.
#}
{% macro cumulative_shares(
    relation, weight, cumulative_weight, sum_of_weights, measures, keep, is_earned=false
) -%}
    with weighed as (
        select
            *{%- if not is_earned %},
            {{ earned_shares(measures, sum_of_weights) }}
            {%- endif %},
            cast({{ cumulative_weight }} as bigint) as weight_reached,
            cast({{ cumulative_weight }} - {{ weight }} as bigint) as weight_before,
            cast({{ sum_of_weights }} as bigint) as all_weight
        from {{ relation }}
    )

    select
        {{ keep | join(',\n        ') }},
        {%- for measure in measures %}
        {%- set rest = measure ~ '_rest' %}
        {{ signed_units_to_amount(
            measure ~ '_each * ' ~ wide_integer(weight)
            ~ ' + ' ~ part_of_rest(rest, 'weight_reached', 'all_weight')
            ~ ' - ' ~ part_of_rest(rest, 'weight_before', 'all_weight')
        ) }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from weighed
{%- endmacro %}

{#-
    What every unit of weight earns of totals, in whole units of 1e-18, and what is left over: fewer
    units than the sum of weights. Both have the sign of the total.
-#}
{% macro earned_shares(measures, sum_of_weights) -%}
    {%- set all_weight = wide_integer(sum_of_weights) -%}
    {%- for measure in measures %}
    {%- set total = 'abs(' ~ measure ~ ')' %}
    {%- set sign = wide_integer('case when ' ~ measure ~ ' < 0 then -1 else 1 end') %}
    {{ sign }} * ({{ mul_div(total, wide_integer('1'), all_weight) }}) as {{ measure }}_each,
    cast({{ sign }} * ({{ mul_div_remainder(total, wide_integer('1'), all_weight) }}) as bigint)
        as {{ measure }}_rest{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
