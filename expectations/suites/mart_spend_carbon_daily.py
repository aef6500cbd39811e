"""What the reader of daily spend and carbon may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    none_negative,
    not_empty,
    one_row_per,
)
from expectations.suites.common import (
    COLUMNS_FIXED,
    charges_have_environment,
    costs_known,
    known_environment,
    known_provider,
    list_prices_known,
    methods_kept_apart,
    reported_not_negative,
)

RELATION = "mart_spend_carbon_daily"
GRAIN = (
    "charge_date",
    "billing_month",
    "provider",
    "billing_account_id",
    "sub_account_id",
    "service_category",
    "region_id",
    "environment",
    "owner",
    "billing_currency",
)
COLUMNS = (
    *GRAIN,
    "billed_cost",
    "effective_cost",
    "list_cost",
    "contracted_cost",
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
    "carbon_is_modelled",
    "charge_lines",
)
REPORTED_KG = ("carbon_location_kg", "carbon_market_kg", "carbon_unspecified_kg")


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "There is spend to look at: an empty table is never published."),
        one_row_per(
            "one_row_per_day_and_place",
            GRAIN,
            "One row per day, place, environment, owner and currency: sums count nothing twice.",
        ),
        all_filled(
            ("charge_date", "billing_month", "provider", "charge_lines"),
            "Every row says which day, which invoice month and which provider.",
        ),
        never(
            "currency_named",
            "select * from batch where billing_currency is null",
            "Every row names its currency: two currencies are never added.",
        ),
        costs_known(),
        list_prices_known(),
        known_environment(),
        charges_have_environment(),
        known_provider(),
        reported_not_negative(REPORTED_KG),
        none_negative(
            "estimated_kg_not_negative",
            ("estimated_carbon_kg",),
            "Our own estimate of emissions is never below zero.",
        ),
        methods_kept_apart(),
        never(
            "daily_carbon_marked_modelled",
            """
            select * from batch
            where carbon_is_modelled is distinct from true
                and (carbon_location_kg is not null or carbon_market_kg is not null
                    or carbon_unspecified_kg is not null)
            """,
            "Providers report carbon by month: a daily number is marked as modelled.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks what a day cost and emitted, by provider, account, service and owner.",
    promises=_promises,
    month_column="billing_month",
)
