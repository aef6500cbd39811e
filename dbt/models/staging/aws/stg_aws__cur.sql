with source as (
    {{ read_decoded('aws', 'cur', legacy_cur_columns(), cur_left_out()) }}
)

select * from source
