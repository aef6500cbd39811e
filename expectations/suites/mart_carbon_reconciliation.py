"""What the reader of reported against estimated carbon may rely on."""

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

RELATION = "mart_carbon_reconciliation"
GRAIN = ("usage_month", "provider", "service_name", "region_id", "method", "scope")
COLUMNS = (
    *GRAIN,
    "reported_kg",
    "compared_reported_kg",
    "compared_estimated_kg",
    "reported_lines",
    "compared_lines",
    "compared_reported_ratio",
    "reported_to_estimated_ratio",
    "usual_low_ratio",
    "usual_high_ratio",
    "usual_months",
    "is_outside_usual",
    "comparison_gap",
)
METHODS = ("location", "unspecified")
SCOPES = ("scope2", "scope3", "total")
PLAUSIBLE_FACTOR = 100


def _promises(scope: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_service_region_and_scope",
            GRAIN,
            "One row per month, service, region, method and scope.",
        ),
        all_filled(
            ("usage_month", "provider", "method", "scope", "reported_kg"),
            "Every row says what was reported, by which method.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "method_comparable",
            "method",
            METHODS,
            "Estimates are location-based: market-based figures are compared with nothing.",
        ),
        one_of("scope_known", "scope", SCOPES, "Like is compared with like, by scope."),
        never(
            "ratio_is_of_the_same_lines",
            """
            select * from batch
            where abs(
                reported_to_estimated_ratio
                - compared_reported_kg::double / compared_estimated_kg::double
            ) > 0.000001
                or compared_lines > reported_lines
            """,
            "The ratio is of the lines that have both figures.",
        ),
        never(
            "no_ratio_without_a_reason",
            """
            select * from batch
            where reported_to_estimated_ratio is null and comparison_gap is null
                or is_outside_usual is null and comparison_gap is null
            """,
            "Where nothing can be compared, the row says why.",
        ),
        never(
            "outside_is_outside",
            """
            select * from batch
            where is_outside_usual <> (
                reported_to_estimated_ratio < usual_low_ratio
                or reported_to_estimated_ratio > usual_high_ratio
            )
            """,
            "A ratio is called unusual if it is outside of the band that stands beside it.",
        ),
        never(
            "compared_part_is_of_the_reported",
            """
            select * from batch
            where abs(
                compared_reported_ratio - compared_reported_kg::double / reported_kg::double
            ) > 0.000001
                or compared_reported_kg > 0 and compared_reported_ratio is null
            """,
            "Beside a ratio stands how much of what was reported it is of.",
        ),
        _reported_in_kilograms(),
        _holds_every_reported_kilogram(scope),
    )


def _reported_in_kilograms() -> Promise:
    """Promise that a provider's month isn't a thousandth or a thousandfold of its estimate.

    A warning: methods differ, by a factor of several and not of a hundred; months that are
    estimated at less than a kilogram say nothing, and a zero is the provider's word for little.
    """
    return never(
        "reported_in_kilograms",
        f"""
        select
            usage_month,
            provider,
            sum(compared_reported_kg) as compared_reported_kg,
            sum(compared_estimated_kg) as compared_estimated_kg
        from batch where scope = 'total'
        group by usage_month, provider, method
        having sum(compared_estimated_kg) >= 1
            and sum(compared_reported_kg) <> 0
            and sum(compared_reported_kg)::double / sum(compared_estimated_kg)::double
            not between {1 / PLAUSIBLE_FACTOR} and {PLAUSIBLE_FACTOR}
        """,
        "Tonnes under the name of kilograms, or the other way round, are seen in the first month: "
        "what is reported is within a hundredth and a hundredfold of the estimate.",
        "warning",
    )


def _holds_every_reported_kilogram(scope: Scope) -> Promise:
    """Promise that totals come to what charge lines carry in the marts of spend and carbon."""
    keys = "usage_month, provider"
    mine = ", ".join(
        f"sum(reported_kg) filter (where method = '{method}') as {method}_kg" for method in METHODS
    )
    theirs = ", ".join(f"sum(carbon_{method}_kg) as {method}_kg" for method in METHODS)
    differs = " or ".join(
        f"coalesce(mine.{method}_kg, 0) <> coalesce(theirs.{method}_kg, 0)" for method in METHODS
    )
    return never(
        "holds_every_reported_kilogram",
        f"""
        with mine as (select {keys}, {mine} from batch where scope = 'total' group by {keys}),
        theirs as (
            select {keys}, {theirs} from mart_spend_carbon_monthly
            where charge_lines > 0 and {scope.where("usage_month")}
            group by {keys}
        )
        select
            coalesce(mine.usage_month, theirs.usage_month) as usage_month,
            coalesce(mine.provider, theirs.provider) as provider
        from mine full join theirs
            on mine.usage_month = theirs.usage_month and mine.provider = theirs.provider
        where {differs}
        """,
        "Every kilogram that a charge line carries is here, to the last digit: what has no "
        "estimate too.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks whether reported carbon is plausible, and when that changed.",
    promises=_promises,
    month_column="usage_month",
)
