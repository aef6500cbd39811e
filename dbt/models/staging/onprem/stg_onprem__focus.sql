with source as (
    {{ read_decoded('onprem', 'focus', focus_columns()) }}
)

select * from source
