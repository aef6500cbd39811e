{#-
    Shares totals over rows so that nothing is lost: every row gets the floor of its share, the
    left-over units of 1e-18 go one each to the largest remainders, ties to the smaller key.

    Args:
        relation: rows with the columns below.
        group: column of the group whose total is shared.
        order_key: unique column inside a group; breaks ties.
        weight, sum_of_weights: whole numbers, bounds of mul_div.
        measures: columns that hold the group's totals on every row; NULL stays NULL.
        keep: columns passed through.

    The totals may be negative (AWS once reported such accounts): the sign is shared apart.
#}
{% macro largest_remainder(relation, group, order_key, weight, sum_of_weights, measures, keep) -%}
    {%- set weight = 'cast(' ~ weight ~ ' as ' ~ wide_integer_type() ~ ')' -%}
    {%- set sum_of_weights = 'cast(' ~ sum_of_weights ~ ' as ' ~ wide_integer_type() ~ ')' -%}
    with floors as (
        select
            {{ keep | join(',\n            ') }},
            {%- for measure in measures %}
            {{ measure }} as {{ measure }}_total,
            {{ mul_div('abs(' ~ measure ~ ')', weight, sum_of_weights) }} as {{ measure }}_units,
            {{ mul_div_remainder('abs(' ~ measure ~ ')', weight, sum_of_weights) }}
                as {{ measure }}_left{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
    ),

    ranked as (
        select
            *,
            {%- for measure in measures %}
            row_number() over (
                partition by {{ group }} order by {{ measure }}_left desc, {{ order_key }}
            ) as {{ measure }}_place,
            ({{ whole_part('abs(' ~ measure ~ '_total)') }}) * {{ limb() }}
            + {{ fraction_units('abs(' ~ measure ~ '_total)') }}
            - sum({{ measure }}_units) over (partition by {{ group }})
                as {{ measure }}_over{{ ',' if not loop.last }}
            {%- endfor %}
        from floors
    )

    select
        {{ keep | join(',\n        ') }},
        {%- for measure in measures %}
        {%- set units = measure ~ '_units + case when ' ~ measure ~ '_place <= ' ~ measure
            ~ '_over then 1 else 0 end' %}
        {{ with_sign_of(measure ~ '_total', units_to_amount(units)) }}
            as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from ranked
{%- endmacro %}
