with source as (
    {{ read_decoded('onprem', 'inventory',
        inventory_columns() + [{'name': 'ct_organisation', 'kind': 'text'}]) }}
)

-- The source's option names the organisation where the files have no such column.
select
    source_name,
    billing_month,
    delivery_id,
    {%- for column in inventory_columns() if column.name != 'organisation' %}
    {{ column.name }},
    {%- endfor %}
    coalesce(organisation, ct_organisation) as organisation,
    {{ months_from('purchase_date', 'billing_month') }} + 1 as month_of_life,
    provider_columns
from source
