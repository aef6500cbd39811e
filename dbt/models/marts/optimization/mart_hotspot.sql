with hotspots as (
    select * from {{ ref('int_hotspots__monthly') }}
)

select * from hotspots
