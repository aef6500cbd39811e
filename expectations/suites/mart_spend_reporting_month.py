"""What the reader of spend in the reporting currency may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    not_empty,
    one_of,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider, same_sums

RELATION = "mart_spend_reporting_month"
GRAIN = ("billing_month", "provider", "billing_account_id", "billing_currency")
CHANGES = tuple(
    f"{cost}_change{part}"
    for cost in ("billed_cost", "effective_cost")
    for part in ("", "_by_amount", "_by_fx")
)
COLUMNS = (
    *GRAIN,
    "reporting_currency",
    "billed_cost",
    "effective_cost",
    "fx_rate",
    "fx_rate_source",
    "reporting_billed_cost",
    "reporting_effective_cost",
    "conversion_reason",
    "fx_rate_before",
    *CHANGES,
    "change_reason",
    "charge_lines",
)
SOURCES = ("identity", "locked", "supplied")
CONVERSION_REASONS = ("rates_not_configured", "rate_pending", "out_of_range")
CHANGE_REASONS = ("no_month_before", "not_converted")


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_conversion(), *_change())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "There is spend to look at: an empty table is never published."),
        one_row_per("one_row_per_account", GRAIN, "One row per month, account and currency."),
        all_filled(
            ("billing_month", "provider", "billing_currency", "reporting_currency"),
            "Every row says its month, its provider and both currencies.",
        ),
        first_of_month("billing_month"),
        known_provider(),
        one_of("rate_source_known", "fx_rate_source", SOURCES, "A rate comes from one of three."),
        one_of(
            "conversion_reason_known",
            "conversion_reason",
            CONVERSION_REASONS,
            "Why an amount isn't converted is one of three words.",
        ),
        one_of(
            "change_reason_known",
            "change_reason",
            CHANGE_REASONS,
            "Why no change is stated is one of two words.",
        ),
    )


def _conversion() -> Sequence[Promise]:
    return (
        same_sums(
            "billing_currency_untouched",
            ("billing_month", "provider", "billing_account_id", "billing_currency"),
            ("billed_cost", "effective_cost", "charge_lines"),
            "mart_spend_carbon_monthly",
            "Amounts in the billing currency are those of the fact, currency by currency: two "
            "currencies are never added.",
        ),
        never(
            "one_reporting_currency",
            "select count(distinct reporting_currency) as found from batch having found > 1",
            "Everything is reported in one currency.",
        ),
        never(
            "one_rate_per_month",
            """
            select billing_month, billing_currency from batch
            group by billing_month, billing_currency having count(distinct fx_rate) > 1
            """,
            "A month converts a currency at one rate, for every provider.",
        ),
        never(
            "same_currency_at_one",
            """
            select * from batch
            where billing_currency = reporting_currency and (fx_rate is distinct from 1
                or reporting_billed_cost <> billed_cost
                or reporting_effective_cost <> effective_cost)
            """,
            "The reporting currency itself is converted at exactly 1.",
        ),
        never(
            "no_rate_is_made_up",
            """
            select batch.* from batch
            left join dim_fx_rate as rates
                on batch.billing_month = rates.month
                and batch.billing_currency = rates.from_currency
                and batch.reporting_currency = rates.to_currency
            where batch.billing_currency <> batch.reporting_currency
                and batch.fx_rate is distinct from rates.rate
            """,
            "Every other rate stands in dim_fx_rate; none is assumed.",
        ),
        never(
            "missing_is_explained",
            """
            select * from batch
            where (conversion_reason is null)
                <> (reporting_billed_cost is not null and reporting_effective_cost is not null)
            """,
            "An amount that isn't converted is empty and says why; it is never 0.",
        ),
    )


def _change() -> Sequence[Promise]:
    parts = " or ".join(
        f"{cost}_change is distinct from {cost}_change_by_amount + {cost}_change_by_fx"
        for cost in ("billed_cost", "effective_cost")
    )
    return (
        never(
            "change_is_its_parts",
            f"select * from batch where {parts}",
            "The change since the month before is what amounts did plus what rates did, exactly.",
        ),
        never(
            "change_is_explained",
            """
            select * from batch
            where (change_reason is null) <> (effective_cost_change is not null)
            """,
            "A change that can't be stated says why.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever adds up spend of several currencies, or asks what exchange rates did.",
    promises=_promises,
)
