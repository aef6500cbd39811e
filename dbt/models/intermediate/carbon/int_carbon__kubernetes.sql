{{ monthly_model() }}

{%- set grain = ['billing_month', 'usage_month', 'provider', 'sub_account_id', 'cluster_name',
    'namespace', 'namespace_kind', 'billing_currency'] %}
{%- set carried = ['x_BillingMonth', 'SubAccountId', 'ChargePeriodStart', 'BillingCurrency',
    'x_EstimateStatus', 'x_CarbonReportedStatus'] + kubernetes_measures().values() | list %}

-- The fact is read anew each time: a CTE that is read twice is held as a whole.
with keys as (
    select * from {{ ref('kubernetes_keys') }}
),

special_namespaces as (
    select * from {{ ref('kubernetes_namespaces') }}
),

charges_with_resources as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
),

charges as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
),

texts as (
    {%- for place in kubernetes_places() %}
    select distinct
        x_Provider,
        '{{ place }}' as found_in,
        {{ place }} as said_by
    from {{ ref('fct_cost_and_carbon') }}
    where
        {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
        and {{ place }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

found as (
    select
        texts.x_Provider,
        texts.found_in,
        texts.said_by,
        keys.meaning,
        keys.priority,
        keys.key,
        {{ kubernetes_value('texts.said_by', 'keys') }} as named
    from texts
    inner join keys
        on texts.found_in = keys.found_in and keys.provider in ('any', texts.x_Provider)
),

placed as (
    select
        *,
        row_number() over (
            partition by x_Provider, found_in, said_by, meaning
            order by priority, key
        ) as place
    from found
    where named <> ''
),

sayings as (
    select
        x_Provider,
        found_in,
        said_by,
        max(case when meaning = 'cluster' then named end) as cluster_name,
        max(case when meaning = 'namespace' then named end) as namespace
    from placed
    where place = 1
    group by x_Provider, found_in, said_by
),

-- Cardinality: one row per text and column, so that charges stay as they are.
naming_lines as (
    {{ kubernetes_lines('charges_with_resources') }}
),

-- What is left of a machine, and its traffic, bear its id and no tag of the cluster.
resources as (
    select
        x_Provider,
        account_key,
        ResourceId,
        min(own_cluster_name) as first_cluster_name,
        max(own_cluster_name) as last_cluster_name
    from naming_lines
    where own_cluster_name is not null and ResourceId <> ''
    group by x_Provider, account_key, ResourceId
),

charge_lines as (
    {{ kubernetes_lines('charges', carried) }}
),

-- Cardinality: one row per resource of an account.
lines as (
    select
        charge_lines.*,
        coalesce(
            charge_lines.own_cluster_name,
            case
                when resources.first_cluster_name = resources.last_cluster_name
                    then resources.first_cluster_name
            end
        ) as cluster_name
    from charge_lines
    left join resources
        on
            charge_lines.x_Provider = resources.x_Provider
            and charge_lines.account_key = resources.account_key
            and charge_lines.ResourceId = resources.ResourceId
    where
        charge_lines.own_cluster_name is not null
        or charge_lines.namespace is not null
        or resources.first_cluster_name is not null
),

-- Cardinality: a namespace is listed once.
sorted as (
    select
        lines.x_BillingMonth as billing_month,
        cast(date_trunc('month', lines.ChargePeriodStart) as date) as usage_month,
        lines.x_Provider as provider,
        lines.SubAccountId as sub_account_id,
        lines.cluster_name,
        lines.namespace,
        case
            when lines.namespace is null then 'unallocated'
            else coalesce(special_namespaces.kind, 'namespace')
        end as namespace_kind,
        {{ mart_currency() }} as billing_currency,
        {%- for name, column in kubernetes_measures().items() %}
        lines.{{ column }} as {{ name }},
        {%- endfor %}
        lines.x_EstimateStatus as estimate_status,
        lines.x_CarbonReportedStatus as reported_status
    from lines
    left join special_namespaces
        on
            lines.namespace = special_namespaces.namespace
            and special_namespaces.provider in ('any', lines.x_Provider)
)

select
    {{ grain | join(',\n    ') }},
    {%- for name in kubernetes_measures() %}
    {{ amount_sum(name) }} as {{ name }},
    {%- endfor %}
    count(*) as charge_lines,
    count(case when estimate_status <> 'NotApplicable' then 1 end) as estimable_lines,
    count(case when estimate_status = 'Estimated' then 1 end) as estimated_lines,
    count(case when reported_status <> 'NotApplicable' then 1 end) as reportable_lines,
    count(case when {{ is_reported('reported_status') }} then 1 end)
        as reported_lines
from sorted
group by {{ grain | join(', ') }}
