-- Every conform model is a parent, whichever of them are read now.
{%- for name in charge_models() -%}{%- set _ = ref(name) -%}{%- endfor %}

with unioned as (
    {%- for name in delivered_charge_models() %}
    select
        {{ charge_columns() | join(', ') }}
    from {{ ref(name) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

-- Once for all: Spark's catalogue holds no view of more than 32,700 characters.
select
    *,
    {{ charge_hash() }} as charge_hash
from unioned
