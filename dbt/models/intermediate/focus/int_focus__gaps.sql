with known_inputs as (
    select * from {{ source('ledger', 'inputs') }}
),

periods as (
    select * from {{ ref('int_focus__billing_periods') }}
),

charge_issuers as (
    select * from {{ ref('int_focus__charge_issuers') }}
),

-- Which datasets have no source at all?
without_source as (
    {%- for dataset in focus_datasets() %}
    select
        '{{ dataset.name }}' as dataset,
        'no_source' as gap,
        source_name,
        cast(null as date) as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(null as decimal(38, 18)) as measured,
        {%- if dataset.name == 'billing_period' %}
        'no billing periods are supplied; only what issued invoices say is published' as detail
        {%- else %}
        'nothing supplies this dataset; it is published empty' as detail
        {%- endif %}
    from known_inputs
    where input_name = '{{ dataset.input }}' and delivery_id is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Which supplied rows are no rows of the standard, and what do they lack?
lacking as (
    {%- for dataset in focus_datasets() %}
    {%- set last_dataset = loop.last %}
    {%- for column in focus_required_columns(dataset.dataset) %}
    select
        '{{ dataset.name }}' as dataset,
        '{{ dataset.input }}' as input_name,
        {{ dataset.month }} as billing_month,
        delivery_id,
        '{{ column.name }}' as column_name
    from {{ source('inputs', dataset.input) }}
    where
        {{ focus_value_is_lacking(column) }}
        {%- if dataset.dataset == 'InvoiceDetail' %}
        -- The total of an invoice is no line that lacks something.
        and not (InvoiceDetailId is null and ChargeCategory is null)
        {%- endif %}
    {{ 'union all' if not (loop.last and last_dataset) }}
    {%- endfor %}
    {%- endfor %}
),

incomplete_rows as (
    select
        lacking.dataset,
        'incomplete_rows' as gap,
        known_inputs.source_name,
        lacking.billing_month,
        lacking.delivery_id,
        lacking.column_name,
        cast(count(*) as decimal(38, 18)) as measured,
        'rows without an allowed value that the standard demands; left out' as detail
    from lacking
    inner join known_inputs on lacking.input_name = known_inputs.input_name
    group by
        lacking.dataset, known_inputs.source_name, lacking.billing_month, lacking.delivery_id,
        lacking.column_name
),

-- Of which periods that have charges does nobody state the status?
unstated as (
    select
        charge_issuers.billing_month,
        charge_issuers.InvoiceIssuerName
    from charge_issuers
    left join periods
        on
            charge_issuers.InvoiceIssuerName = periods.InvoiceIssuerName
            and charge_issuers.billing_month
            = cast(date_trunc('month', periods.BillingPeriodStart) as date)
    where periods.InvoiceIssuerName is null
    group by charge_issuers.billing_month, charge_issuers.InvoiceIssuerName
),

unstated_periods as (
    select
        'billing_period' as dataset,
        'status_not_stated' as gap,
        cast(null as {{ varchar_type() }}) as source_name,
        billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        'BillingPeriodStatus' as column_name,
        cast(count(*) as decimal(38, 18)) as measured,
        concat(
            'issuers of charges that state no status of the period; left out; first: ',
            coalesce(min(InvoiceIssuerName), 'charges without an issuer')
        ) as detail
    from unstated
    group by billing_month
),

-- Not a gap but a conclusion, so it is shown.
concluded_periods as (
    select
        'billing_period' as dataset,
        'status_from_invoices' as gap,
        cast(null as {{ varchar_type() }}) as source_name,
        cast(date_trunc('month', BillingPeriodStart) as date) as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        'BillingPeriodStatus' as column_name,
        cast(count(*) as decimal(38, 18)) as measured,
        'periods whose status is concluded from the state of the issuer''s invoices' as detail
    from periods
    where stated_by = 'invoices'
    group by cast(date_trunc('month', BillingPeriodStart) as date)
)

select * from without_source
union all
select * from incomplete_rows
union all
select * from unstated_periods
union all
select * from concluded_periods
