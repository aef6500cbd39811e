{{ monthly_model('usage_month') }}

with unioned as (
    {%- for provider in var('emission_providers') %}
    select
        {{ emission_columns() | join(',\n        ') }},
        {{ emission_group_key('usage_month') }} as emission_group_key
    from {{ ref('int_' ~ provider ~ '__emissions') }}
    where {{ this_month('usage_month') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Providers keep several versions of a month side by side; adding them doubles the carbon.
-- The newest version that has rows is current, per source and usage month.
newest as (
    select
        source_name,
        usage_month,
        max(version_order) as version_order
    from unioned
    group by source_name, usage_month
)

select
    unioned.*,
    coalesce(unioned.version_order = newest.version_order, false) as is_current
from unioned
left join newest
    on unioned.source_name = newest.source_name and unioned.usage_month = newest.usage_month
