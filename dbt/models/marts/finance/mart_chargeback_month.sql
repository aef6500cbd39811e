with lines as (
    select * from {{ ref('int_chargeback__monthly') }}
),

chargeback as (
    {{ chargeback_rows('lines') }}
)

select * from chargeback
