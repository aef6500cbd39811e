{#-
    What is looked at on every charge line, counted per month in int_quality__monthly and told in
    dq_result; docs/conformance.md has the same list.

    The official validator of FOCUS looks at columns and at whole files, and lets most faults of
    single rows pass. Each check here is one rule of the standard as a condition that is true for a
    row at fault:

    - rule: the FOCUS column, or the attribute, whose text demands it.
    - condition: SQL over a row of relation `examined` in int_quality__monthly.
    - severity: `warn` where a provider may deliver it, or does and can't be made to stop;
      `converted` where a conversion of ours writes the value: an error then, which stops
      publication, and a warning for a line that came as FOCUS.
-#}
{% macro focus_row_checks() -%}
    {%- set checks = {
        'billed_cost_above_list_cost': {
            'rule': 'BilledCost', 'severity': 'warn',
            'meaning': 'usage is billed above its list cost',
            'condition': is_plain_usage() ~ ' and ' ~ exceeds('BilledCost', 'ListCost'),
        },
        'billing_account_id_empty': {
            'rule': 'BillingAccountId', 'severity': 'converted',
            'meaning': 'charges have no billing account',
            'condition': "coalesce(trim(BillingAccountId), '') = ''",
        },
        'billing_period_end_inclusive': {
            'rule': 'BillingPeriodEnd', 'severity': 'converted',
            'meaning': 'billing periods end inside their last month: ends are exclusive',
            'condition': "date_trunc('month', BillingPeriodEnd)"
                ~ " <= date_trunc('month', BillingPeriodStart)",
        },
        'charge_period_inverted': {
            'rule': 'ChargePeriodEnd', 'severity': 'warn',
            'meaning': 'charge periods end before they start',
            'condition': 'ChargePeriodEnd < ChargePeriodStart',
        },
        'charge_period_outside_billing_period': {
            'rule': 'ChargePeriodStart', 'severity': 'warn',
            'meaning': 'charge periods reach outside their billing period: late or advance charges',
            'condition': 'ChargePeriodEnd >= ChargePeriodStart'
                ~ ' and (ChargePeriodStart < BillingPeriodStart'
                ~ ' or ' ~ ends_after_billing_period() ~ ')',
        },
        'commitment_purchase_effective': {
            'rule': 'EffectiveCost', 'severity': 'converted',
            'meaning': 'commitment purchases carry an effective cost, which their use carries too',
            'condition': "ChargeCategory = 'Purchase' and CommitmentDiscountId is not null"
                ~ ' and EffectiveCost <> 0',
        },
        'commitment_status_missing': {
            'rule': 'CommitmentDiscountStatus', 'severity': 'converted',
            'meaning': 'usage of a commitment is neither used nor unused',
            'condition': "ChargeCategory = 'Usage' and CommitmentDiscountId is not null"
                ~ ' and CommitmentDiscountStatus is null',
        },
        'commitment_usage_billed': {
            'rule': 'BilledCost', 'severity': 'converted',
            'meaning': 'used or unused commitments are billed, although their purchase is',
            'condition': "ChargeCategory = 'Usage' and CommitmentDiscountStatus is not null"
                ~ ' and BilledCost <> 0 and BilledCost <> EffectiveCost',
        },
        'contracted_cost_not_price_times_quantity': {
            'rule': 'ContractedCost', 'severity': 'warn',
            'meaning': 'contracted cost is not contracted unit price times pricing quantity',
            'condition': is_no_correction() ~ ' and '
                ~ is_not_product('ContractedCost', 'ContractedUnitPrice', 'PricingQuantity'),
        },
        'cost_missing': {
            'rule': 'EffectiveCost', 'severity': 'converted',
            'meaning': 'charges have no billed or no effective cost, so that every sum lacks them',
            'condition': 'BilledCost is null or EffectiveCost is null',
        },
        'effective_cost_above_list_cost': {
            'rule': 'EffectiveCost', 'severity': 'warn',
            'meaning': 'usage costs more than its list cost',
            'condition': is_plain_usage() ~ ' and ' ~ exceeds('EffectiveCost', 'ListCost'),
        },
        'effective_cost_above_contracted_cost': {
            'rule': 'ContractedCost', 'severity': 'warn',
            'meaning': 'usage costs more than its contracted cost, though not than its list cost',
            'condition': is_plain_usage() ~ ' and ' ~ exceeds('EffectiveCost', 'ContractedCost')
                ~ ' and not (' ~ exceeds('EffectiveCost', 'ListCost') ~ ')',
        },
        'list_cost_not_price_times_quantity': {
            'rule': 'ListCost', 'severity': 'warn',
            'meaning': 'list cost is not list unit price times pricing quantity',
            'condition': is_no_correction() ~ ' and '
                ~ is_not_product('ListCost', 'ListUnitPrice', 'PricingQuantity'),
        },
        'repeated_lines': {
            'rule': 'DeliveryHandling', 'severity': 'warn',
            'meaning': 'charges equal another charge of the month in every column',
            'condition': 'is_repeated',
        },
        'service_category_not_allowed': {
            'rule': 'ServiceCategory', 'severity': 'converted',
            'meaning': 'service categories are none of the standard',
            'condition': 'ServiceCategory is not null and not category_is_known',
        },
        'service_subcategory_not_allowed': {
            'rule': 'ServiceSubcategory', 'severity': 'converted',
            'meaning': 'service subcategories are none of the standard',
            'condition': 'ServiceSubcategory is not null and parent_category is null',
        },
        'service_subcategory_of_other_category': {
            'rule': 'ServiceSubcategory', 'severity': 'converted',
            'meaning': 'service subcategories belong to another service category',
            'condition': 'category_is_known and ServiceCategory <> parent_category',
        },
        'unused_commitment_consumed': {
            'rule': 'ConsumedQuantity', 'severity': 'converted',
            'meaning': 'unused commitments have a consumed quantity',
            'condition': "CommitmentDiscountStatus = 'Unused' and ConsumedQuantity is not null",
        },
    } -%}
    {%- for column, values in focus_enums().items() -%}
        {%- do checks.update({snake_case(column) ~ '_not_allowed': {
            'rule': column, 'severity': 'converted',
            'meaning': 'values of ' ~ column ~ ' are none of the standard',
            'condition': column ~ " not in ('" ~ values | join("', '") ~ "')",
        }}) -%}
    {%- endfor -%}
    {{ return(checks) }}
{%- endmacro %}

{#- Counts of int_quality__monthly that no standard asks for, with what they mean. -#}
{% macro quality_counts() -%}
    {{ return({
        'service_unmapped': {
            'meaning': 'lines whose service neither the export nor our map categorises; Other',
            'condition': "concat(',', x_SourceChanges, ',') like '%,ServiceUnmapped,%'",
        },
        'usage_without_tags': {
            'meaning': 'usage lines carry no tags',
            'condition': "Tags is null and ChargeCategory = 'Usage'",
        },
        'usage_without_owner': {
            'meaning': 'usage lines have no owner by the virtual tag rules',
            'condition': "x_Owner is null and ChargeCategory = 'Usage'",
        },
    }) }}
{%- endmacro %}

{#- A charge period that is inverted has a check of its own. -#}
{% macro ends_after_billing_period() -%}
    {{ return('(ChargePeriodEnd > BillingPeriodEnd and not (' ~
        "date_trunc('month', BillingPeriodEnd) <= date_trunc('month', BillingPeriodStart)))") }}
{%- endmacro %}

{% macro is_no_correction() -%}{{ return('ChargeClass is null') }}{%- endmacro %}

{#- Usage whose list cost can be compared with what it came to; what is unused has no list cost. -#}
{% macro is_plain_usage() -%}
    {{ return("ChargeCategory = 'Usage' and ChargeClass is null and ListCost >= 0"
        ~ " and coalesce(CommitmentDiscountStatus, '') <> 'Unused'") }}
{%- endmacro %}

{#- Providers round unit prices and quantities: a cent and a thousandth of the amount are let pass. -#}
{% macro tolerance(amount) -%}
    {{ return('0.01 + abs(' ~ narrowed(amount) ~ ') * cast(0.001 as decimal(4, 3))') }}
{%- endmacro %}

{% macro exceeds(amount, limit) -%}
    {{ return(narrowed(amount) ~ ' - ' ~ narrowed(limit) ~ ' > ' ~ tolerance(limit)) }}
{%- endmacro %}

{% macro differs(amount, expected) -%}
    {{ return('abs(' ~ narrowed(amount) ~ ' - ' ~ narrowed(expected) ~ ') > '
        ~ tolerance(expected)) }}
{%- endmacro %}

{#- Narrow enough that a difference and a thousandth fit into 38 digits on both engines. -#}
{% macro narrowed(amount) -%}
    {{ return('cast(' ~ amount ~ ' as decimal(33, 12))') }}
{%- endmacro %}

{#-
    Both factors are cut so that the product has 38 digits; what is too large for that is not looked
    at. NULL where the price or the quantity is unknown, so that nothing is said of the row.
-#}
{% macro is_not_product(amount, price, quantity) -%}
    {%- set product = 'try_cast(' ~ price ~ ' as decimal(19, 12)) * try_cast(' ~ quantity
        ~ ' as decimal(18, 6))' -%}
    {{ return(differs(amount, product)) }}
{%- endmacro %}

{#- ChargeFrequency: charge_frequency. -#}
{% macro snake_case(name) -%}
    {%- set letters = [] -%}
    {%- for letter in name -%}
        {%- do letters.append('_') if letter.isupper() and not loop.first -%}
        {%- do letters.append(letter.lower()) -%}
    {%- endfor -%}
    {{ return(letters | join) }}
{%- endmacro %}

{#- An amount in a sentence. -#}
{% macro shown(amount) -%}
    {{ return('cast(cast(' ~ amount ~ ' as decimal(38, 2)) as ' ~ varchar_type() ~ ')') }}
{%- endmacro %}
