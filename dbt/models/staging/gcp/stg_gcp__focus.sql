with source as (
    {{ read_decoded('gcp', 'focus', focus_columns()) }}
)

select * from source
