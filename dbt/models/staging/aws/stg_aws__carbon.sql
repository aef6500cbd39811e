with source as (
    {{ read_decoded('aws', 'carbon', [
        {'name': 'last_refresh_timestamp', 'kind': 'timestamp'},
        {'name': 'model_version', 'kind': 'text'},
        {'name': 'payer_account_id', 'kind': 'text'},
        {'name': 'usage_account_id', 'kind': 'text'},
        {'name': 'product_code', 'kind': 'text'},
        {'name': 'region_code', 'kind': 'text'},
        {'name': 'location', 'kind': 'text'},
        {'name': 'usage_period_start', 'kind': 'timestamp'},
        {'name': 'total_lbm_emissions_value', 'kind': 'decimal'},
        {'name': 'total_lbm_emissions_unit', 'kind': 'text'},
        {'name': 'total_mbm_emissions_value', 'kind': 'decimal'},
        {'name': 'total_scope_1_emissions_value', 'kind': 'decimal'},
        {'name': 'total_scope_2_lbm_emissions_value', 'kind': 'decimal'},
        {'name': 'total_scope_2_mbm_emissions_value', 'kind': 'decimal'},
        {'name': 'total_scope_3_lbm_emissions_value', 'kind': 'decimal'},
        {'name': 'total_scope_3_mbm_emissions_value', 'kind': 'decimal'},
    ]) }}
),

in_kg as (
    select
        source_name,
        billing_month as usage_month,
        delivery_id,
        last_refresh_timestamp,
        model_version,
        payer_account_id,
        usage_account_id,
        product_code,
        region_code,
        location,
        total_lbm_emissions_unit as source_unit,
        {{ scaled('total_scope_1_emissions_value', 1000) }} as scope1_kg,
        {{ scaled('total_scope_2_lbm_emissions_value', 1000) }} as scope2_location_kg,
        {{ scaled('total_scope_2_mbm_emissions_value', 1000) }} as scope2_market_kg,
        {{ scaled('total_scope_3_lbm_emissions_value', 1000) }} as scope3_location_kg,
        {{ scaled('total_scope_3_mbm_emissions_value', 1000) }} as scope3_market_kg,
        {{ scaled('total_lbm_emissions_value', 1000) }} as total_location_kg,
        {{ scaled('total_mbm_emissions_value', 1000) }} as total_market_kg
    from source
)

select * from in_kg
