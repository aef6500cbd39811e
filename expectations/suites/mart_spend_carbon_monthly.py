"""What the reader of monthly spend and carbon may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    between,
    columns_in_order,
    never,
    none_negative,
    not_empty,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    CARBON_STATES,
    COLUMNS_FIXED,
    COST_STATES,
    KG_ROUNDING,
    charges_have_environment,
    costs_known,
    known_environment,
    known_provider,
    list_prices_known,
    methods_kept_apart,
    reported_not_negative,
    total_is_sum_of_scopes,
)

RELATION = "mart_spend_carbon_monthly"
GRAIN = (
    "billing_month",
    "usage_month",
    "provider",
    "billing_account_id",
    "sub_account_id",
    "service_category",
    "region_id",
    "environment",
    "owner",
    "billing_currency",
)
REPORTED_KG = (
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "carbon_scope1_kg",
    "carbon_scope2_location_kg",
    "carbon_scope2_market_kg",
    "carbon_scope2_unspecified_kg",
    "carbon_scope3_location_kg",
    "carbon_scope3_market_kg",
    "carbon_scope3_unspecified_kg",
)
COLUMNS = (
    *GRAIN,
    "billed_cost",
    "effective_cost",
    "list_cost",
    "contracted_cost",
    *REPORTED_KG,
    "estimated_carbon_kg",
    "carbon_covered_list_cost",
    "carbon_eligible_list_cost",
    "carbon_coverage_ratio",
    "charge_lines",
    "cost_state",
    "carbon_state",
    "data_as_of",
)


def _promises(scope: Scope) -> Sequence[Promise]:
    return (*_shape(), *_money(), *_carbon(), _agrees_with_daily(scope))


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "There is spend to look at: an empty table is never published."),
        one_row_per(
            "one_row_per_month_and_place",
            GRAIN,
            "One row per month, place, environment, owner and currency: sums count nothing twice.",
        ),
        all_filled(
            (
                "billing_month",
                "usage_month",
                "provider",
                "charge_lines",
                "cost_state",
                "carbon_state",
            ),
            "Every row says its invoice month, its usage month, its provider and how final it is.",
        ),
        known_provider(),
        known_environment(),
        charges_have_environment(),
        one_of(
            "cost_state_known",
            "cost_state",
            COST_STATES,
            "The cost of a month is open, provisional, closed or restated.",
        ),
        one_of(
            "carbon_state_known",
            "carbon_state",
            CARBON_STATES,
            "The carbon of a month has its own clock: pending, provisional, closed or restated.",
        ),
        never(
            "freshness_stated",
            "select * from batch where data_as_of is null",
            "Every row says how fresh it is.",
            "warning",
        ),
    )


def _money() -> Sequence[Promise]:
    return (
        never(
            "currency_named",
            """
            select * from batch
            where billing_currency is null
                and (charge_lines > 0 or billed_cost <> 0 or effective_cost <> 0 or list_cost <> 0)
            """,
            "Every row with money names its currency: two currencies are never added.",
        ),
        costs_known(),
        list_prices_known(),
    )


def _carbon() -> Sequence[Promise]:
    return (
        between(
            "coverage_between_none_and_all",
            "carbon_coverage_ratio",
            0,
            1,
            "Carbon coverage is a share between 0 and 1, or unknown.",
        ),
        reported_not_negative(REPORTED_KG),
        none_negative(
            "estimated_kg_not_negative",
            ("estimated_carbon_kg",),
            "Our own estimate of emissions is never below zero.",
        ),
        total_is_sum_of_scopes("location"),
        total_is_sum_of_scopes("market"),
        _methods_never_added(),
        methods_kept_apart(),
        _kilograms_are_kilograms(),
    )


def _kilograms_are_kilograms() -> Promise:
    """Promise that kilograms per list cost are of the size that clouds have.

    Sample bills and published footprints lie between 0.02 and 0.3 kg per dollar; tonnes read as
    kilograms, or the other way round, are a thousand times off. A warning: small months may be odd.
    Market-based carbon, which may be next to nothing, is only held against the upper bound.
    """
    near_the_dollar = "('CHF', 'EUR', 'GBP', 'USD')"
    kg = "greatest(coalesce(sum(carbon_location_kg), 0), coalesce(sum(carbon_unspecified_kg), 0))"
    most = f"greatest({kg}, coalesce(sum(carbon_market_kg), 0))"
    return never(
        "kilograms_are_kilograms",
        f"""
        select
            provider,
            usage_month,
            billing_currency,
            {most} as carbon_kg,
            sum(carbon_covered_list_cost) as covered_list_cost
        from batch
        where billing_currency in {near_the_dollar} and carbon_covered_list_cost > 0
        group by provider, usage_month, billing_currency
        having {most} > 20 * sum(carbon_covered_list_cost)
            or ({kg} > 0 and 1000 * {kg} < sum(carbon_covered_list_cost))
        """,
        "Reported emissions are between 0.001 and 20 kg per unit of the list cost that they stand "
        "on, in currencies near the dollar: tonnes labelled as kilograms aren't.",
        "warning",
    )


def _methods_never_added() -> Promise:
    scope1 = "coalesce(carbon_scope1_kg, 0)"
    location, market = (
        f"(coalesce(carbon_scope2_{method}_kg, 0) + coalesce(carbon_scope3_{method}_kg, 0))"
        for method in ("location", "market")
    )
    both = f"({location} + {market})"
    return never(
        "methods_never_added",
        f"""
        select * from batch
        where {location} > {KG_ROUNDING} and {market} > {KG_ROUNDING}
            and (abs(carbon_location_kg - {both} - {scope1}) <= {KG_ROUNDING}
                or abs(carbon_market_kg - {both} - {scope1}) <= {KG_ROUNDING}
                or abs(carbon_location_kg - {both} - {scope1} - {scope1}) <= {KG_ROUNDING}
                or abs(carbon_market_kg - {both} - {scope1} - {scope1}) <= {KG_ROUNDING})
        """,
        "Location and market answer two questions about the same energy: no row adds them up.",
    )


def _agrees_with_daily(scope: Scope) -> Promise:
    months = scope.where("billing_month")
    sums = "sum(coalesce(billed_cost, 0)) as billed_cost"
    keys = "provider, billing_month, billing_currency"
    return never(
        "agrees_with_daily",
        f"""
        with monthly as (
            select {keys}, {sums} from batch group by {keys}
        ),
        daily as (
            select {keys}, {sums} from mart_spend_carbon_daily where {months} group by {keys}
        )
        select
            coalesce(monthly.provider, daily.provider) as provider,
            coalesce(monthly.billing_month, daily.billing_month) as billing_month,
            coalesce(monthly.billing_currency, daily.billing_currency) as billing_currency,
            monthly.billed_cost as monthly_billed_cost,
            daily.billed_cost as daily_billed_cost
        from monthly
        full join daily
            on monthly.provider is not distinct from daily.provider
            and monthly.billing_month is not distinct from daily.billing_month
            and monthly.billing_currency is not distinct from daily.billing_currency
        where coalesce(monthly.billed_cost, 0) <> coalesce(daily.billed_cost, 0)
        """,
        "The months are the sum of their days, to the last digit of the billed amount.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks what a month cost and emitted, and how final the numbers are.",
    promises=_promises,
    month_column="billing_month",
)
