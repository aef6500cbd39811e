{%- for provider in var('providers') %}
select
    {{ charge_columns() | join(',\n    ') }},
    {{ charge_hash() }} as charge_hash
from {{ ref('int_' ~ provider ~ '__focus_charges') }}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
