{#- Columns of an inventory file; equal to dagster_project/exports/onprem/inventory.py. -#}
{% macro inventory_columns() -%}
    {{ return([
        {'name': 'month', 'kind': 'timestamp'},
        {'name': 'asset_id', 'kind': 'text'},
        {'name': 'asset_name', 'kind': 'text'},
        {'name': 'asset_type', 'kind': 'text'},
        {'name': 'organisation', 'kind': 'text'},
        {'name': 'cost_centre', 'kind': 'text'},
        {'name': 'site', 'kind': 'text'},
        {'name': 'owner', 'kind': 'text'},
        {'name': 'currency', 'kind': 'text'},
        {'name': 'tags', 'kind': 'json'},
        {'name': 'purchase_date', 'kind': 'timestamp'},
        {'name': 'useful_life_months', 'kind': 'decimal'},
        {'name': 'purchase_cost', 'kind': 'decimal'},
        {'name': 'salvage_value', 'kind': 'decimal'},
        {'name': 'energy_kwh', 'kind': 'decimal'},
        {'name': 'rated_watts', 'kind': 'decimal'},
        {'name': 'powered_hours', 'kind': 'decimal'},
        {'name': 'electricity_price', 'kind': 'decimal'},
        {'name': 'rack_units', 'kind': 'decimal'},
        {'name': 'rack_unit_price', 'kind': 'decimal'},
        {'name': 'licence_cost', 'kind': 'decimal'},
        {'name': 'staff_hours', 'kind': 'decimal'},
        {'name': 'staff_rate', 'kind': 'decimal'},
        {'name': 'vcpu', 'kind': 'decimal'},
        {'name': 'memory_gib', 'kind': 'decimal'},
        {'name': 'storage_gb', 'kind': 'decimal'},
    ]) }}
{%- endmacro %}

{#- The file's values that FOCUS has no column for, and tags that are none, as one JSON text. -#}
{% macro inventory_values() -%}
    {%- set names = ['owner', 'purchase_date', 'useful_life_months', 'purchase_cost',
        'salvage_value', 'energy_kwh', 'rated_watts', 'powered_hours', 'vcpu', 'memory_gib',
        'storage_gb'] -%}
    {%- set types = {'purchase_date': 'TIMESTAMP'} -%}
    {%- for column in inventory_columns() if column.kind == 'decimal' -%}
        {%- do types.update({column.name: 'DECIMAL(38,18)'}) -%}
    {%- endfor -%}
    {{ json_joined([
        json_merge(["coalesce(provider_columns, '{}')"]),
        keyed_json(names, names, types),
        "case when has_bad_tags then " ~ keyed_json(['tags'], ['tags']) ~ " end",
    ]) }}
{%- endmacro %}

{#-
    Price times quantity, to the last digit: quantities have nine decimals and prices too, so their
    product has eighteen.
-#}
{% macro price_times(price, quantity) -%}
    {{ units_to_amount(mul_div(price, amount_billionths(quantity), wide(1000000000))) }}
{%- endmacro %}

{#- The same product by the engine's own multiplication: for the proof, not for the model. -#}
{% macro inventory_product(quantity, price) -%}
    cast({{ quantity }} as decimal(18,9)) * cast({{ price }} as decimal(18,9))
{%- endmacro %}

{#- Watts times hours in kWh, with the nine decimals of a quantity, rounded half away from zero. -#}
{% macro kilowatt_hours(watts, hours) -%}
    {%- set units = mul_div(watts, amount_billionths(hours), wide(1000000000000)) -%}
    cast(cast({{ units_to_amount(units) }} as decimal(27,9)) as decimal(38,18))
{%- endmacro %}

{% macro wide(number) -%}
    cast({{ number }} as {{ wide_integer_type() }})
{%- endmacro %}

{#-
    The part of an amount that falls on one month of a life: what is due up to and with this month,
    less what was due before. The months of a life sum to the amount.
-#}
{% macro straight_line(amount, month_of_life, life) -%}
    {%- set due = mul_div(amount, wide(month_of_life), wide(life)) -%}
    {%- set due_before = mul_div(amount, wide(month_of_life ~ ' - 1'), wide(life)) -%}
    {{ units_to_amount('(' ~ due ~ ') - (' ~ due_before ~ ')') }}
{%- endmacro %}

{#- Calendar months from one moment's month to another's. -#}
{% macro months_from(first, last) -%}
    cast(
        (extract(year from {{ last }}) - extract(year from {{ first }})) * 12
        + extract(month from {{ last }}) - extract(month from {{ first }}) as integer
    )
{%- endmacro %}

{#-
    When an asset costs what in a month. The conversion and the row bridge both go by it.
-#}
{% macro inventory_costs() -%}
    {{ return({
        'Depreciation': 'purchase_cost is not null and month_of_life between 1 and '
            ~ 'useful_life_months',
        'Power': 'electricity_price is not null '
            ~ 'and (energy_kwh is not null or rated_watts is not null)',
        'Space': 'rack_units is not null',
        'Licences': 'licence_cost is not null',
        'Staff': 'staff_hours is not null',
    }) }}
{%- endmacro %}

{#- FOCUS columns that a conform model doesn't state, as typed NULLs. -#}
{% macro absent_focus_columns(stated) -%}
    {%- for column in focus_columns() if column.name not in stated %}
    cast(null as {{ kind_type(column.kind) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
