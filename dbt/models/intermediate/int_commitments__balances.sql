{{ commitment_balances(['provider', 'commitment_discount_id', 'billing_currency']) }}
