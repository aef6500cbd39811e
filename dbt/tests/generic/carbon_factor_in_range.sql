{#- Factors that no data centre, grid or chip can have. -#}
{% test carbon_factor_in_range(model) %}

{{ factor_problems(model, ref('region_map')) }}

{% endtest %}
