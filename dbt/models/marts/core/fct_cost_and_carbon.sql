{{ monthly_model('x_BillingMonth') }}
{{ config(tags=['published', 'monthly']) }}

with charges as (
    select
        *,
        billing_month as x_BillingMonth
    from {{ ref('int_carbon__charges') }}
    where {{ this_month() }}
),

-- Read apart: a CTE that is read twice is held as a whole.
tagged_charges as (
    select
        *,
        billing_month as x_BillingMonth
    from {{ ref('int_charges__keyed') }}
    where {{ this_month() }}
),

virtual_tags as (
    {{ virtual_tags_for('tagged_charges') }}
),

-- Months whose emissions have arrived, per provider. render(): lines of this billing month were
-- also used in other months.
arrived as (
    select distinct
        x_Provider,
        usage_month
    from {{ ref('int_emissions__unioned').render() }}
    where is_current
),

emission_sources as (
    select distinct provider
    from {{ source('ledger', 'sources') }}
    where export = 'carbon'
),

denied_accounts as (
    select
        provider,
        month,
        account_id
    from {{ source('ledger', 'denied_accounts') }}
),

unallocated as (
    select * from {{ ref('int_carbon__unallocated') }}
    where {{ this_month('usage_month') }}
),

-- Cardinality: every join finds at most one row, so the charge lines stay as they are.
charge_rows as (
    select
        {%- for column in focus_columns() %}
        charges.{{ column.name }},
        {%- endfor %}
        'Charge' as x_RecordKind,
        charges.x_ChargeKey,
        charges.source_name as x_SourceName,
        charges.delivery_id as x_DeliveryId,
        charges.carbon_delivery_id as x_CarbonDeliveryId,
        charges.x_SourceChanges,
        charges.x_SourceValues,
        case
            when
                coalesce(charges.ChargeCategory, '') <> 'Usage'
                or coalesce(charges.CommitmentDiscountStatus, '') = 'Unused'
                then 'NotApplicable'
            when charges.is_third_party then 'NotCovered'
            when charges.is_late_after_close then 'LateAfterClose'
            when emission_sources.provider is null then 'NotCovered'
            when denied_accounts.account_id is not null then 'AccessDenied'
            when charges.group_is_zero then 'BelowThreshold'
            when charges.is_allocated then 'Reported'
            when arrived.usage_month is not null then 'NotCovered'
            else 'Pending'
        end as x_CarbonReportedStatus,
        {%- for measure in emission_measures() %}
        charges.{{ measure }},
        {%- endfor %}
        charges.carbon_basis as x_CarbonMethod,
        charges.carbon_model_version as x_CarbonModelVersion,
        cast(null as {{ varchar_type() }}) as x_UnallocatedReason,
        charges.x_EstimateStatus,
        {%- for measure in estimate_measures() %}
        charges.{{ measure }},
        {%- endfor %}
        charges.x_EstimateQuality,
        charges.x_FactorSetId,
        charges.x_EstimateRateId,
        virtual_tags.x_Owner,
        virtual_tags.x_CostCenter,
        virtual_tags.x_Environment,
        virtual_tags.x_Workload,
        virtual_tags.x_WorkloadPhase,
        virtual_tags.x_RuleSetId,
        charges.x_Provider,
        charges.x_BillingMonth
    from charges
    left join virtual_tags on {{ virtual_tags_join('charges', 'virtual_tags') }}
    left join emission_sources on charges.x_Provider = emission_sources.provider
    left join arrived
        on charges.x_Provider = arrived.x_Provider and charges.usage_month = arrived.usage_month
    left join denied_accounts
        on
            charges.x_Provider = denied_accounts.provider
            and charges.usage_month = denied_accounts.month
            and charges.emission_sub_account_id = denied_accounts.account_id
),

unallocated_rows as (
    select
        {%- for column in focus_columns() %}
        {{ unallocated_value(column) }} as {{ column.name }},
        {%- endfor %}
        'UnallocatedEmissions' as x_RecordKind,
        concat(
            substr(md5(concat(source_name, '|', cast(usage_month as {{ varchar_type() }}))), 1, 12),
            '-', emission_group_key, '-u'
        ) as x_ChargeKey,
        source_name as x_SourceName,
        cast(null as {{ varchar_type() }}) as x_DeliveryId,
        delivery_id as x_CarbonDeliveryId,
        cast(null as {{ varchar_type() }}) as x_SourceChanges,
        cast(null as {{ varchar_type() }}) as x_SourceValues,
        'Reported' as x_CarbonReportedStatus,
        {%- for measure in emission_measures() %}
        {{ measure }},
        {%- endfor %}
        'unallocated' as x_CarbonMethod,
        model_version as x_CarbonModelVersion,
        unallocated_reason as x_UnallocatedReason,
        'NotApplicable' as x_EstimateStatus,
        {%- for measure in estimate_measures() %}
        cast(null as decimal(38, 18)) as {{ measure }},
        {%- endfor %}
        cast(null as {{ varchar_type() }}) as x_EstimateQuality,
        cast(null as {{ varchar_type() }}) as x_FactorSetId,
        cast(null as {{ varchar_type() }}) as x_EstimateRateId,
        cast(null as {{ varchar_type() }}) as x_Owner,
        cast(null as {{ varchar_type() }}) as x_CostCenter,
        'unknown' as x_Environment,
        cast(null as {{ varchar_type() }}) as x_Workload,
        'unknown' as x_WorkloadPhase,
        cast(null as {{ varchar_type() }}) as x_RuleSetId,
        x_Provider,
        usage_month as x_BillingMonth
    from unallocated
),

all_rows as (
    select * from charge_rows
    union all
    select * from unallocated_rows
)

select
    {%- for column in focus_columns() %}
    {{ column.name }},
    {%- endfor %}
    x_RecordKind,
    x_ChargeKey,
    x_SourceName,
    x_DeliveryId,
    x_CarbonDeliveryId,
    x_SourceChanges,
    x_SourceValues,
    x_CarbonReportedStatus,
    total_location_kg as x_CarbonLocationKg,
    total_market_kg as x_CarbonMarketKg,
    total_unspecified_kg as x_CarbonUnspecifiedKg,
    scope1_kg as x_CarbonProviderScope1Kg,
    scope2_location_kg as x_CarbonProviderScope2LocationKg,
    scope2_market_kg as x_CarbonProviderScope2MarketKg,
    scope2_unspecified_kg as x_CarbonProviderScope2UnspecifiedKg,
    scope3_location_kg as x_CarbonProviderScope3LocationKg,
    scope3_market_kg as x_CarbonProviderScope3MarketKg,
    scope3_unspecified_kg as x_CarbonProviderScope3UnspecifiedKg,
    x_CarbonMethod,
    x_CarbonModelVersion,
    x_UnallocatedReason,
    x_EstimateStatus,
    {%- for measure in estimate_measures() %}
    {{ measure }},
    {%- endfor %}
    x_EstimateQuality,
    x_FactorSetId,
    x_EstimateRateId,
    x_Owner,
    x_CostCenter,
    x_Environment,
    x_Workload,
    x_WorkloadPhase,
    x_RuleSetId,
    x_Provider,
    x_BillingMonth
from all_rows
