{{ monthly_model() }}

{%- set same_among_ties = identifying_columns() + ['source_name', 'billing_month', 'delivery_id'] %}
{%- set other_columns = charge_columns() | reject('in', same_among_ties) | list %}

-- render(): months are filtered by macro this_month, so that one batch opens one month's files; the
-- filter that dbt puts around a plain ref compares texts and prunes nothing.
-- Charges that share every identifying dimension are told apart by their place among themselves,
-- in the order of all other columns. Few are tied, so only they pay for the ordering; that is why
-- the union is read three times and never held as a whole.
with tied_by_dimensions as (
    select
        source_name,
        charge_hash
    from {{ ref('int_charges__unioned').render() }}
    where {{ this_month() }} and line_key is null
    group by source_name, charge_hash
    having count(*) > 1
),

-- Apart, because a provider's own key is told without looking at any other column.
tied_by_line_key as (
    select
        source_name,
        md5(line_key) as charge_hash
    from {{ ref('int_charges__unioned').render() }}
    where {{ this_month() }} and line_key is not null
    group by source_name, line_key
    having count(*) > 1
),

tied as (
    select * from tied_by_dimensions
    union all
    select * from tied_by_line_key
),

alone as (
    select
        charges.*,
        cast(0 as bigint) as place,
        false as is_repeated
    from {{ ref('int_charges__unioned').render() }} as charges
    anti join tied
        on charges.source_name = tied.source_name and charges.charge_hash = tied.charge_hash
    where {{ this_month('charges.billing_month') }}
),

among_ties as (
    select
        charges.*,
        row_number() over (
            partition by charges.source_name, charges.charge_hash
            order by {{ 'charges.' ~ other_columns | join(' nulls last, charges.') }} nulls last
        ) - 1 as place,
        count(*) over (
            partition by
                charges.source_name, charges.charge_hash,
                {{ 'charges.' ~ other_columns | join(', charges.') }}
        ) > 1 as is_repeated
    from {{ ref('int_charges__unioned').render() }} as charges
    inner join tied
        on charges.source_name = tied.source_name and charges.charge_hash = tied.charge_hash
    where {{ this_month('charges.billing_month') }}
),

placed as (
    select * from alone
    union all
    select * from among_ties
),

keyed as (
    select
        {{ charge_columns() | join(',\n        ') }},
        concat(
            substr(
                md5(concat(source_name, '|', cast(billing_month as {{ varchar_type() }}))), 1, 12
            ),
            '-', charge_hash, '-', cast(place as {{ varchar_type() }})
        ) as x_ChargeKey,
        is_repeated,
        cast(date_trunc('month', ChargePeriodStart) as date) as usage_month,
        coalesce(
            ChargeCategory = 'Usage'
            and coalesce(CommitmentDiscountStatus, '') <> 'Unused'
            and not is_third_party,
            false
        ) as carries_emissions
    from placed
),

carbon_closes as (
    select * from {{ source('ledger', 'carbon_closes') }}
),

counted_bills as (
    select * from {{ source('ledger', 'counted_bills') }}
),

counted_lines as (
    select * from {{ source('ledger', 'counted_lines') }}
)

-- Cardinality: every join finds at most one row. A line that came after the carbon of its usage
-- month was closed takes nothing from those that share it.
select
    keyed.*,
    carbon_closes.provider is not null
    and counted_bills.provider is null
    and counted_lines.charge_key is null as is_late_after_close,
    {{ emission_group_key('keyed.usage_month') }} as emission_group_key
from keyed
left join carbon_closes
    on
        keyed.x_Provider = carbon_closes.provider
        and keyed.usage_month = carbon_closes.usage_month
left join counted_bills
    on
        keyed.x_Provider = counted_bills.provider
        and keyed.usage_month = counted_bills.usage_month
        and keyed.billing_month = counted_bills.billing_month
left join counted_lines on keyed.x_ChargeKey = counted_lines.charge_key
