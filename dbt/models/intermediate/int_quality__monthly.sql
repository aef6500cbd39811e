{{ monthly_model() }}

with charges as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
),

repeated as (
    select x_ChargeKey
    from {{ ref('int_charges__keyed').render() }}
    where {{ this_month() }} and is_repeated
),

subcategories as (
    select
        service_subcategory,
        service_category
    from {{ ref('focus_service_subcategories') }}
),

categories as (
    select distinct service_category from subcategories
),

-- Cardinality: every join finds at most one row.
examined as (
    select
        charges.*,
        repeated.x_ChargeKey is not null as is_repeated,
        categories.service_category is not null as category_is_known,
        subcategories.service_category as parent_category
    from charges
    left join repeated on charges.x_ChargeKey = repeated.x_ChargeKey
    left join categories on charges.ServiceCategory = categories.service_category
    left join subcategories on charges.ServiceSubcategory = subcategories.service_subcategory
)

-- What quality checks need of a month's charge lines, counted once when the month is built.
select
    x_BillingMonth as billing_month,
    x_Provider as provider,
    x_SourceName as source_name,
    max(x_DeliveryId) as delivery_id,
    cast(count(*) as decimal(38, 18)) as rows,
    {{ amount_sum('BilledCost') }} as BilledCost,
    {{ amount_sum('EffectiveCost') }} as EffectiveCost,
    {{ amount_sum('ListCost') }} as ListCost,
    {{ amount_sum('ContractedCost') }} as ContractedCost,
    {%- for code in repair_codes() %}
    count(case when concat(',', x_SourceChanges, ',') like '%,{{ code }},%' then 1 end)
        as repair_{{ code }},
    {%- endfor %}
    {%- for name, check in focus_row_checks().items() %}
    count(case when {{ check.condition }} then 1 end) as {{ name }},
    {%- endfor %}
    {%- for name, check in quality_counts().items() %}
    count(case when {{ check.condition }} then 1 end) as {{ name }},
    {%- endfor %}
    count(case when ChargeCategory = 'Usage' then 1 end) as usage_lines,
    {%- for column in watched_columns() %}
    count(case when ChargeCategory = 'Usage' then {{ column }} end) as {{ filled_lines(column) }},
    {%- endfor %}
    max(case when ChargeCategory = 'Usage' then ChargePeriodEnd end) as used_until
from examined
group by x_BillingMonth, x_Provider, x_SourceName
