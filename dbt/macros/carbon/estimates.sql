{#-
    What tells one kind of usage in one place from another: lines with equal columns are classified
    and priced in energy once, and differ by quantity alone.
-#}
{% macro usage_signature() -%}
    {{ return([
        'x_Provider', 'service', 'meter', 'unit', 'details', 'region_id', 'usage_month', 'is_held_idle',
    ]) }}
{%- endmacro %}

{#- The signature, quantity and owner of charge lines that can be estimated. -#}
{% macro usage_lines(charges) -%}
    select
        billing_month,
        x_Provider,
        usage_month,
        {{ usage_columns() }}
    from {{ charges }}
    where {{ can_be_estimated() }}
{%- endmacro %}

{#- A month-long unit holds the hours of its month. -#}
{% macro hours_per_unit() -%}
    case when units.by_hours_of_month then dated.hours_of_month else 1 end
{%- endmacro %}

{#- Columns of usage_lines that no charge line has by itself. -#}
{% macro usage_columns() -%}
    coalesce(ServiceName, '') as service,
        coalesce(SkuMeter, ChargeDescription, '') as meter,
        case
            when {{ is_consumed_quantity() }} then coalesce(ConsumedUnit, '')
            else coalesce(PricingUnit, '')
        end as unit,
        coalesce(SkuPriceDetails, '') as details,
        coalesce(RegionId, '') as region_id,
        {{ is_held_idle() }} as is_held_idle,
        coalesce(SubAccountId, '') as sub_account_id,
        coalesce(ResourceId, '') as resource_id,
        {{ usage_quantity() }} as quantity
{%- endmacro %}

{#-
    Unused commitments have no consumed quantity; capacity that is held has a priced one. What is
    metered in seconds, bytes or byte-seconds is priced in hours or gibibytes, which need fewer digits.
-#}
{% macro is_consumed_quantity() -%}
    (
        ConsumedQuantity is not null
        and not coalesce(
            PricingQuantity is not null
            and (
                lower(ConsumedUnit) in ('seconds', 'b', 'b-seconds')
                or lower(ConsumedUnit) like 'byte%'
            ),
            false
        )
    )
{%- endmacro %}
{% macro usage_quantity() -%}
    case when {{ is_consumed_quantity() }} then ConsumedQuantity else PricingQuantity end
{%- endmacro %}

{#- Reserved capacity that nobody uses is hardware that is switched on for somebody. -#}
{% macro is_held_idle() -%}coalesce(CapacityReservationStatus = 'Unused', false){%- endmacro %}

{#- Purchases, fees, taxes and credits use nothing, and neither does a commitment that is left over. -#}
{% macro can_be_estimated() -%}
    coalesce(ChargeCategory = 'Usage', false)
    and (coalesce(CommitmentDiscountStatus, '') <> 'Unused' or {{ is_held_idle() }})
{%- endmacro %}

{#- What int_usage__skus says of a line's kind of usage beside quantities. -#}
{% macro sku_attributes() -%}
    {{ return([
        'sku_key', 'rule_id', 'treatment', 'factor_set_id', 'processor_family',
        'accelerator_model', 'storage_class', 'replicas', 'network_path', 'token_model',
    ]) }}
{%- endmacro %}

{#- What a unit of usage holds, by the name that int_usage__unioned gives it for a whole line. -#}
{% macro usage_quantities() -%}
    {{ return([
        'vcpu_hours', 'memory_gb_hours', 'accelerator_hours', 'server_hours', 'owned_server_hours',
        'storage_gb_hours', 'network_gb', 'tokens_in', 'tokens_out', 'energy_kwh',
    ]) }}
{%- endmacro %}

{#-
    A quantity in whole steps of its unit, such as millionths of an hour; the nearest, half of one
    counts up. Narrowing a DECIMAL(38,18) costs DuckDB 3 microseconds, more than all products of the
    line together, so a double makes the first guess, right but for one step, and the exact rest
    decides. Whole units from 1e9 on, and NULL from one below 1e12 on, which would round to more
    digits than fit.
-#}
{% macro guessed_steps(quantity, scale) -%}
    case
        when {{ quantity }} < 1000000000
            then cast(floor({{ nearly(quantity) }} * {{ scale }}) as bigint)
    end
{%- endmacro %}

{% macro counted_steps(quantity, guess, step, scale) -%}
    case
        when {{ guess }} is not null then {{ nearest_step(quantity, guess, step) }}
        when {{ quantity }} < 999999999999
            then cast(
                cast({{ quantity }} as decimal(12,0)) * cast({{ scale }} as decimal(7,0))
                as decimal(18,0)
            )
    end
{%- endmacro %}

{#- The guess, or one more where half a step or more is left. -#}
{% macro nearest_step(quantity, guess, step) -%}
    cast({{ guess }} as decimal(18,0)) + case
            when {{ amount_minus(
                quantity, 'cast(' ~ guess ~ ' as decimal(18,0)) * cast(' ~ step ~ ' as decimal(7,6))'
            ) }} >= cast({{ step }} as decimal(7,6)) * cast(0.5 as decimal(1,1))
                then cast(1 as decimal(1,0))
            else cast(0 as decimal(1,0))
        end
{%- endmacro %}

{#- So many steps of what one step comes to: exact, since the scales add up to eighteen. -#}
{% macro steps_times(steps, per_step) -%}
    cast(cast({{ steps }} as decimal(18,0)) * {{ per_step }} as decimal(38,18))
{%- endmacro %}

{#-
    A product of two figures, exact, then rounded to eighteen decimals: one of nineteen digits with
    `decimals_of_one` after the point, the other of eighteen with `decimals`. NULL for larger ones.
-#}
{% macro rate_product(one, other, decimals, decimals_of_one=15) -%}
    case
        when
            abs({{ one }}) < {{ '1' ~ '0' * (19 - decimals_of_one) }}
            and abs({{ other }}) < {{ '1' ~ '0' * (18 - decimals) }}
            then cast(
                cast({{ one }} as decimal(19,{{ decimals_of_one }}))
                * cast({{ other }} as decimal(18,{{ decimals }})) as decimal(38,18)
            )
    end
{%- endmacro %}

{#- NULL where a factor of quantity_times has more whole digits than it may. -#}
{% macro per_unit_of(amount, decimals) -%}
    case
        when abs({{ amount }}) < {{ '1' ~ '0' * (19 - decimals) }}
            then cast({{ amount }} as decimal(19,{{ decimals }}))
    end
{%- endmacro %}

{#- Estimates per unit of usage, by the measure of a line that they lead to. -#}
{% macro estimate_rates() -%}
    {{ return({
        'energy_kwh': 'x_EstimatedEnergyKwh',
        'operational_kg': 'x_EstimatedOperationalKg',
        'fera_kg': 'x_EstimatedFeraKg',
        'embodied_kg': 'x_EstimatedEmbodiedKg',
        'low_kg': 'x_EstimatedCarbonLowKg',
        'high_kg': 'x_EstimatedCarbonHighKg',
        'water_l': 'x_EstimatedWaterL',
    }) }}
{%- endmacro %}

{#- An expression for each name, which stands in it as @. -#}
{% macro each_of(names, expression) -%}
    {%- set found = [] -%}
    {%- for name in names -%}{%- do found.append(expression.replace('@', name)) -%}{%- endfor -%}
    {{ return(found | join(',\n        ')) }}
{%- endmacro %}

{#- An expression for the lower bound, the figure itself and the upper bound. -#}
{% macro each_bound(expression) -%}
    {{ return(each_of(['low', 'central', 'high'], expression)) }}
{%- endmacro %}

{#- The machine that a price's details name, written as the list of machines writes it. -#}
{% macro machine_of_details() -%}
    regexp_replace(
        replace(lower({{ json_text_value('measured.stated', 'InstanceType') }}), '_', ' '),
        '^(standard |db[.]|cache[.]|ml[.])', ''
    )
{%- endmacro %}

{#- A size that a price's details state of a machine without accelerators. -#}
{% macro stated_size(name) -%}
    case
        when
            ruled.is_machine
            and coalesce(
                try_cast({{ json_text_value('ruled.stated', 'GpuCount') }} as decimal(18,6)), 0
            ) = 0
            then try_cast({{ json_text_value('ruled.stated', name) }} as decimal(18,6))
    end
{%- endmacro %}

{% macro thousandth() -%}cast(0.001 as decimal(38, 18)){%- endmacro %}

{#- Figures are stated per TB and per thousand tokens; usage is counted in GB and tokens. -#}
{% macro unit_of_component() -%}
    cast(
        case component when 'storage' then 0.0009765625 when 'tokens' then 0.001 else 1 end
        as decimal(38, 18)
    )
{%- endmacro %}

{#-
    What draws power or was made, and the column of int_usage__skus that says how much of it a unit
    of usage holds. A machine's own host says what was emitted when it was made; else the mean of
    the provider's does.
-#}
{% macro estimate_parts() -%}
    {{ return([
        {
            'component': 'vcpu', 'subject': 'processor_family', 'amount': 'vcpu_hours',
            'embodied_subject': "'average'", 'host_vcpu': 'host_vcpu',
            'host_kg': 'host_embodied_kg',
        },
        {'component': 'memory', 'subject': "'dram'", 'amount': 'memory_beyond'},
        {
            'component': 'accelerator', 'subject': 'accelerator_model',
            'amount': 'accelerator_hours',
        },
        {
            'component': 'storage', 'subject': 'storage_class',
            'amount': 'stored_gb_hours',
        },
        {'component': 'network', 'subject': 'network_path', 'amount': 'network_gb'},
        {'component': 'tokens', 'subject': 'token_model', 'amount': 'tokens_out'},
        {'component': 'server', 'subject': "'average'", 'amount': 'server_hours'},
        {
            'component': 'owned_server', 'made_as': 'server', 'subject': "'average'",
            'amount': 'owned_server_hours',
        },
        {'component': 'energy', 'subject': "'measured'", 'amount': 'energy_kwh'},
    ]) }}
{%- endmacro %}

{#- The step of a quantity that counts with so many decimals, and how many of them are one unit. -#}
{% macro step_columns(decimals) -%}
    case {{ decimals }}
            when 2 then cast(0.01 as decimal(7,6))
            when 3 then cast(0.001 as decimal(7,6))
            when 6 then cast(0.000001 as decimal(7,6))
            else cast(1 as decimal(7,6))
        end as quantity_step,
        case {{ decimals }} when 2 then 100 when 3 then 1000 when 6 then 1000000 else 1 end
            as quantity_scale
{%- endmacro %}

{#- What a row of carbon_factors is known by: a changed value keeps the name and gets a new row. -#}
{% macro factor_key(factors) -%}
    concat({{ factors }}.factor_id, '-', cast({{ factors }}.first_set as {{ varchar_type() }}))
{%- endmacro %}

{#- Whether making it is spread over years of use; moving data and tokens are stated without. -#}
{% macro is_made_for_years(component) -%}{{ component }} not in ('network', 'tokens'){%- endmacro %}

{#- Hours over which the making of a part is spread. -#}
{% macro hours_of_making() -%}
    case
        when not ({{ is_made_for_years('parts.component') }}) then 1
        when parts.host_embodied_kg is not null
            then cast(parts.host_vcpu as integer) * lifespans.hours_@
        else lifespans.hours_@
    end
{%- endmacro %}

{#- kWh with the overhead of the data centre, which has to be known for what draws its power. -#}
{% macro energy_of_facility() -%}
    case
        when it_kwh_@ is null then facility_kwh_@
        when facility_kwh_@ is null then {{ rate_product('it_kwh_@', 'pue_@', 12) }}
        else {{ amount_plus(rate_product('it_kwh_@', 'pue_@', 12), 'facility_kwh_@') }}
    end
{%- endmacro %}

{#- Every measure of a line: its steps times what one of its kind of usage comes to. -#}
{% macro estimates_of(steps) -%}
    {%- set found = [] -%}
    {%- for rate, measure in estimate_rates().items() -%}
        {%- do found.append(
            steps_times(steps, 'estimated_' ~ rate ~ '_per_step') ~ ' as ' ~ measure
        ) -%}
    {%- endfor -%}
    {{ return(found | join(',\n        ')) }}
{%- endmacro %}

{#- A measure of a line; a bound is moved to the estimate where rounding put it beyond. -#}
{% macro estimate_of_line(measure) -%}
    {%- set bounds = {'x_EstimatedCarbonLowKg': 'least', 'x_EstimatedCarbonHighKg': 'greatest'} -%}
    {%- if measure in bounds -%}
        {{ bounds[measure] }}({{ measure }}, x_EstimatedCarbonKg)
    {%- else -%}
        {{ measure }}
    {%- endif -%}
{%- endmacro %}

{#- The columns of dim_estimate_rate beside its key, and their types. -#}
{% macro estimate_rate_columns() -%}
    {%- set columns = {} -%}
    {%- for name in [
        'billing_month', 'usage_month', 'provider', 'service_name', 'meter', 'unit',
        'price_details', 'region_id', 'is_held_idle', 'factor_set_id', 'treatment', 'quality',
        'rule_id', 'rule_source', 'rule_licence', 'machine_type', 'processor_family',
        'accelerator_model', 'storage_class', 'network_path', 'token_model', 'machine_source',
        'machine_licence',
    ] -%}
        {%- do columns.update({name: varchar_type()}) -%}
    {%- endfor -%}
    {%- do columns.update({
        'billing_month': 'date', 'usage_month': 'date', 'is_held_idle': 'boolean',
    }) -%}
    {%- for name in usage_quantities() -%}
        {%- do columns.update({name ~ '_per_unit': 'decimal(38, 18)'}) -%}
    {%- endfor -%}
    {%- do columns.update({'is_covered': 'boolean'}) -%}
    {%- for name in estimate_rates() -%}
        {%- do columns.update({'estimated_' ~ name ~ '_per_unit': 'decimal(38, 18)'}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
