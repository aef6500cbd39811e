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
            {{ cumulative_weight }} - {{ weight }} as weight_before,
            {{ weight_proportion(cumulative_weight, sum_of_weights) }} as proportion,
            {{ weight_proportion('(' ~ cumulative_weight ~ ' - ' ~ weight ~ ')', sum_of_weights) }}
                as proportion_before
        from {{ relation }}
    ),

    guessed as (
        select
            *,
            {%- for measure in measures %}
            {{ guessed_share(measure ~ '_rest', 'proportion') }} as {{ measure }}_guess,
            {{ guessed_share(measure ~ '_rest', 'proportion_before') }}
                as {{ measure }}_guess_before{{ ',' if not loop.last }}
            {%- endfor %}
        from weighed
    )

    select
        {{ keep | join(',\n        ') }},
        {%- for measure in measures %}
        {%- set rest = measure ~ '_rest' %}
        {%- set guess = measure ~ '_guess' %}
        {{ with_sign_of(measure, units_to_amount(
            measure ~ '_each * ' ~ wide_integer(weight)
            ~ ' + ' ~ floor_share(rest, cumulative_weight, sum_of_weights, guess)
            ~ ' - ' ~ floor_share(rest, 'weight_before', sum_of_weights, guess ~ '_before')
        )) }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from guessed
{%- endmacro %}

{#-
    What every unit of weight earns of totals without their signs, in whole units of 1e-18, and what
    is left over: fewer units than the sum of weights.
-#}
{% macro earned_shares(measures, sum_of_weights) -%}
    {%- set all_weight = wide_integer(sum_of_weights) -%}
    {%- for measure in measures %}
    {%- set total = 'abs(' ~ measure ~ ')' %}
    {{ mul_div(total, wide_integer('1'), all_weight) }} as {{ measure }}_each,
    cast({{ mul_div_remainder(total, wide_integer('1'), all_weight) }} as bigint)
        as {{ measure }}_rest{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
