with source as (
    {{ read_decoded('aws', 'cur2', cur2_columns(), cur_left_out()) }}
)

select * from source
