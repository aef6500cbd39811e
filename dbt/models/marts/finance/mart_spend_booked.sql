select * from {{ ref('mart_spend_restated') }}
