{#- A figure of the later version as it is, of the earlier one taken away. -#}
{% macro signed_by_side(amount) -%}
    case when is_after then {{ amount }} else -{{ amount }} end
{%- endmacro %}

{#- Later less earlier, where both versions have the figure. -#}
{% macro difference_of_sides(amount) -%}
    case
        when
            count(case when is_after then {{ amount }} end) > 0
            and count(case when not is_after then {{ amount }} end) > 0
            then {{ amount_sum(signed_by_side(amount)) }}
    end
{%- endmacro %}
