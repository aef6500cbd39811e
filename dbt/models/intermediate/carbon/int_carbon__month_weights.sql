{{ monthly_model() }}

-- Persisted by month, so that sharing a usage month over its billing months reads no charge line.
select
    billing_month,
    emission_group_key,
    x_Provider,
    usage_month,
    cast(sum(emission_weight) as decimal(38, 0)) as weight,
    count(*) as charge_lines
from {{ ref('int_charges__keyed') }}
where {{ this_month() }} and carries_emissions and not is_late_after_close
group by billing_month, emission_group_key, x_Provider, usage_month
