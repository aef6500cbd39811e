{{ cur_row_bridge(
    ref('stg_aws__cur2'), decoded_has('aws', 'cur2', cur_split_columns())
) }}
