with source as (
    {{ read_decoded('azure', 'carbon', [
        {'name': 'subscriptionId', 'kind': 'text'},
        {'name': 'resourceGroup', 'kind': 'text'},
        {'name': 'resourceId', 'kind': 'text'},
        {'name': 'location', 'kind': 'text'},
        {'name': 'resourceType', 'kind': 'text'},
        {'name': 'latestMonthEmissions', 'kind': 'decimal'},
        {'name': 'ct_scope', 'kind': 'text'},
        {'name': 'ct_retrieved_at', 'kind': 'text'},
    ]) }}
),

renamed as (
    select
        source_name,
        billing_month as usage_month,
        delivery_id,
        lower(subscriptionId) as subscription_id,
        lower(resourceGroup) as resource_group,
        lower(resourceId) as resource_id,
        lower(replace(location, ' ', '')) as region_id,
        lower(resourceType) as resource_type,
        ct_scope as scope,
        {{ to_utc_timestamp('ct_retrieved_at', 'VARCHAR') }} as retrieved_at,
        latestMonthEmissions as emissions_kg
    from source
)

select * from renamed
