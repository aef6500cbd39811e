with source as (
    {{ read_decoded('generic', 'focus', focus_columns()) }}
)

select * from source
