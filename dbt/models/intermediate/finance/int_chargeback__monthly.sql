{{ monthly_model() }}

with fact as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }}
),

lines as (
    {{ chargeback_lines('fact') }}
)

select * from lines
