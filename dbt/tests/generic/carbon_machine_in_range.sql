{#- Machines of impossible size, or whose processors and accelerators have no factor. -#}
{% test carbon_machine_in_range(model) %}

{{ machine_problems(model, ref('carbon_factors')) }}

{% endtest %}
