with source as (
    {{ read_decoded('gcp', 'carbon', [
        {'name': 'billing_account_id', 'kind': 'text'},
        {'name': 'project.id', 'kind': 'text'},
        {'name': 'project.number', 'kind': 'text'},
        {'name': 'service.id', 'kind': 'text'},
        {'name': 'service.description', 'kind': 'text'},
        {'name': 'location.location', 'kind': 'text'},
        {'name': 'location.region', 'kind': 'text'},
        {'name': 'carbon_model_version', 'kind': 'text'},
        {'name': 'carbon_footprint_kgCO2e.scope1', 'kind': 'decimal'},
        {'name': 'carbon_footprint_kgCO2e.scope2.location_based', 'kind': 'decimal'},
        {'name': 'carbon_footprint_kgCO2e.scope2.market_based', 'kind': 'decimal'},
        {'name': 'carbon_footprint_kgCO2e.scope3', 'kind': 'decimal'},
        {'name': 'carbon_footprint_total_kgCO2e.location_based', 'kind': 'decimal'},
        {'name': 'carbon_footprint_total_kgCO2e.market_based', 'kind': 'decimal'},
    ]) }}
),

renamed as (
    select
        source_name,
        billing_month as usage_month,
        delivery_id,
        billing_account_id,
        {{ identifier('project.id') }} as project_id,
        {{ identifier('project.number') }} as project_number,
        {{ identifier('service.id') }} as service_id,
        {{ identifier('service.description') }} as service_description,
        {{ identifier('location.location') }} as location,
        {{ identifier('location.region') }} as region,
        cast(carbon_model_version as integer) as carbon_model_version,
        {{ identifier('carbon_footprint_kgCO2e.scope1') }} as scope1_kg,
        {{ identifier('carbon_footprint_kgCO2e.scope2.location_based') }} as scope2_location_kg,
        {{ identifier('carbon_footprint_kgCO2e.scope2.market_based') }} as scope2_market_kg,
        {{ identifier('carbon_footprint_kgCO2e.scope3') }} as scope3_kg,
        {{ identifier('carbon_footprint_total_kgCO2e.location_based') }} as total_location_kg,
        {{ identifier('carbon_footprint_total_kgCO2e.market_based') }} as total_market_kg
    from source
)

select * from renamed
