"""What the reader of the carbon coverage may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    one_of,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider

RELATION = "mart_carbon_coverage"
GRAIN = (
    "billing_month",
    "provider",
    "service_name",
    "billing_currency",
    "source_kind",
    "status",
)
COLUMNS = (*GRAIN, "charge_lines", "effective_cost", "line_ratio", "effective_cost_ratio")
STATUSES = (
    "Reported",
    "BelowThreshold",
    "Pending",
    "NotCovered",
    "AccessDenied",
    "LateAfterClose",
    "NotApplicable",
    "Estimated",
)


def _promises(scope: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_status",
            GRAIN,
            "One row per month, service, currency, kind and status: no line is counted twice.",
        ),
        all_filled(
            ("billing_month", "provider", "billing_currency", "source_kind", "charge_lines"),
            "Every row says of which month and currency it is and how many lines it counts.",
        ),
        known_provider(),
        first_of_month("billing_month"),
        one_of("status_known", "status", STATUSES, "A line without carbon says why."),
        never(
            "kinds_count_the_same_lines",
            """
            select billing_month, provider, service_name, billing_currency
            from batch
            group by all
            having
                sum(case when source_kind = 'reported' then charge_lines end)
                <> sum(case when source_kind = 'estimated' then charge_lines end)
                or sum(case when source_kind = 'reported' then effective_cost end)
                <> sum(case when source_kind = 'estimated' then effective_cost end)
            """,
            "Both kinds of figures are counted over the same lines and the same cost.",
        ),
        never(
            "shares_add_up",
            """
            select billing_month, provider, service_name, billing_currency, source_kind
            from batch
            where line_ratio is not null
            group by all
            having abs(sum(line_ratio) - 1) > 0.0001
            """,
            "The shares of lines of a service add up to one: what is unknown is in sight.",
        ),
        never(
            "not_applicable_has_no_share",
            "select * from batch where (status = 'NotApplicable') <> (line_ratio is null)",
            "What no carbon belongs to is in no share.",
        ),
        _counts_every_line_and_cost(scope),
    )


def _counts_every_line_and_cost(scope: Scope) -> Promise:
    keys = "billing_month, provider, billing_currency"
    sums = f"{keys}, sum(charge_lines) as charge_lines, sum(effective_cost) as effective_cost"
    return never(
        "counts_every_line_and_cost",
        f"""
        with mine as (
            select {sums} from batch where source_kind = 'reported' group by {keys}
        ),
        theirs as (
            select {sums} from mart_spend_carbon_monthly
            where charge_lines > 0 and {scope.where("billing_month")}
            group by {keys}
        )
        select
            coalesce(mine.billing_month, theirs.billing_month) as billing_month,
            coalesce(mine.provider, theirs.provider) as provider
        from mine full join theirs
            on mine.billing_month = theirs.billing_month and mine.provider = theirs.provider
            and mine.billing_currency = theirs.billing_currency
        where mine.charge_lines is distinct from theirs.charge_lines
            or mine.effective_cost is distinct from theirs.effective_cost
        """,
        "Every line and all of its cost have a status: coverage comes to what was spent, to the "
        "last digit.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever wants to know how much of the bill the carbon figures speak of.",
    promises=_promises,
    month_column="billing_month",
)
