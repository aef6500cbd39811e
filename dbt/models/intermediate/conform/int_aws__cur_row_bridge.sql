{{ cur_row_bridge(
    ref('stg_aws__cur'), decoded_has('aws', 'cur', cur_split_columns())
) }}
