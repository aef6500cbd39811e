with source as (
    {{ read_decoded('aws', 'focus', focus_columns()) }}
)

select * from source
