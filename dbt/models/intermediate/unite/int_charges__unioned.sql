{%- set models = charge_models() %}
{%- for name in models %}
select
    {{ charge_columns() | join(',\n    ') }},
    {{ charge_hash() }} as charge_hash
from {{ ref(name) }}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
