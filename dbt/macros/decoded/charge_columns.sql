{#- Conform models of charges: one per export, FOCUS first. -#}
{% macro charge_models() -%}
    {%- set names = [] -%}
    {%- for provider in var('providers') -%}
        {%- do names.append('int_' ~ provider ~ '__focus_charges') -%}
    {%- endfor -%}
    {{ return(names + native_models('charges')) }}
{%- endmacro %}

{#-
    Those of them that have files now, and all of them where none has (in unit tests): planning the
    branches of exports that nobody configured took most of a small month's time.
-#}
{% macro delivered_charge_models() -%}
    {%- set names = charge_models() -%}
    {%- set delivered = [] -%}
    {%- if execute -%}
        {%- set query -%}
            select distinct room, export from {{ source('ledger', 'decoded_files') }}
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do delivered.append('int_' ~ row[0] ~ '__' ~ row[1] ~ '_charges') -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names | select('in', delivered) | list or names) }}
{%- endmacro %}

{#- Conform models that count the lines which a native export's conversion drops or makes. -#}
{% macro row_bridge_models() -%}
    {{ return(native_models('row_bridge')) }}
{%- endmacro %}

{% macro native_models(what) -%}
    {%- set names = [] -%}
    {%- for provider, exports in var('native_exports').items() -%}
        {%- for export in exports -%}
            {%- do names.append('int_' ~ provider ~ '__' ~ export ~ '_' ~ what) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- What every conform model of charges delivers: the neutral row that later rooms read. -#}
{% macro charge_columns() -%}
    {%- set names = ['source_name', 'billing_month', 'delivery_id', 'x_Provider'] -%}
    {%- for column in focus_columns() -%}{%- do names.append(column.name) -%}{%- endfor -%}
    {{ return(names + [
        'x_SourceChanges', 'x_SourceValues', 'line_key', 'is_third_party',
        'emission_account_id', 'emission_sub_account_id', 'emission_region_id',
        'emission_service_bucket', 'emission_resource_id',
    ]) }}
{%- endmacro %}

{#- What int_charges__keyed adds to them. -#}
{% macro keyed_charge_columns() -%}
    {{ return(charge_columns() + [
        'x_ChargeKey', 'is_repeated', 'usage_month', 'carries_emissions', 'is_late_after_close',
        'emission_group_key',
    ]) }}
{%- endmacro %}

{#- What every conform model of emissions delivers, in kg, at the provider's own grain. -#}
{% macro emission_columns() -%}
    {{ return([
        'source_name', 'x_Provider', 'delivery_id', 'usage_month', 'billing_account_id',
        'sub_account_id', 'region_id', 'service_bucket', 'resource_id', 'model_version',
        'version_order', 'refreshed_at',
        'emission_account_id', 'emission_sub_account_id', 'emission_region_id',
        'emission_service_bucket', 'emission_resource_id',
    ] + emission_measures()) }}
{%- endmacro %}

{#- Reported measures: provider scopes by method, then totals. Never added together. -#}
{% macro emission_measures() -%}
    {{ return([
        'scope1_kg', 'scope2_location_kg', 'scope2_market_kg', 'scope2_unspecified_kg',
        'scope3_location_kg', 'scope3_market_kg', 'scope3_unspecified_kg',
        'total_location_kg', 'total_market_kg', 'total_unspecified_kg',
    ]) }}
{%- endmacro %}

{#- The emission group that a row belongs to, as one text; '' where the provider has no such part. -#}
{% macro emission_group_key(usage_month) -%}
    md5(concat_ws(
        '|', x_Provider, cast({{ usage_month }} as {{ varchar_type() }}),
        coalesce(emission_account_id, ''), coalesce(emission_sub_account_id, ''),
        coalesce(emission_region_id, ''), coalesce(emission_service_bucket, ''),
        coalesce(emission_resource_id, '')
    ))
{%- endmacro %}
