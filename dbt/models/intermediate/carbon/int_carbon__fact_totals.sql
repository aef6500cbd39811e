{{ monthly_model() }}

-- What the fact carries of each usage month, counted once when its billing month is built.
select
    x_BillingMonth as billing_month,
    x_Provider as provider,
    {%- for measure, column in carbon_fact_columns().items() %}
    {{ amount_sum(column) }} as {{ measure }},
    {%- endfor %}
    cast(date_trunc('month', ChargePeriodStart) as date) as usage_month
from {{ ref('fct_cost_and_carbon') }}
where {{ this_month('x_BillingMonth') }}
group by x_BillingMonth, x_Provider, cast(date_trunc('month', ChargePeriodStart) as date)
