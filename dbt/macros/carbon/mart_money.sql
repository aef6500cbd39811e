{#- List and contracted cost leave out commitment purchases: their use is listed on usage lines. -#}
{% macro cost_without_commitment_purchases(column) -%}
    case
        when ChargeCategory = 'Purchase' and CommitmentDiscountId is not null then 0
        else {{ column }}
    end
{%- endmacro %}

{#- Sum that stays DECIMAL(38,18) on both engines; NULL when every value is NULL. -#}
{% macro amount_sum(expression) -%}
    cast(sum({{ expression }}) as decimal(38,18))
{%- endmacro %}

{#- A figure per other figure, which nobody may add up: six decimals, as a double. -#}
{% macro ratio_of(figure, other) -%}
    round(cast({{ figure }} as double) / cast({{ other }} as double), 6)
{%- endmacro %}

{#- An emission that no charge carries has no currency: ISO 4217 calls that XXX. -#}
{% macro mart_currency() -%}
    coalesce(BillingCurrency, 'XXX')
{%- endmacro %}
