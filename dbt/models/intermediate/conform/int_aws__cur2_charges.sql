{{ conversion_storage() }}

{{ cur_charges(
    ref('stg_aws__cur2'), decoded_has('aws', 'cur2', cur_split_columns())
) }}
