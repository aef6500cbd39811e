{#-
    Exact arithmetic. Neither engine divides decimals exactly, and a product of two
    DECIMAL(38,18) overflows, so amounts are shared in whole units of 1e-18 as wide integers.
-#}

{#-
    Spark gives a product or a difference p1 + p2 + 1 digits and cuts decimals off, silently, where
    that is more than 38. So its operands are narrowed until the result fits.
-#}

{#- An amount below 1e15 times a whole number below 10,000, still DECIMAL(38,18). -#}
{% macro scaled(column, factor) -%}
    {{ return(adapter.dispatch('scaled')(column, factor)) }}
{%- endmacro %}
{% macro default__scaled(column, factor) -%}
    cast({{ column }} * cast({{ factor }} as smallint) as decimal(38,18))
{%- endmacro %}
{% macro spark__scaled(column, factor) -%}
    cast(cast({{ column }} as decimal(33,18)) * cast({{ factor }} as decimal(4,0)) as decimal(38,18))
{%- endmacro %}

{#- A thousandth of an amount below 1e19, rounded half away from zero to 18 decimals. -#}
{% macro per_thousand(column) -%}
    cast(
        cast({{ column }} as decimal(34,15)) * cast(0.001 as decimal(3,3)) as decimal(38,18)
    )
{%- endmacro %}

{#- Whole kilograms (or dollars) of an amount >= 0, as wide integer. -#}
{% macro whole_part(amount) -%}{{ return(adapter.dispatch('whole_part')(amount)) }}{%- endmacro %}
{% macro default__whole_part(amount) -%}cast(floor({{ amount }}) as hugeint){%- endmacro %}
{% macro spark__whole_part(amount) -%}cast(floor({{ amount }}) as decimal(38,0)){%- endmacro %}

{#- Units of 1e-18 beyond the whole part of an amount >= 0, as wide integer. -#}
{% macro fraction_units(amount) -%}{{ return(adapter.dispatch('fraction_units')(amount)) }}{%- endmacro %}
{% macro default__fraction_units(amount) -%}
    cast(
        cast({{ amount }} - floor({{ amount }}) as decimal(38,18)) * 1000000000000000000 as hugeint
    )
{%- endmacro %}
{% macro spark__fraction_units(amount) -%}
    cast(
        cast(({{ amount }}) % cast(1 as decimal(1,0)) as decimal(18,18))
        * cast(1000000000000000000 as decimal(19,0)) as decimal(38,0)
    )
{%- endmacro %}

{#- Units of 1e-18 as an amount: the inverse of the two above. -#}
{% macro units_to_amount(units) -%}{{ return(adapter.dispatch('units_to_amount')(units)) }}{%- endmacro %}
{% macro default__units_to_amount(units) -%}
    cast(cast({{ units }} as decimal(38,0)) * cast(0.000000000000000001 as decimal(18,18)) as decimal(38,18))
{%- endmacro %}
{% macro spark__units_to_amount(units) -%}
    cast(regexp_replace(
        concat('000000000000000000', cast({{ units }} as string)), '(.{18})$', '.$1'
    ) as decimal(38,18))
{%- endmacro %}

{#- The same of units with a sign, of less than 1e33 of them. -#}
{% macro signed_units_to_amount(units) -%}
    {{ return(adapter.dispatch('signed_units_to_amount')(units)) }}
{%- endmacro %}
{% macro default__signed_units_to_amount(units) -%}{{ units_to_amount(units) }}{%- endmacro %}
{% macro spark__signed_units_to_amount(units) -%}
    {{ with_sign_of('(' ~ units ~ ')', units_to_amount('abs(' ~ units ~ ')')) }}
{%- endmacro %}

{#- An amount below 1e15, turned into its negative where the total is negative. -#}
{% macro with_sign_of(total, amount) -%}
    {{ return(adapter.dispatch('with_sign_of')(total, amount)) }}
{%- endmacro %}
{% macro default__with_sign_of(total, amount) -%}
    case when {{ total }} < 0 then -1 else 1 end * {{ amount }}
{%- endmacro %}
{% macro spark__with_sign_of(total, amount) -%}
    cast({{ amount }} as decimal(36,18))
    * case when {{ total }} < 0 then cast(-1 as decimal(1,0)) else cast(1 as decimal(1,0)) end
{%- endmacro %}

{#-
    An amount as a double, for guesses that exact arithmetic corrects. DuckDB's own cast divides a
    wide integer from 0.01 on: half a microsecond, where the mean of a list of one takes a
    fifteenth of it.
-#}
{% macro nearly(amount) -%}{{ return(adapter.dispatch('nearly')(amount)) }}{%- endmacro %}
{% macro default__nearly(amount) -%}list_avg([{{ amount }}]){%- endmacro %}
{% macro spark__nearly(amount) -%}cast({{ amount }} as double){%- endmacro %}

{#- A sum of whole numbers, as wide integer; Spark's own runs over at 9e18. -#}
{% macro wide_sum(column) -%}{{ return(adapter.dispatch('wide_sum')(column)) }}{%- endmacro %}
{% macro default__wide_sum(column) -%}sum({{ column }}){%- endmacro %}
{% macro spark__wide_sum(column) -%}sum(cast({{ column }} as decimal(28,0))){%- endmacro %}

{#- Whole quotient of wide integers >= 0. -#}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('quotient')(dividend, divisor)) }}
{%- endmacro %}
{% macro default__quotient(dividend, divisor) -%}(({{ dividend }}) // ({{ divisor }})){%- endmacro %}
{% macro spark__quotient(dividend, divisor) -%}
    cast((({{ dividend }}) - ({{ dividend }}) % ({{ divisor }})) / ({{ divisor }}) as decimal(38,0))
{%- endmacro %}

{#-
    mul_div: floor(total x weight / sum_of_weights) in units of 1e-18, by long division with two
    limbs of 1e18. Exact, and equal on both engines, for 0 <= total < 1e15 and
    0 <= weight <= sum_of_weights < 8e18, sum_of_weights > 0.
-#}
{% macro mul_div(total, weight, sum_of_weights) -%}
    {%- set whole = whole_part(total) -%}
    {%- set high = '(' ~ whole ~ ') * (' ~ weight ~ ')' -%}
    ({{ quotient(high, sum_of_weights) }}) * {{ limb() }}
    + {{ quotient(
        low_dividend(whole, fraction_units(total), weight, sum_of_weights), sum_of_weights
    ) }}
{%- endmacro %}

{#-
    rest x weight / sum_of_weights, whole numbers, cut off towards zero as both engines do:
    abs(rest) < sum_of_weights, 0 <= weight <= sum_of_weights < 8e18. DuckDB divides its widest integers
    a hundred times slower than others, so they are left to sums from 2^46 on (70 million kWh or units
    of a currency). Below, the weight is three digits of base 2^16, and what they leave over stays
    within 2^63. Where the product does so by itself, one division is enough.
-#}
{% macro part_of_rest(rest, weight, sum_of_weights) -%}
    {%- set first = rest ~ ' * ' ~ digit_of(weight, 2) -%}
    {%- set second = next_dividend(first, rest, digit_of(weight, 1), sum_of_weights) -%}
    {%- set third = next_dividend(second, rest, digit_of(weight, 0), sum_of_weights) -%}
    case
        when {{ sum_of_weights }} <= 3037000499
            then {{ whole_quotient(rest ~ ' * ' ~ weight, sum_of_weights) }}
        when {{ sum_of_weights }} < 70368744177664
            then {{ whole_quotient(first, sum_of_weights) }} * 4294967296
                + {{ whole_quotient(second, sum_of_weights) }} * 65536
                + {{ whole_quotient(third, sum_of_weights) }}
        else cast({{ quotient(
            wide_integer(rest) ~ ' * ' ~ wide_integer(weight), wide_integer(sum_of_weights)
        ) }} as bigint)
    end
{%- endmacro %}

{#- A digit of base 2^16, counted from the lowest; the third holds whatever is left. -#}
{% macro digit_of(weight, place) -%}
    {%- set shifted = weight if place == 0 else whole_quotient(weight, 65536 ** place) -%}
    {{ return('(' ~ (shifted if place == 2 else shifted ~ ' % 65536') ~ ')') }}
{%- endmacro %}

{#- What a digit left over, with the next digit. -#}
{% macro next_dividend(dividend, rest, digit, divisor) -%}
    {{ return(
        '((' ~ dividend ~ ') % ' ~ divisor ~ ') * 65536 + ' ~ rest ~ ' * ' ~ digit
    ) }}
{%- endmacro %}

{#- Quotient of bigints, cut off towards zero. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient')(dividend, divisor)) }}
{%- endmacro %}
{% macro default__whole_quotient(dividend, divisor) -%}(({{ dividend }}) // ({{ divisor }})){%- endmacro %}
{% macro spark__whole_quotient(dividend, divisor) -%}(({{ dividend }}) div ({{ divisor }})){%- endmacro %}

{#- What mul_div cuts off, as numerator over sum_of_weights: decides who gets the left-over units. -#}
{% macro mul_div_remainder(total, weight, sum_of_weights) -%}
    ({{ low_dividend(
        whole_part(total), fraction_units(total), weight, sum_of_weights
    ) }}) % ({{ sum_of_weights }})
{%- endmacro %}

{% macro low_dividend(whole, units, weight, sum_of_weights) -%}
    ((({{ whole }}) * ({{ weight }})) % ({{ sum_of_weights }})) * {{ limb() }}
    + ({{ units }}) * ({{ weight }})
{%- endmacro %}

{% macro limb() -%}cast(1000000000000000000 as {{ wide_integer_type() }}){%- endmacro %}

{#-
    Weight of a line: its list cost in millionths, never negative. Stored as a decimal without
    places: DuckDB writes its widest integer into Parquet as a double.
-#}
{% macro cost_weight(amount) -%}{{ return(adapter.dispatch('cost_weight')(amount)) }}{%- endmacro %}
{% macro default__cost_weight(amount) -%}
    cast(round(greatest({{ amount }}, 0) * 1000000, 0) as decimal(38,0))
{%- endmacro %}
{% macro spark__cost_weight(amount) -%}
    cast(
        cast(round(greatest({{ amount }}, 0), 6) as decimal(31,6)) * cast(1000000 as decimal(7,0))
        as decimal(38,0)
    )
{%- endmacro %}

{#-
    rounded_product: the product of two amounts, rounded half away from zero to 18 decimals, by limbs of
    1e18: a product of two DECIMAL(38,18) overflows. NULL unless both factors, and the product of
    their whole parts counted up, are below 1e15.
-#}
{% macro rounded_product(one, other) -%}
    {%- set a = 'abs(' ~ one ~ ')' -%}
    {%- set b = 'abs(' ~ other ~ ')' -%}
    case
        when
            {{ a }} < 1000000000000000
            and {{ b }} < 1000000000000000
            and ({{ whole_part(a) }} + 1) * ({{ whole_part(b) }} + 1) <= 1000000000000000
            then cast({{ with_sign_of(
                '(case when (' ~ one ~ ' < 0) = (' ~ other ~ ' < 0) then 1 else -1 end)',
                units_to_amount('(' ~ product_units(a, b) ~ ')')
            ) }} as decimal(38,18))
    end
{%- endmacro %}

{#- Units of 1e-18 in the product of two amounts >= 0; half a unit counts as one. -#}
{% macro product_units(a, b) -%}
    ({{ whole_part(a) }}) * ({{ whole_part(b) }}) * {{ limb() }}
    + ({{ whole_part(a) }}) * ({{ fraction_units(b) }})
    + ({{ fraction_units(a) }}) * ({{ whole_part(b) }})
    + {{ quotient(
        '(' ~ fraction_units(a) ~ ') * (' ~ fraction_units(b) ~ ') + ' ~ half_limb(), limb()
    ) }}
{%- endmacro %}

{% macro half_limb() -%}cast(500000000000000000 as {{ wide_integer_type() }}){%- endmacro %}

{#-
    rounded_quotient: an amount below 1e15 in parts of a whole number from 1 to below 8e18, rounded half
    away from zero to 18 decimals; NULL for a larger amount.
-#}
{% macro rounded_quotient(amount, divisor) -%}
    {%- set size = 'abs(' ~ amount ~ ')' -%}
    {%- set parts = 'cast(' ~ divisor ~ ' as ' ~ wide_integer_type() ~ ')' -%}
    {%- set one = 'cast(1 as ' ~ wide_integer_type() ~ ')' -%}
    case
        when {{ size }} < 1000000000000000
            then cast({{ with_sign_of(amount, units_to_amount(
                '(' ~ mul_div(size, one, parts) ~ ' + case when 2 * ('
                ~ mul_div_remainder(size, one, parts) ~ ') >= ' ~ parts ~ ' then 1 else 0 end)'
            )) }} as decimal(38,18))
    end
{%- endmacro %}
