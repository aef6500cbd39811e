{#-
    The lines of the tie-out between charges and invoices. docs/reconciliation.md is this file in
    words: each line with what it measures, and what counts as its cause.
-#}

{#- Lines of the bridge that are measured on their own; what is left is unexplained. -#}
{% macro bridge_lines() -%}
    {{ return(measured_lines() + ['on_invoice_not_in_data', 'in_data_not_invoiced']) }}
{%- endmacro %}

{% macro measured_lines() -%}
    {{ return(['tax', 'rounding', 'fx'] + lines_with_counterparts()) }}
{%- endmacro %}

{#- Lines whose difference has a cause when the same amount is missing elsewhere. -#}
{% macro lines_with_counterparts() -%}
    {{ return(['credits', 'refunds', 'commitments', 'support', 'marketplace', 'corrections']) }}
{%- endmacro %}

{#- The line of a category that has no sign of another one. -#}
{% macro plain_lines() -%}
    {{ return(['usage', 'purchases', 'adjustments', 'credits', 'tax', 'total']) }}
{%- endmacro %}

{% macro is_plain_line(column) -%}
    {{ is_one_of(column, plain_lines()) }}
{%- endmacro %}

{% macro has_counterparts(column) -%}
    {{ is_one_of(column, lines_with_counterparts()) }}
{%- endmacro %}

{% macro is_one_of(column, words) -%}
    {{ column }} in (
        {%- for word in words %}
            '{{ word }}'{{ ',' if not loop.last }}
        {%- endfor %}
        )
{%- endmacro %}

{#- Whatever can be at variance, in the order in which it is named. -#}
{% macro variance_lines() -%}
    {{ return(measured_lines() + ['usage', 'purchases', 'adjustments', 'total']) }}
{%- endmacro %}

{#- Which line a charge of the fact belongs to. -#}
{% macro charge_line() -%}
    case
        when ChargeCategory = 'Tax' then 'tax'
        when ChargeCategory = 'Credit' then 'credits'
        when ChargeCategory = 'Adjustment' and {{ says(['rounding'], 'ChargeDescription') }}
            then 'rounding'
        when
            ChargeCategory = 'Adjustment'
            and {{ says(['exchange rate', 'currency conversion'], 'ChargeDescription') }}
            then 'fx'
        when ServiceProviderName <> ProviderName then 'marketplace'
        when ServiceSubcategory = 'Support' then 'support'
        when ChargeClass = 'Correction' and BilledCost < 0 then 'refunds'
        when ChargeClass = 'Correction' then 'corrections'
        when ChargeCategory = 'Purchase' and CommitmentDiscountId is not null then 'commitments'
        when ChargeCategory = 'Purchase' then 'purchases'
        when ChargeCategory = 'Adjustment' then 'adjustments'
        else 'usage'
    end
{%- endmacro %}

{#-
    Which line an invoice's line belongs to. Invoice Detail has no column for it beyond the
    category, so the words of its description and grain decide.
-#}
{% macro stated_line() -%}
    case
        when ChargeCategory = 'Tax' then 'tax'
        when ChargeCategory = 'Credit' then 'credits'
        when ChargeCategory = 'Adjustment' and {{ says(['rounding'], 'told') }} then 'rounding'
        when
            ChargeCategory = 'Adjustment'
            and {{ says(['exchange rate', 'currency conversion'], 'told') }}
            then 'fx'
        when {{ says(['marketplace'], 'told') }} then 'marketplace'
        when {{ says(['support plan', 'business support', 'enterprise support', 'premium support',
            'developer support', 'customer care'], 'told') }} then 'support'
        when {{ says(['refund'], 'told') }} then 'refunds'
        when {{ says(['correction', 'late usage'], 'told') }} then 'corrections'
        when
            ChargeCategory = 'Purchase'
            and {{ says(['commitment', 'committed use', 'reservation', 'reserved', 'savings plan'],
                'told') }}
            then 'commitments'
        when ChargeCategory = 'Purchase' then 'purchases'
        when ChargeCategory = 'Adjustment' then 'adjustments'
        else 'usage'
    end
{%- endmacro %}

{% macro says(words, column) -%}
    (
        {%- for word in words %}
        {{ 'or ' if not loop.first }}coalesce(lower({{ column }}) like '%{{ word }}%', false)
        {%- endfor %}
    )
{%- endmacro %}

{#- What names a row of the tie-out; an absent invoice number or issuer is an empty text here. -#}
{% macro tie_out_key() -%}
    {{ return(['billing_month', 'issuer', 'account', 'tied_invoice', 'currency']) }}
{%- endmacro %}

{% macro same_tie_out(one, other) -%}
    {%- for column in tie_out_key() %}
    {{ 'and ' if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ column }}
    {%- endfor %}
{%- endmacro %}

{% macro of_tie_out(relation) -%}
    {%- for column in tie_out_key() %}
    {{ relation }}.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro sum_when(condition, column) -%}
    coalesce({{ amount_sum('case when ' ~ condition ~ ' then ' ~ column ~ ' end') }}, 0)
{%- endmacro %}

{% macro amounts_plus(terms) -%}
    {%- set found = namespace(sql=terms[0]) -%}
    {%- for term in terms[1:] -%}
        {%- set found.sql = amount_plus(found.sql, term) -%}
    {%- endfor -%}
    {{ return(found.sql) }}
{%- endmacro %}

{#-
    FOCUS 1.4, rounding variance tolerance: max(100 subunits, half a subunit per square root of the
    rows), rounded to millionths. A bound, no amount: it is compared, never summed.
-#}
{% macro invoice_tolerance(rows, subunit) -%}
    cast(round(greatest(
        100 * coalesce({{ subunit }}, 0), sqrt({{ rows }}) * 0.5 * coalesce({{ subunit }}, 0)
    ), 6) as decimal(38,18))
{%- endmacro %}

{% macro months_apart(one, other) -%}
    (
        (extract(year from {{ one }}) - extract(year from {{ other }})) * 12
        + extract(month from {{ one }}) - extract(month from {{ other }})
    )
{%- endmacro %}

{% macro outcome_of(reason) -%}
    case {{ reason }}
        when 'equal' then 'match'
        when 'rounding' then 'within_tolerance'
        when 'invoice_open' then 'pending'
        when 'invoice_not_due' then 'pending'
        when 'internal_charges' then 'not_reconcilable'
        when 'no_invoices_supplied' then 'not_reconcilable'
        when 'posted_only' then 'not_reconcilable'
        else 'variance'
    end
{%- endmacro %}

{#- The reason of an outcome as a sentence; NULL where there is nothing to say. -#}
{% macro reason_in_words() -%}
    case reason
        when 'internal_charges' then 'internal charges: nobody invoices them'
        when 'no_invoices_supplied' then 'the input `invoices` is not supplied'
        when 'posted_only' then 'only the ledger has postings of this key'
        when 'invoice_open' then 'the issuer still writes this invoice'
        when 'invoice_not_due'
            then concat('no invoice yet; due on ', cast(invoice_due_on as {{ varchar_type() }}))
        when 'total_stated_again' then 'a total is stated more than once; remove one of the rows'
        when 'invoice_in_another_currency'
            then 'the invoice is in another currency than the charges of the account'
        when 'no_charges' then 'there are no charges of this invoice, or of its account'
        when 'invoice_missing'
            then concat_ws(
                ' ', 'charges without an invoice, which was due on',
                cast(invoice_due_on as {{ varchar_type() }})
            )
        when 'total_differs_from_lines'
            then concat_ws(
                ' ', 'the total of the invoice and its lines differ; the lines lack',
                {{ plain_amount('total_minus_lines') }}, currency, {{ named_lines() }}
            )
        when 'one_sided'
            then concat_ws(' ', 'on one side only:', line_names)
        when 'unexplained'
            then concat_ws(' ', 'more than the tolerance is unexplained', {{ named_lines() }})
        when 'tax_differs' then 'tax of the invoice and of the data differ'
        when 'rounding'
            then concat_ws(' ', 'unexplained, within the tolerance', {{ named_lines() }})
        else case when is_coarse then coarse_reason end
    end
{%- endmacro %}

{#-
    What the total holds and no line shows. Less than the smallest coin can only be rounding; a line
    that only invoices have is missing if the invoice has none; else nobody can say.
-#}
{% macro unlisted_line() -%}
    case
        when abs(total_minus_lines) < subunit then 'rounding'
        when not tax_in_data and bridge_tax = 0 then 'tax'
        when is_paid_elsewhere and bridge_fx = 0 then 'fx'
        else 'total'
    end
{%- endmacro %}

{% macro named_lines() -%}
    case when line_names is not null then concat('(', line_names, ')') end
{%- endmacro %}

{#- An amount for a sentence: no zeros at its end. -#}
{% macro plain_amount(amount) -%}
    regexp_replace(regexp_replace(cast({{ amount }} as {{ varchar_type() }}), '0+$', ''), '[.]$', '')
{%- endmacro %}
