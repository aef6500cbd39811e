with source as (
    {{ read_decoded('generic', 'carbon', [
        {'name': 'billing_account_id', 'kind': 'text'},
        {'name': 'sub_account_id', 'kind': 'text'},
        {'name': 'region_id', 'kind': 'text'},
        {'name': 'service_name', 'kind': 'text'},
        {'name': 'resource_id', 'kind': 'text'},
        {'name': 'methodology_version', 'kind': 'text'},
        {'name': 'refreshed_at', 'kind': 'timestamp'},
        {'name': 'emissions_unit', 'kind': 'text'},
        {'name': 'scope1', 'kind': 'decimal'},
        {'name': 'scope2_location', 'kind': 'decimal'},
        {'name': 'scope2_market', 'kind': 'decimal'},
        {'name': 'scope2_unspecified', 'kind': 'decimal'},
        {'name': 'scope3', 'kind': 'decimal'},
        {'name': 'scope3_location', 'kind': 'decimal'},
        {'name': 'scope3_market', 'kind': 'decimal'},
        {'name': 'scope3_unspecified', 'kind': 'decimal'},
        {'name': 'total_location', 'kind': 'decimal'},
        {'name': 'total_market', 'kind': 'decimal'},
        {'name': 'total_unspecified', 'kind': 'decimal'},
    ]) }}
),

renamed as (
    select
        source_name,
        billing_month as usage_month,
        delivery_id,
        billing_account_id,
        sub_account_id,
        region_id,
        service_name,
        resource_id,
        methodology_version,
        refreshed_at,
        {%- for figure in stated_figures() %}
        {{ in_kg(figure[:-3], 'emissions_unit') }} as {{ figure }},
        {%- endfor %}
        emissions_unit as source_unit
    from source
)

select * from renamed
