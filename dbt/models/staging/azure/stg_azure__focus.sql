with source as (
    {{ read_decoded('azure', 'focus', focus_columns()) }}
)

select * from source
