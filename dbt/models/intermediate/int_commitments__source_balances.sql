{{ commitment_balances(
    ['source_name', 'provider', 'commitment_discount_id', 'billing_currency']
) }}
