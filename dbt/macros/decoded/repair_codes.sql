{#- Every code that a conform model can write into x_SourceChanges. -#}
{% macro repair_codes() -%}
    {%- set codes = [] -%}
    {%- for name in focus_enums() -%}{%- do codes.append(name ~ 'Case') -%}{%- endfor -%}
    {{ return(codes + ['TagsBraces', 'TagsInvalid', 'MissingListCost', 'MissingContractedCost',
        'CommitmentFeePooled', 'CommitmentFeeMissing', 'CommitmentIdComposed',
        'ConsumedQuantityTooLarge']) }}
{%- endmacro %}

{#- Counts of int_quality__monthly that are worth a warning, with what they mean. -#}
{% macro quality_counts() -%}
    {{ return({
        'charge_period_outside_billing_period':
            'charge periods reach outside their billing period: late or advance charges',
        'charge_period_inverted': 'charge periods end before they start',
        'service_category_missing': 'charges have no service category',
        'usage_without_tags': 'usage lines carry no tags',
        'usage_without_owner': 'usage lines have no owner by the virtual tag rules',
    }) }}
{%- endmacro %}
