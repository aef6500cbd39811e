-- Decoding gave each column the one name that stands here, whatever the file calls it.
with source as (
    {{ read_decoded('azure', 'cost_details', azure_cost_details_columns()) }}
),

renamed as (
    select
        source_name,
        billing_month,
        delivery_id,
        ct_dataset as dataset,
        coalesce(Cost, PreTaxCost) as line_cost,
        lower(replace(ChargeType, ' ', '')) as charge_type,
        lower(replace(PricingModel, ' ', '')) as pricing_model,
        lower(replace(PublisherType, ' ', '')) as publisher_type,
        coalesce(ResourceLocation, Location) as resource_location,
        Date as charge_date,
        {%- for column in azure_cost_details_columns()
            | rejectattr('name', 'in', ['ct_dataset', 'Cost', 'PreTaxCost']) %}
        {{ column.name }},
        {%- endfor %}
        provider_columns
    from source
)

select * from renamed
