{{ monthly_model() }}

-- Persisted by month, so that sharing a usage month over its billing months reads no charge line.
select
    billing_month,
    emission_group_key,
    x_Provider,
    usage_month,
    max(service_bucket) as service_bucket,
    count(*) as charge_lines,
    {%- for weight in weight_bases().values() %}
    cast(coalesce({{ wide_sum(weight) }}, 0) as decimal(38, 0)) as {{ weight }},
    {%- endfor %}
    {%- for kind in ['energy', 'storage'] %}
    cast({{
        wide_sum('case when ' ~ kind ~ '_weight is null then 0 else list_weight end')
    }} as decimal(38, 0)) as list_weight_with_{{ kind }},
    {%- endfor %}
    min(currency) as first_currency,
    max(currency) as last_currency,
    min(case when quantity_weight > 0 then coalesce(unit, '') end) as first_unit,
    max(case when quantity_weight > 0 then coalesce(unit, '') end) as last_unit
from {{ ref('int_carbon__line_weights') }}
where {{ this_month() }}
group by billing_month, emission_group_key, x_Provider, usage_month
