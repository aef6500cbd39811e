{%- set environments = ['production', 'staging', 'development', 'test', 'sandbox', 'shared',
    'unknown'] %}
{%- for environment in environments %}
select
    '{{ environment }}' as environment_key,
    '{{ environment }}' as environment,
    {{ 'true' if environment == 'production' else 'false' }} as is_production
union all
{%- endfor %}
{{ special_members(['environment', 'is_production'], {'is_production': 'boolean'}) }}
