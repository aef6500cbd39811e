"""What the reader of the list of hotspots may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    one_row_per,
)
from expectations.suites.common import (
    COLUMNS_FIXED,
    known_environment,
    known_provider,
    reported_not_negative,
)

RELATION = "mart_hotspot"
GRAIN = (
    "billing_month",
    "provider",
    "sub_account_id",
    "service_name",
    "service_category",
    "region_id",
    "resource_id",
    "environment",
    "owner",
    "billing_currency",
)
COLUMNS = (
    *GRAIN,
    "effective_cost",
    "list_cost",
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "cost_rank",
    "carbon_rank",
    "combined_rank",
)
RANKED = "billing_month, billing_currency"


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_ranks())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_resource",
            GRAIN,
            "One row per month, resource, owner and currency: no hotspot is listed twice.",
        ),
        all_filled(
            ("billing_month", "provider", "effective_cost", "combined_rank"),
            "Every row says its month, its provider, what it cost and where it stands.",
        ),
        never(
            "currency_named",
            "select * from batch where billing_currency is null",
            "Every row names its currency: two currencies are never ranked together.",
        ),
        known_provider(),
        known_environment(),
        reported_not_negative(("carbon_location_kg", "carbon_market_kg", "carbon_unspecified_kg")),
    )


def _ranks() -> Sequence[Promise]:
    return (
        never(
            "one_hotspot_per_rank",
            f"""
            select {RANKED}, combined_rank, count(*) as hotspots from batch
            where combined_rank is not null
            group by {RANKED}, combined_rank having count(*) > 1
            """,
            "In a month and a currency no two hotspots share a place.",
        ),
        never(
            "ranks_have_no_gap",
            f"""
            select
                {RANKED},
                min(combined_rank) as first_rank,
                max(combined_rank) as last_rank,
                count(distinct combined_rank) as ranks
            from batch where combined_rank is not null
            group by {RANKED}
            having min(combined_rank) <> 1 or max(combined_rank) <> count(distinct combined_rank)
            """,
            "Places run from 1 without a gap: the worst is never left out.",
        ),
        never(
            "at_most_a_hundred",
            f"""
            select {RANKED}, count(*) as hotspots from batch
            group by {RANKED} having count(*) > 100
            """,
            "The list is short enough to be read: at most a hundred hotspots a month and currency.",
            "warning",
        ),
        never(
            "single_ranks_start_at_one",
            "select * from batch where cost_rank < 1 or carbon_rank < 1",
            "Places by cost and by carbon alone count from 1.",
        ),
        never(
            "dearest_stands_higher",
            """
            select a.billing_month, a.billing_currency, a.cost_rank, a.effective_cost,
                b.cost_rank as next_rank, b.effective_cost as next_cost
            from batch as a
            join batch as b
                on a.billing_month = b.billing_month
                and a.billing_currency = b.billing_currency
                and a.cost_rank < b.cost_rank
                and a.effective_cost < b.effective_cost
            """,
            "Who stands higher by cost did not cost less.",
            "warning",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever wants to know where a change would save most money and carbon.",
    promises=_promises,
    month_column="billing_month",
)
