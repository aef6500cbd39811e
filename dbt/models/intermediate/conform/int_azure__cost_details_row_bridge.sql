with charges as (
    select * from {{ ref('stg_azure__cost_details') }}
),

-- Actual lines that amortised cost has too. Purchases and refunds of commitments are only here.
replaced as (
    select
        source_name,
        billing_month,
        case
            when {{ azure_is_covered() }}
                then 'actual line of covered usage, at its cost in the amortised export'
            else 'actual line that the amortised export has too, at equal cost'
        end as reason
    from charges
    where dataset = 'actual' and not {{ azure_is_bought() }}
)

select
    source_name,
    billing_month,
    'replaced' as step,
    reason,
    -count(*) as rows
from replaced
group by source_name, billing_month, reason
