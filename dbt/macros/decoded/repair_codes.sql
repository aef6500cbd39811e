{#- Every code that a conversion can write into x_SourceChanges. -#}
{% macro repair_codes() -%}
    {%- set codes = [] -%}
    {%- for name in focus_enums() -%}{%- do codes.append(name ~ 'Case') -%}{%- endfor -%}
    {{ return(codes + ['TagsBraces', 'TagsInvalid', 'MissingListCost', 'MissingContractedCost',
        'ServiceMapped', 'ServiceUnmapped', 'LateUsage', 'InclusiveEnd', 'UnusedCommitment',
        'NegationResidue', 'SplitCostAllocation', 'SplitRemainder', 'SplitWithoutParent',
        'FilledContractedCost', 'FilledListCost', 'UnmappedUnit', 'UnknownChargeType',
        'CommitmentFeePooled', 'CommitmentFeeMissing', 'CommitmentIdComposed',
        'ConsumedQuantityTooLarge']) }}
{%- endmacro %}

{#- A repair's code, as docs/repairs.md lists it. -#}
{% macro repair(code) -%}'{{ code }}'{%- endmacro %}
