{{ conversion_storage() }}

{{ cur_charges(
    ref('stg_aws__cur'), decoded_has('aws', 'cur', cur_split_columns())
) }}
