{{ config(materialized='view') }}

select
    {{ focus_columns_of('1.4') | join(',\n    ') }}
from {{ ref('fct_cost_and_carbon') }}
where x_RecordKind = 'Charge'
