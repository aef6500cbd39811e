{%- set step = ['source_name', 'provider', 'usage_month', 'step'] %}
{%- set methods = ['location', 'market', 'unspecified'] %}

with emissions as (
    select * from {{ ref('fct_emissions_reported') }}
    where model_version is not null
),

changes as (
    select * from {{ ref('fct_restatement') }}
    where Clock = 'carbon'
),

versions as (
    select
        source_name,
        usage_month,
        model_version,
        max(refreshed_at) as refreshed_at,
        max(case when is_current then 1 else 0 end) = 1 as is_current
    from emissions
    group by source_name, usage_month, model_version
),

-- As numbers: as texts, v3.0.10 would stand before v3.0.9.
ordered as (
    select
        *,
        row_number() over (
            partition by source_name, usage_month
            order by {{ semantic_order('model_version') }}, model_version
        ) as place
    from versions
),

steps as (
    select
        later.source_name,
        later.usage_month,
        later.place as step,
        earlier.model_version as model_version_from,
        later.model_version as model_version_to,
        later.refreshed_at,
        later.is_current
    from ordered as later
    inner join ordered as earlier
        on
            later.source_name = earlier.source_name
            and later.usage_month = earlier.usage_month
            and later.place = earlier.place + 1
),

-- A version in the middle is what one step leads to and what the next one leaves.
sided as (
    {%- for version, is_after in [('model_version_from', 'false'), ('model_version_to', 'true')] %}
    select
        emissions.*,
        steps.step,
        {{ is_after }} as is_after
    from emissions
    inner join steps
        on
            emissions.source_name = steps.source_name
            and emissions.usage_month = steps.usage_month
            and emissions.model_version = steps.{{ version }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Accounts that join or leave are no change of the model.
accounted as (
    select
        *,
        count(case when is_after then 1 end) over (
            partition by {{ step | join(', ') }}, billing_account_id, sub_account_id
        ) > 0 as is_in_later,
        count(case when not is_after then 1 end) over (
            partition by {{ step | join(', ') }}, billing_account_id, sub_account_id
        ) > 0 as is_in_earlier
    from sided
),

stepped as (
    {%- for method in methods %}
    {%- set total = 'total_' ~ method ~ '_kg' %}
    select
        {{ step | join(',\n        ') }},
        '{{ method }}' as method,  -- noqa: RF04
        {{ amount_sum('case when not is_after then ' ~ total ~ ' end') }} as reported_before_kg,
        {{ amount_sum('case when is_after then ' ~ total ~ ' end') }} as reported_after_kg,
        {{ amount_sum(
            'case when is_in_earlier and is_in_later then ' ~ signed_by_side(total) ~ ' else 0 end'
        ) }} as same_accounts_kg,
        {{ amount_sum('case when is_in_earlier then 0 else ' ~ total ~ ' end') }}
            as new_accounts_kg,
        {{ amount_sum('case when is_in_later then 0 else -' ~ total ~ ' end') }}
            as lost_accounts_kg,
        {{ difference_of_sides('scope1_kg') }} as scope1_difference_kg,
        {{ difference_of_sides('scope2_' ~ method ~ '_kg') }} as scope2_difference_kg,
        {{ difference_of_sides('scope3_' ~ method ~ '_kg') }} as scope3_difference_kg
    from accounted
    group by {{ step | join(', ') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

differing as (
    select
        *,
        {{ amount_minus('reported_after_kg', 'reported_before_kg') }} as difference_kg
    from stepped
),

-- Cardinality: one step for each figure of it.
by_version as (
    select
        differing.usage_month,
        differing.provider,
        differing.source_name,
        'provider_versions' as basis,
        differing.method,
        cast(null as {{ varchar_type() }}) as restatement_id,
        steps.model_version_from,
        steps.model_version_to,
        steps.is_current,
        steps.refreshed_at as changed_at,
        cast(null as {{ varchar_type() }}) as state_before,
        'carbon_method' as cause,
        differing.reported_before_kg,
        differing.reported_after_kg,
        differing.difference_kg,
        {%- for part in ['same_accounts', 'new_accounts', 'lost_accounts'] %}
        case when differing.difference_kg is not null then differing.{{ part }}_kg end
            as {{ part }}_kg,
        {%- endfor %}
        differing.scope1_difference_kg,
        differing.scope2_difference_kg,
        differing.scope3_difference_kg,
        case
            when differing.reported_before_kg is null then 'not_reported_before'
            when differing.reported_after_kg is null then 'not_reported_after'
        end as restatement_gap
    from differing
    inner join steps
        on
            differing.source_name = steps.source_name
            and differing.usage_month = steps.usage_month
            and differing.step = steps.step
    where coalesce(differing.reported_before_kg, differing.reported_after_kg) is not null
),

-- The fact of restatements keeps differences alone.
by_publication as (
    {%- for method in methods %}
    {%- set difference = 'Carbon' ~ method | capitalize ~ 'KgDifference' %}
    select
        PeriodMonth as usage_month,
        Provider,
        cast(null as {{ varchar_type() }}) as source_name,
        'publications' as basis,
        '{{ method }}' as method,  -- noqa: RF04
        RestatementId as restatement_id,
        cast(null as {{ varchar_type() }}) as model_version_from,
        cast(null as {{ varchar_type() }}) as model_version_to,
        cast(null as boolean) as is_current,
        DetectedAt as changed_at,
        StateBefore as state_before,
        Cause,
        cast(null as decimal(38, 18)) as reported_before_kg,
        cast(null as decimal(38, 18)) as reported_after_kg,
        {{ difference }} as difference_kg,
        {%- for part in ['same_accounts', 'new_accounts', 'lost_accounts'] %}
        cast(null as decimal(38, 18)) as {{ part }}_kg,
        {%- endfor %}
        {%- for scope in [1, 2, 3] %}
        cast(null as decimal(38, 18)) as scope{{ scope }}_difference_kg,
        {%- endfor %}
        case when DifferenceStatus <> 'computed' then 'baseline_missing' end as restatement_gap
    from changes
    where {{ difference }} is not null or DifferenceStatus <> 'computed'
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

restated as (
    select * from by_version
    union all
    select * from by_publication
)

select
    usage_month,
    provider,
    source_name,
    basis,
    method,
    restatement_id,
    model_version_from,
    model_version_to,
    is_current,
    changed_at,
    state_before,
    cause,
    reported_before_kg,
    reported_after_kg,
    difference_kg,
    case
        when reported_before_kg > 0
            then {{ ratio_of('difference_kg', 'reported_before_kg') }}
    end as difference_ratio,
    same_accounts_kg,
    new_accounts_kg,
    lost_accounts_kg,
    scope1_difference_kg,
    scope2_difference_kg,
    scope3_difference_kg,
    restatement_gap
from restated
