with totals as (
    select * from {{ ref('int_invoices__totals') }}
),

differences as (
    select * from {{ ref('int_invoices__differences') }}
),

known_inputs as (
    select * from {{ source('ledger', 'inputs') }}
),

has_invoices as (
    select
        count(case when input_name = 'invoices' and delivery_id is not null then 1 end) > 0
            as is_supplied
    from known_inputs
),

bridged as (
    select
        {{ tie_out_key() | join(',\n        ') }},
        max(tolerance) as tolerance,
        max(subunit) as subunit,
        {%- for line in measured_lines() %}
        {{ sum_when("line = '" ~ line ~ "'", 'explained') }} as bridge_{{ line }},
        {%- endfor %}
        {{ sum_when("place = 'on_invoice_not_in_data'", 'leftover') }}
            as bridge_on_invoice_not_in_data,
        {{ sum_when("place = 'in_data_not_invoiced'", 'leftover') }}
            as bridge_in_data_not_invoiced,
        max(case when is_at_variance and line = 'tax' then 1 else 0 end) = 1 as tax_varies,
        concat_ws(
            ', '
            {%- for line in variance_lines() %},
            max(case when line = '{{ line }}' and is_at_variance then '{{ line }}' end)
            {%- endfor %}
        ) as line_names,
        concat_ws(
            '; '
            {%- for line in lines_with_counterparts() %},
            max(
                case
                    when line = '{{ line }}' and found_on is not null
                        then concat_ws(
                            ' ', line, 'on', found_on, cast(other_month as {{ varchar_type() }}),
                            other_issuer, other_account, nullif(other_invoice, '')
                        )
                end
            )
            {%- endfor %}
        ) as counterparts
    from differences
    group by {{ tie_out_key() | join(', ') }}
),

-- An absent leg counts as nothing in the difference, and stays absent in its own column.
subtracted as (
    select
        totals.*,
        bridged.tolerance,
        bridged.subunit,
        {%- for line in bridge_lines() %}
        bridged.bridge_{{ line }},
        {%- endfor %}
        bridged.tax_varies,
        nullif(bridged.line_names, '') as line_names,
        nullif(bridged.counterparts, '') as counterparts,
        case
            when bridged.billing_month is not null
                then {{ amount_minus('coalesce(totals.invoice_total, 0)',
                    'coalesce(totals.fact_total, 0)') }}
        end as difference,
        has_invoices.is_supplied
    from totals
    left join bridged on {{ same_tie_out('totals', 'bridged') }}
    cross join has_invoices
),

{%- set bridge = [] %}
{%- for line in bridge_lines() %}{% do bridge.append('bridge_' ~ line) %}{% endfor %}

balanced as (
    select
        *,
        {{ amount_minus('difference', amounts_plus(bridge)) }} as unexplained,
        bridge_on_invoice_not_in_data <> 0 or bridge_in_data_not_invoiced <> 0 as is_one_sided
    from subtracted
),

-- An account whose other leg is in another currency has it in a row of its own.
peers as (
    select
        *,
        count(*) over (partition by billing_month, issuer, account)
        > count(*) over (partition by billing_month, issuer, account, currency)
            as is_other_currency
    from balanced
),

-- First what forbids a verdict, then what is wrong, then how far apart the legs are.
reasoned as (
    select
        *,
        case
            when is_internal then 'internal_charges'
            when not is_supplied then 'no_invoices_supplied'
            when not has_charges and invoice_count = 0 and not is_open then 'posted_only'
            when is_open then 'invoice_open'
            when invoice_count = 0 and not is_due then 'invoice_not_due'
            when is_stated_again then 'total_stated_again'
            when is_one_sided and is_other_currency and (not has_charges or invoice_count = 0)
                then 'invoice_in_another_currency'
            when not has_charges and is_one_sided then 'no_charges'
            when invoice_count = 0 and is_one_sided then 'invoice_missing'
            when total_minus_lines <> 0 then 'total_differs_from_lines'
            when is_one_sided then 'one_sided'
            when abs(unexplained) > tolerance then 'unexplained'
            when tax_varies then 'tax_differs'
            when unexplained <> 0 then 'rounding'
            else 'equal'
        end as reason
    from peers
),

classified as (
    select
        *,
        {{ outcome_of('reason') }} as outcome,
        case
            when reason <> 'tax_differs' then {{ outcome_of('reason') }}
            when unexplained <> 0 then 'within_tolerance'
            else 'match'
        end as net_outcome
    from reasoned
)

select
    billing_month,
    provider,
    nullif(issuer, '') as invoice_issuer_name,
    nullif(account, '') as billing_account_id,
    invoice_id,
    currency as billing_currency,
    case when is_coarse then 'account_and_month' else 'invoice' end as tie_key,
    control_total,
    fact_total,
    invoice_total,
    difference,
    {%- for line in bridge_lines() %}
    bridge_{{ line }},
    {%- endfor %}
    unexplained,
    tolerance,
    outcome,
    {{ reason_in_words() }} as outcome_reason,
    case
        when outcome not in ('variance', 'within_tolerance') then null
        when line_names is null and total_minus_lines <> 0 then {{ unlisted_line() }}
        else line_names
    end as variance_lines,
    counterparts,
    {{ amount_minus('fact_total', 'coalesce(fact_tax, 0)') }} as fact_net_total,
    {{ amount_minus('invoice_total', 'invoice_tax') }} as invoice_net_total,
    case
        when difference is not null and not is_total_only
            then {{ amount_minus(
                amount_minus('coalesce(invoice_total, 0)', 'coalesce(invoice_tax, 0)'),
                amount_minus('coalesce(fact_total, 0)', 'coalesce(fact_tax, 0)')
            ) }}
    end as net_difference,
    net_outcome,
    total_minus_lines as invoice_total_minus_lines,
    ledger_total,
    invoice_count,
    charge_lines,
    invoice_due_on
from classified
