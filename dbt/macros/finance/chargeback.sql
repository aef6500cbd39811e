{#-
    Chargeback: charge lines -> monthly sums by what pools may ask for -> rows by owner, with what a
    pool hands on as a negative row at its source and positive ones at its targets.

        lines as ({{ chargeback_lines('fact') }})          -- once per month
        rows as ({{ chargeback_rows('lines') }})           -- over all months

    The pools are read when the model is compiled (ledger.chargeback_pools). docs/chargeback.md says
    what a pool means; `cloudtally owners --try` runs the same SQL over a file that isn't merged yet.
-#}

{% macro chargeback_measures() %}
    {{- return([
        'effective_cost', 'billed_cost', 'carbon_location_kg', 'carbon_market_kg',
        'carbon_unspecified_kg', 'estimated_carbon_kg',
    ]) -}}
{% endmacro %}


{% macro chargeback_line_keys() %}
    {{- return([
        'billing_month', 'provider', 'billing_account_id', 'sub_account_id', 'sub_account_name',
        'service_name', 'service_category', 'region_id', 'charge_category', 'environment',
        'workload', 'owner', 'cost_center', 'line_kind', 'billing_currency',
    ]) -}}
{% endmacro %}


{#- Kinds of lines that are nobody's own, whatever their tags say. -#}
{% macro is_central_line(line_kind) %}
    {{- return(line_kind ~ " in ('unused_commitment', 'support', 'tax')") -}}
{% endmacro %}


{#- Query: grain = chargeback_line_keys(), from rows of the fact. -#}
{% macro chargeback_lines(relation) %}
    with support_services as (
        select
            provider,
            lower(service_code) as service_code
        from {{ ref('service_map') }}
        where service_subcategory = 'Support'
        group by provider, lower(service_code)
    ),

    -- Cardinality: a code is one service of a provider.
    named_lines as (
        select
            charges.*,
            case
                when charges.x_RecordKind <> 'Charge' then 'unallocated_emissions'
                when charges.ChargeCategory = 'Tax' then 'tax'
                when
                    charges.ServiceSubcategory = 'Support'
                    or support_services.service_code is not null
                    then 'support'
                when charges.CommitmentDiscountStatus = 'Unused' then 'unused_commitment'
                when charges.x_Owner is null then 'untagged'
                else 'owned'
            end as line_kind
        from {{ relation }} as charges
        left join support_services
            on
                charges.x_Provider = support_services.provider
                and lower(charges.ServiceName) = support_services.service_code
    ),

    named_columns as (
        select
            x_BillingMonth as billing_month,
            x_Provider as provider,
            BillingAccountId as billing_account_id,
            SubAccountId as sub_account_id,
            SubAccountName as sub_account_name,
            ServiceName as service_name,
            ServiceCategory as service_category,
            RegionId as region_id,
            ChargeCategory as charge_category,
            x_Environment as environment,
            x_Workload as workload,
            x_Owner as owner,
            x_CostCenter as cost_center,
            line_kind,
            {{ mart_currency() }} as billing_currency,
            EffectiveCost as effective_cost,
            BilledCost as billed_cost,
            x_CarbonLocationKg as carbon_location_kg,
            x_CarbonMarketKg as carbon_market_kg,
            x_CarbonUnspecifiedKg as carbon_unspecified_kg,
            x_EstimatedCarbonKg as estimated_carbon_kg,
            case when x_RecordKind = 'Charge' then 1 end as charge_line
        from named_lines
    )

    select
        {{ chargeback_line_keys() | join(',\n        ') }},
        {%- for measure in chargeback_measures() %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        count(charge_line) as charge_lines
    from named_columns
    group by
        {{ chargeback_line_keys() | join(',\n        ') }}
{% endmacro %}


{#- The pools as data, in the order in which they are asked. -#}
{% macro chargeback_pools() %}
    {%- set relation = source('ledger', 'chargeback_pools') -%}
    {%- set pools = [] -%}
    {%- if execute -%}
        {%- set query -%}
            select definition from {{ relation }} order by position
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do pools.append(fromjson(row[0])) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(pools) }}
{% endmacro %}


{#- Query: grain = month, provider, currency, owner, cost center, line, movement, pool, held_in. -#}
{% macro chargeback_rows(relation) %}
    {%- set pools = chargeback_pools() -%}
    {%- set measures = chargeback_measures() -%}
    {%- set levels = (pools | map(attribute='level') | max + 1) if pools else 0 -%}
    with taken as (
        select
            *,
            {{ chargeback_pool_of(pools) }} as pool
        from {{ relation }}
    ),

    own as (
        select
            billing_month,
            provider,
            billing_currency,
            case when not ({{ is_central_line('line_kind') }}) then owner end as owner,
            case when not ({{ is_central_line('line_kind') }}) then cost_center end as cost_center,
            line_kind,
            pool,
            {%- for measure in measures %}
            {{ amount_sum(measure) }} as {{ measure }},
            {%- endfor %}
            cast(sum(charge_lines) as bigint) as charge_lines
        from taken
        group by
            billing_month, provider, billing_currency,
            case when not ({{ is_central_line('line_kind') }}) then owner end,
            case when not ({{ is_central_line('line_kind') }}) then cost_center end,
            line_kind, pool
    ),

    weights as (
        {{ chargeback_weights(pools) }}
    ),

    drivers as (
        select
            *,
            sum(weight) over (
                partition by pool, billing_month, billing_currency
                order by target_pool nulls first, target_owner nulls first,
                    target_cost_center nulls first
                rows between unbounded preceding and current row
            ) as cumulative_weight,
            sum(weight) over (
                partition by pool, billing_month, billing_currency
            ) as sum_of_weights
        from weights
    ),

    driven as (
        select distinct
            pool,
            billing_month,
            billing_currency
        from drivers
    ),

    {%- for level in range(levels) %}

    {{ chargeback_level(pools, level) }}
    {%- endfor %}

    parts as (
        {{ chargeback_parts(levels) }}
    ),

    -- What stays where it arose, pools included: taken out again below.
    own_rows as (
        select
            own.billing_month,
            own.provider,
            own.billing_currency,
            own.owner,
            own.cost_center,
            own.line_kind,
            'own' as movement,
            own.pool,
            cast(null as {{ varchar_type() }}) as held_in,
            case when own.pool is not null and driven.pool is null then 'driver_is_zero' end
                as reason,
            cast(null as {{ varchar_type() }}) as driver,
            cast(null as decimal(38, 0)) as driver_weight,
            cast(null as decimal(38, 0)) as driver_weight_total,
            {%- for measure in measures %}
            own.{{ measure }},
            {%- endfor %}
            own.charge_lines
        from own
        left join driven
            on
                own.pool = driven.pool
                and own.billing_month = driven.billing_month
                and own.billing_currency = driven.billing_currency
    ),

    in_rows as (
        select
            parts.billing_month,
            parts.provider,
            parts.billing_currency,
            parts.target_owner as owner,
            parts.target_cost_center as cost_center,
            case when parts.target_pool is null then 'shared' else 'pooled' end as line_kind,
            'in' as movement,
            parts.pool,
            parts.target_pool as held_in,
            case
                when parts.target_pool is not null and driven.pool is null then 'driver_is_zero'
            end as reason,
            parts.driver,
            parts.weight as driver_weight,
            cast(parts.sum_of_weights as decimal(38, 0)) as driver_weight_total,
            {%- for measure in measures %}
            parts.{{ measure }},
            {%- endfor %}
            cast(0 as bigint) as charge_lines
        from parts
        left join driven
            on
                parts.target_pool = driven.pool
                and parts.billing_month = driven.billing_month
                and parts.billing_currency = driven.billing_currency
    ),

    -- The negative rows: what pools took from their lines, and from what other pools gave them.
    out_rows as (
        {%- for taken_from in ['own_rows', 'in_rows'] %}
        {%- set pool = 'pool' if taken_from == 'own_rows' else 'held_in' %}
        select
            billing_month,
            provider,
            billing_currency,
            owner,
            cost_center,
            line_kind,
            'out' as movement,
            {{ pool }} as pool,
            held_in,
            cast(null as {{ varchar_type() }}) as reason,
            cast(null as {{ varchar_type() }}) as driver,
            cast(null as decimal(38, 0)) as driver_weight,
            cast(null as decimal(38, 0)) as driver_weight_total,
            {%- for measure in measures %}
            {{ amount_minus('cast(0 as decimal(38, 18))', amount_sum(measure)) }} as {{ measure }},
            {%- endfor %}
            cast(0 as bigint) as charge_lines
        from {{ taken_from }}
        where {{ pool }} is not null and reason is null
        group by
            billing_month, provider, billing_currency, owner, cost_center, line_kind,
            {{ pool }}, held_in
        {{- '\n        union all' if not loop.last }}
        {%- endfor %}
    )

    select * from own_rows
    union all
    select * from out_rows
    union all
    select * from in_rows
{% endmacro %}


{#- CASE over the pools: the first that takes a line. -#}
{% macro chargeback_pool_of(pools) %}
    {%- if not pools -%}
        cast(null as {{ varchar_type() }})
    {%- else -%}
        case
        {%- for pool in pools %}
            when {{ virtual_tag_conditions(none, pool, 'billing_month') | join(' and ') }}
                then {{ virtual_tag_literal(pool['name']) }}
        {%- endfor %}
        end
    {%- endif -%}
{% endmacro %}


{#-
    Query: grain = pool, month, currency, target. Cost that a pool takes is no driver of another,
    and neither are costs below zero. Cost drives the pool in its own currency alone.
-#}
{% macro chargeback_weights(pools) %}
    with months as (
        select distinct
            billing_month,
            billing_currency
        from taken
    )
    {%- for pool in pools %}

    {% if not loop.first %}union all{% endif %}
    {% if pool['driver'] == 'effective_cost' -%}
    select
        {{ virtual_tag_literal(pool['name']) }} as pool,
        'effective_cost' as driver,
        billing_month,
        billing_currency,
        owner as target_owner,
        cost_center as target_cost_center,
        cast(null as {{ varchar_type() }}) as target_pool,
        {{ cost_weight(amount_sum('effective_cost')) }} as weight
    from taken
    where {{ chargeback_driving(pool) | join(' and ') }}
    group by billing_month, billing_currency, owner, cost_center
    having {{ cost_weight(amount_sum('effective_cost')) }} > 0
    {%- else -%}
    {%- for target in pool['targets'] %}
    select
        {{ virtual_tag_literal(pool['name']) }} as pool,
        '{{ pool['driver'] }}' as driver,
        billing_month,
        billing_currency,
        {{ text_or_null(target['owner']) }} as target_owner,
        {{ text_or_null(target['cost_center']) }} as target_cost_center,
        {{ text_or_null(target['pool']) }} as target_pool,
        cast({{ target['weight'] }} as decimal(38, 0)) as weight
    from months
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
    {%- endif -%}
    {%- else %}

    select
        cast(null as {{ varchar_type() }}) as pool,
        cast(null as {{ varchar_type() }}) as driver,
        billing_month,
        billing_currency,
        cast(null as {{ varchar_type() }}) as target_owner,
        cast(null as {{ varchar_type() }}) as target_cost_center,
        cast(null as {{ varchar_type() }}) as target_pool,
        cast(null as decimal(38, 0)) as weight
    from months
    where false
    {%- endfor %}
{% endmacro %}


{#- Whose own cost drives a pool. -#}
{% macro chargeback_driving(pool) %}
    {%- set conditions = ["line_kind = 'owned'", 'pool is null'] -%}
    {%- if pool['targets'] -%}
        {%- set owners = [] -%}
        {%- for target in pool['targets'] -%}
            {%- do owners.append(virtual_tag_literal(target['owner'])) -%}
        {%- endfor -%}
        {%- do conditions.append('owner in (' ~ owners | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- set within = {'when': pool['within'], 'from': none, 'to': none} -%}
    {{ return(conditions + virtual_tag_conditions(none, within, 'billing_month')) }}
{% endmacro %}


{#- Pools of one level: what they hold, and the parts that their targets get of it. -#}
{% macro chargeback_level(pools, level) %}
    {%- set names = [] -%}
    {%- for pool in pools if pool['level'] == level -%}
        {%- do names.append(virtual_tag_literal(pool['name'])) -%}
    {%- endfor -%}
    {%- set keys = ['pool', 'billing_month', 'provider', 'billing_currency'] -%}
    held_{{ level }} as (
        select
            {{ keys | join(',\n            ') }},
            {%- for measure in chargeback_measures() %}
            {{ amount_sum(measure) }} as {{ measure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select {{ (keys + chargeback_measures()) | join(', ') }}
            from own
            {%- for before in range(level) %}
            union all
            select target_pool as {{ (keys + chargeback_measures()) | join(', ') }}
            from parts_{{ before }}
            {%- endfor %}
        ) as given
        where pool in ({{ names | join(', ') }})
        group by {{ keys | join(', ') }}
    ),

    -- Cardinality: one row per target of a pool that has a driver in the month.
    aimed_{{ level }} as (
        select
            held_{{ level }}.*,
            drivers.driver,
            drivers.target_owner,
            drivers.target_cost_center,
            drivers.target_pool,
            drivers.weight,
            drivers.cumulative_weight,
            drivers.sum_of_weights
        from held_{{ level }}
        inner join drivers
            on
                held_{{ level }}.pool = drivers.pool
                and held_{{ level }}.billing_month = drivers.billing_month
                and held_{{ level }}.billing_currency = drivers.billing_currency
    ),

    parts_{{ level }} as (
        {{ cumulative_shares(
            'aimed_' ~ level, 'weight', 'cumulative_weight', 'sum_of_weights',
            chargeback_measures(), chargeback_part_keys()
        ) }}
    ),
{% endmacro %}


{% macro chargeback_part_keys() %}
    {{- return([
        'pool', 'billing_month', 'provider', 'billing_currency', 'driver', 'target_owner',
        'target_cost_center', 'target_pool', 'weight', 'sum_of_weights',
    ]) -}}
{% endmacro %}


{#- Parts of all levels; none where there are no pools. -#}
{% macro chargeback_parts(levels) %}
    {%- for level in range(levels) %}
    select * from parts_{{ level }}
    {{- '\n        union all' if not loop.last }}
    {%- else %}
    select
        drivers.pool,
        drivers.billing_month,
        cast(null as {{ varchar_type() }}) as provider,
        drivers.billing_currency,
        drivers.driver,
        drivers.target_owner,
        drivers.target_cost_center,
        drivers.target_pool,
        drivers.weight,
        drivers.sum_of_weights,
        {%- for measure in chargeback_measures() %}
        cast(null as decimal(38, 18)) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from drivers
    {%- endfor %}
{% endmacro %}


{% macro text_or_null(value) %}
    {%- set text = 'null' if value is none else virtual_tag_literal(value) -%}
    {{- return('cast(' ~ text ~ ' as ' ~ varchar_type() ~ ')') -}}
{% endmacro %}
