"""What the reader of the monthly chargeback may rely on."""

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
from expectations.suites.common import (
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
    methods_kept_apart,
    same_sums,
)

RELATION = "mart_chargeback_month"
GRAIN = (
    "billing_month",
    "provider",
    "billing_currency",
    "owner",
    "cost_center",
    "line_kind",
    "movement",
    "pool",
    "held_in",
)
MEASURES = (
    "effective_cost",
    "billed_cost",
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
)
COLUMNS = (
    *GRAIN,
    "reason",
    "driver",
    "driver_weight",
    "driver_weight_total",
    *MEASURES,
    "charge_lines",
)
LINE_KINDS = (
    "owned",
    "untagged",
    "unused_commitment",
    "support",
    "tax",
    "unallocated_emissions",
    "shared",
    "pooled",
)
MOVEMENTS = ("own", "out", "in")
DRIVERS = ("equal", "weights", "effective_cost")


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_conservation(), *_lines())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "There is something to charge: an empty table is never published."),
        one_row_per(
            "one_row_per_movement",
            GRAIN,
            "One row per month, owner, cost center, kind of line, movement and pool.",
        ),
        all_filled(
            ("billing_month", "provider", "billing_currency", "line_kind", "movement"),
            "Every row says its month, provider and currency, what it is for and how it moves.",
        ),
        first_of_month("billing_month"),
        known_provider(),
        one_of("line_kind_known", "line_kind", LINE_KINDS, "What a row is for is one of 8 words."),
        one_of("movement_known", "movement", MOVEMENTS, "A row is own, out or in."),
        one_of("driver_known", "driver", DRIVERS, "A pool is shared by one of three drivers."),
    )


def _conservation() -> Sequence[Promise]:
    return (
        same_sums(
            "adds_up_to_spend",
            ("billing_month", "provider", "billing_currency"),
            (*MEASURES, "charge_lines"),
            "mart_spend_carbon_monthly",
            "What is charged to all is what it cost: every month, provider and currency adds up to "
            "its effective and its billed cost and its carbon, to the last digit.",
        ),
        never(
            "pools_give_what_they_take",
            f"""
            select billing_month, provider, billing_currency, pool
            from batch where movement in ('in', 'out')
            group by billing_month, provider, billing_currency, pool
            having {" or ".join(f"coalesce(sum({name}), 0) <> 0" for name in MEASURES)}
            """,
            "A pool gives exactly what it takes: its rows out and in come to zero.",
        ),
        never(
            "nothing_vanishes_in_pools",
            f"""
            select billing_month, provider, billing_currency, held_in
            from batch where held_in is not null
            group by billing_month, provider, billing_currency, held_in
            having count(reason) = 0
                and ({" or ".join(f"coalesce(sum({name}), 0) <> 0" for name in MEASURES)})
            """,
            "What one pool gives to another is handed on whole, or a reason says why it isn't.",
        ),
        methods_kept_apart(),
    )


def _lines() -> Sequence[Promise]:
    return (
        never(
            "central_lines_have_no_owner",
            """
            select * from batch
            where owner is not null
                and line_kind in ('untagged', 'unused_commitment', 'support', 'tax', 'pooled')
            """,
            "Untagged cost, unused commitment, support and tax stand on lines of their own.",
        ),
        never(
            "shares_have_an_owner",
            "select * from batch where line_kind in ('owned', 'shared') and owner is null",
            "What is owned or shared has an owner.",
        ),
        never(
            "shares_show_their_driver",
            """
            select * from batch
            where (movement = 'in') <> (driver is not null)
                or (movement = 'in' and not (driver_weight > 0
                    and driver_weight <= driver_weight_total))
            """,
            "Every part of a pool says by which driver, weight and total it came about.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever charges cost and carbon to those who caused them.",
    promises=_promises,
)
