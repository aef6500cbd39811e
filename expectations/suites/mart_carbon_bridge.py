"""What the reader of the carbon bridge may rely on."""

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

RELATION = "mart_carbon_bridge"
BRIDGE = ("usage_month", "comparison", "provider", "source_kind", "method", "figure")
COLUMNS = (
    "usage_month",
    "comparison",
    "earlier_month",
    "provider",
    "source_kind",
    "method",
    "figure",
    "part",
    "part_order",
    "kg",
    "first_reported_earlier_kg",
    "earlier_kg",
    "later_kg",
    "difference_kg",
    "earlier_version",
    "later_version",
    "earlier_eligible_lines",
    "later_eligible_lines",
    "earlier_covered_lines",
    "later_covered_lines",
    "earlier_state",
    "later_state",
    "bridge_gap",
)
ESTIMATED_PARTS = ("activity", "region", "mix", "grid_factor", "method", "not_decomposed")
REPORTED_PARTS = (
    "restatement",
    "activity",
    "region",
    "mix",
    "provider_intensity",
    "intensity_and_method",
    "not_decomposed",
)
GAPS = (
    "no_figure_in_earlier_month",
    "no_figure_in_later_month",
    "no_activity_known",
    "beyond_exact_arithmetic",
)
# What the bridge calls a figure, and the sum that carries it in the mart of spend and carbon.
FIGURES = {
    "location": "carbon_location_kg",
    "market": "carbon_market_kg",
    "unspecified": "carbon_unspecified_kg",
    "estimated-location": "estimated_carbon_kg",
}


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_causes(), *_sums())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_part", (*BRIDGE, "part"), "No part stands twice in the bridge of a figure."
        ),
        all_filled(
            (*BRIDGE, "earlier_month", "part", "part_order"),
            "Every row says which months and which figure it compares.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of("gap_known", "bridge_gap", GAPS, "A bridge that isn't told says why."),
        never(
            "months_are_a_month_or_a_year_apart",
            """
            select * from batch
            where earlier_month is distinct from (usage_month - case comparison
                when 'previous_month' then interval 1 month
                when 'same_month_last_year' then interval 12 month
            end)::date
            """,
            "A month is compared with the month before it, or with the same month a year before.",
        ),
        never(
            "lines_covered_are_eligible",
            """
            select * from batch
            where earlier_covered_lines > earlier_eligible_lines
                or later_covered_lines > later_eligible_lines
            """,
            "Beside every change stands how many lines the figure is of.",
        ),
    )


def _causes() -> Sequence[Promise]:
    estimated, reported = (
        ", ".join(f"'{part}'" for part in parts) for parts in (ESTIMATED_PARTS, REPORTED_PARTS)
    )
    return (
        never(
            "parts_belong_to_their_figure",
            f"""
            select * from batch
            where not case source_kind
                when 'estimated' then method = 'estimated-location' and part in ({estimated})
                    and figure in ('operational', 'fera', 'embodied')
                when 'reported' then method in ('location', 'market', 'unspecified')
                    and part in ({reported}) and figure = 'total'
                else false
            end
            """,
            "A report is explained by what its provider states, an estimate by our factors.",
        ),
        never(
            "version_steps_are_one_line",
            """
            select * from batch
            where part = 'provider_intensity' and earlier_version is distinct from later_version
                or part = 'intensity_and_method'
                    and earlier_version is not distinct from later_version
            """,
            "Where a provider's model version differs, its intensity is not told from its method.",
        ),
        never(
            "one_factor_set_is_one_method",
            "select * from batch where part = 'method' and earlier_version = later_version "
            "and kg <> 0",
            "Within one factor set nothing is called a change of method.",
        ),
        never(
            "unknown_is_explained",
            """
            select * from batch
            where (kg is null) <> (coalesce(bridge_gap, '') like 'no_figure_in_%')
                or bridge_gap is not null and part not in ('not_decomposed', 'restatement')
            """,
            "A month without a figure has no difference, and a change that can't be told apart is "
            "in one part with the reason.",
        ),
    )


def _sums() -> Sequence[Promise]:
    keys = ", ".join(BRIDGE)
    return (
        never(
            "parts_come_to_the_difference",
            f"""
            select {keys} from batch
            group by {keys}
            having sum(kg) filter (where part <> 'restatement')
                    is distinct from max(later_kg) - max(earlier_kg)
                or max(difference_kg)
                    is distinct from max(later_kg) - max(earlier_kg)
                or count(*) filter (where part = 'not_decomposed') <> 1
            """,
            "The parts add up to the later month less the earlier one, to the last digit.",
        ),
        never(
            "restatement_is_from_the_first_report",
            """
            select * from batch
            where part = 'restatement' and kg <> earlier_kg - first_reported_earlier_kg
                or source_kind = 'estimated' and first_reported_earlier_kg is not null
            """,
            "With its restatement, a bridge leads from the first report of the earlier month.",
        ),
        never(
            "months_stand_once_per_bridge",
            f"""
            select {keys} from batch
            group by {keys}
            having count(distinct earlier_kg) > 1 or count(distinct later_kg) > 1
                or count(distinct coalesce(bridge_gap, '')) > 1
            """,
            "Every part of a bridge is of the same two figures.",
        ),
        _leads_between_months_of_the_mart(),
    )


def _leads_between_months_of_the_mart() -> Promise:
    """Promise that both ends of every bridge are what other marts carry, and none is missing."""
    months = " union all ".join(
        f"select provider, usage_month, '{method}' as method, sum({column}) as kg "
        "from mart_spend_carbon_monthly group by provider, usage_month"
        for method, column in FIGURES.items()
    )
    names = ("provider", "comparison", "usage_month", "method")
    keys = ", ".join(names)
    either = ", ".join(f"coalesce(mine.{name}, theirs.{name}) as {name}" for name in names)
    joined = " and ".join(f"mine.{name} = theirs.{name}" for name in names)
    return never(
        "leads_from_one_month_to_the_other",
        f"""
        with months as ({months}),
        theirs as (
            select later.provider, step.comparison, later.usage_month, later.method,
                earlier.kg as earlier_kg, later.kg as later_kg
            from months as later
            cross join (values
                ('previous_month', interval 1 month), ('same_month_last_year', interval 12 month)
            ) as step (comparison, months)
            join months as earlier
                on earlier.provider = later.provider and earlier.method = later.method
                and earlier.usage_month = (later.usage_month - step.months)::date
            where coalesce(earlier.kg, later.kg) is not null
        ),
        ends as (select distinct {keys}, figure, earlier_kg, later_kg from batch),
        mine as (
            select {keys}, sum(earlier_kg) as earlier_kg, sum(later_kg) as later_kg
            from ends where figure <> 'fera' group by {keys}
        )
        select {either}
        from mine full join theirs on {joined}
        where mine.earlier_kg is distinct from theirs.earlier_kg
            or mine.later_kg is distinct from theirs.later_kg
        """,
        "Every two months that can be compared are, from all of the earlier month's kilograms to "
        "all of the later month's.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever says why carbon rose or fell, and mustn't take a factor for a saving.",
    promises=_promises,
)
