{#-
    FOCUS rows with the documented repairs applied.

    A repair changes a dimension that breaks the standard and never a metric. Its code is in
    x_SourceChanges, what stood there before in x_SourceValues, its count in dq_result:

    - <Column>Case: an enumerated value in the wrong case (seen: ChargeFrequency "Usage-based").
    - TagsBraces: Tags without the outer braces (seen: Azure enterprise agreements).
    - TagsInvalid: Tags that are no JSON object; NULL.
    - MissingListCost, MissingContractedCost: absent although the standard demands it; stays NULL.
      Billed and effective cost are never absent: decoding refuses such a line.
    - ServiceMapped, ServiceUnmapped: no ServiceCategory; the map's, or the standard's Other values.

    Names of companies that a version lacks come from the ones it has (provider_names.sql): that is
    the standard's own rule and no repair.

    Args:
        relation: charges of one export, FOCUS columns and provider_columns.
        services: spellings of the provider's services, see services_of; none for a provider
            without a map.
        room: folder of the provider, where its own names as a publisher are known.
-#}
{% macro repair_focus(relation, services=none, room=none) -%}
    {%- set enums = focus_enums() -%}
    select
        source_name,
        billing_month,
        delivery_id,
        {%- for column in focus_columns() %}
        {%- if column.name in enums %}
        {{ enum_value(column.name, enums[column.name]) }} as {{ column.name }},
        {%- elif column.name == 'Tags' %}
        case tags_state
            when 'whole' then Tags
            when 'TagsBraces' then '{' || Tags || '}'
        end as Tags,
        {%- elif column.name == 'ServiceCategory' %}
        {{ service_category_of('ServiceCategory') }} as ServiceCategory,
        {%- elif column.name == 'ServiceSubcategory' %}
        {{ service_subcategory_of('ServiceCategory', 'ServiceSubcategory') }} as ServiceSubcategory,
        {%- elif column.name in in_pricing_currency() %}
        coalesce(
            {{ column.name }},
            case when PricingCurrency = BillingCurrency then {{ in_pricing_currency()[column.name] }} end
        ) as {{ column.name }},
        {%- elif column.name == 'ServiceProviderName' %}
        {{ service_provider_name(room) }} as ServiceProviderName,
        {%- elif column.name == 'HostProviderName' %}
        {{ host_provider_name(room) }} as HostProviderName,
        {%- elif column.name == 'ProviderName' %}
        {{ provider_name() }} as ProviderName,
        {%- else %}
        {{ column.name }},
        {%- endif %}
        {%- endfor %}
        provider_columns,
        x_SourceChanges,
        case
            when x_SourceChanges is null then provider_columns
            else {{ json_merge([
                "coalesce(provider_columns, '{}')", columns_as_json(['Tags'] + enums.keys() | list)
            ]) }}
        end as x_SourceValues
    from (
        select
            *,
            nullif(concat_ws(
                ',',
                {%- for name in enums %}
                case when {{ enum_value(name, enums[name]) }} <> {{ name }} then '{{ name }}Case' end,
                {%- endfor %}
                nullif(tags_state, 'whole'),
                case when ListCost is null then 'MissingListCost' end,
                case when ContractedCost is null then 'MissingContractedCost' end,
                case
                    when ServiceCategory is not null then null
                    when mapped_service_category is not null then 'ServiceMapped'
                    else 'ServiceUnmapped'
                end
            ), '') as x_SourceChanges
        from ({{
            examine_tags('(' ~ look_up_missing_category(relation, services) ~ ') as with_services')
        }}) as with_tags_state
    ) as examined
{%- endmacro %}

{#- Says once per row what the tags need, since looking into JSON is dear. -#}
{% macro examine_tags(relation) -%}
        select
            *,
            case
                when Tags is null then null
                when {{ json_is_object('Tags') }} then 'whole'
                when {{ json_is_object("('{' || Tags || '}')") }} then 'TagsBraces'
                else 'TagsInvalid'
            end as tags_state
        from {{ relation }}
{%- endmacro %}

{#- Only rows without a category are looked up: what the export states is the provider's word. -#}
{% macro look_up_missing_category(relation, services) -%}
    {%- if services -%}
        {{ with_service(relation, services,
            ['case when ' ~ relation ~ '.ServiceCategory is null then '
                ~ relation ~ '.ServiceName end']) }}
    {%- else -%}
        select
            *,
            cast(null as {{ varchar_type() }}) as mapped_service_category,
            cast(null as {{ varchar_type() }}) as mapped_service_subcategory
        from {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- What is the same number where the pricing currency is the billing currency. -#}
{% macro in_pricing_currency() -%}
    {{ return({
        'PricingCurrencyContractedUnitPrice': 'ContractedUnitPrice',
        'PricingCurrencyEffectiveCost': 'EffectiveCost',
        'PricingCurrencyListUnitPrice': 'ListUnitPrice',
    }) }}
{%- endmacro %}

{% macro focus_enums() -%}
    {{ return({
        'ChargeCategory': ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'],
        'ChargeClass': ['Correction'],
        'ChargeFrequency': ['One-Time', 'Recurring', 'Usage-Based'],
        'CommitmentDiscountCategory': ['Spend', 'Usage'],
        'CommitmentDiscountStatus': ['Used', 'Unused'],
        'CapacityReservationStatus': ['Used', 'Unused'],
        'PricingCategory': ['Standard', 'Dynamic', 'Committed', 'Other'],
    }) }}
{%- endmacro %}

{% macro enum_value(column, allowed) -%}
    case lower({{ column }})
        {%- for value in allowed %} when '{{ value | lower }}' then '{{ value }}'{%- endfor %}
        else {{ column }} end
{%- endmacro %}
