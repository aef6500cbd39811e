"""What the reader of the greenhouse gas inventory may rely on."""

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
from expectations.suites.common import (
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
    reported_not_negative,
)

RELATION = "mart_ghg_inventory"
METHODS = ("location", "market", "unspecified", "estimated-location")
GRAIN = (
    "usage_month",
    "provider",
    "hosting",
    "reporter_scope",
    "ghg_category",
    "method",
    "source_kind",
)
PARTS = ("estimated_operational_kg", "estimated_embodied_kg", "estimated_fera_kg")
COLUMNS = (
    *GRAIN,
    "kg",
    "kg_reason",
    *PARTS,
    "eligible_lines",
    "covered_lines",
    "gaps",
    "lacks_providers",
    "carbon_state",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_scopes(), *_sums())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_category_and_method",
            GRAIN,
            "One row per month, provider, scope, category and method: none stands twice.",
        ),
        all_filled(GRAIN, "Every row says whose scope it is, by which method and from where."),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "method_known",
            "method",
            METHODS,
            "A figure is location-based, market-based, of a method that the provider doesn't "
            "state, or our location-based estimate.",
        ),
        one_of(
            "hosting_known",
            "hosting",
            ("cloud", "own_site"),
            "The hardware is a provider's or stands on a site of the organisation's own.",
        ),
        reported_not_negative(("kg",)),
    )


def _scopes() -> Sequence[Promise]:
    return (
        never(
            "clouds_are_scope_3",
            "select * from batch where hosting = 'cloud' and reporter_scope <> '3'",
            "What is bought from a cloud is the organisation's scope 3, whatever scopes the "
            "provider gives it.",
        ),
        never(
            "own_sites_buy_no_cloud",
            "select * from batch where hosting = 'own_site' and ghg_category like '3.1 %'",
            "Own machines are no purchased service.",
        ),
        never(
            "every_figure_has_its_scope",
            "select * from batch where reporter_scope = 'unassigned'",
            "Every figure belongs to a scope and a category. One that no rule takes up is shown.",
            "warning",
        ),
        never(
            "unknown_is_explained",
            "select * from batch where (kg is null) <> (kg_reason is not null)",
            "What nobody states is empty with a reason, never 0.",
        ),
        never(
            "estimates_are_location_based",
            """
            select * from batch
            where kg is not null and (source_kind = 'estimated') <> (method = 'estimated-location')
            """,
            "An estimate is location-based and stands under a method of its own: it is never "
            "taken for a reported figure.",
        ),
        never(
            "lacking_providers_have_no_figure",
            f"""
            select batch.* from batch
            join {RELATION} as named
                on batch.usage_month = named.usage_month and batch.method = named.method
                and batch.source_kind = named.source_kind
            where batch.kg is not null
                and list_contains(string_split(named.lacks_providers, ', '), batch.provider)
            """,
            "A provider that a total is said to lack has no figure in it.",
        ),
    )


def _sums() -> Sequence[Promise]:
    parts = " + ".join(f"coalesce({part}, 0)" for part in PARTS)
    filled = " or ".join(f"{part} is not null" for part in PARTS)
    return (
        never(
            "estimate_is_sum_of_parts",
            f"select * from batch where source_kind = 'estimated' and kg <> {parts}",
            "An estimate is the sum of use, making, and upstream of electricity.",
        ),
        never(
            "reported_has_no_estimated_part",
            f"select * from batch where source_kind = 'reported' and ({filled})",
            "Reported and estimated emissions never stand in one figure.",
        ),
        _holds_all_that_was_reported(),
        _holds_all_that_was_estimated(),
    )


def _holds_all_that_was_reported() -> Promise:
    """Promise that every method comes to what the marts of spend and carbon carry."""
    methods = ("location", "market", "unspecified")
    theirs = ", ".join(f"sum(carbon_{method}_kg) as {method}_kg" for method in methods)
    mine = ", ".join(
        f"sum(kg) filter (where source_kind = 'reported' and method = '{method}') as {method}_kg"
        for method in methods
    )
    return _same_kilograms("holds_every_reported_kilogram", mine, theirs, methods, "reported")


def _holds_all_that_was_estimated() -> Promise:
    """Promise that use and making come to the estimates that other marts carry."""
    parts = "coalesce(estimated_operational_kg, 0) + coalesce(estimated_embodied_kg, 0)"
    return _same_kilograms(
        "holds_every_estimated_kilogram",
        f"sum({parts}) as estimated_kg",
        "sum(estimated_carbon_kg) as estimated_kg",
        ("estimated",),
        "estimated",
    )


def _same_kilograms(
    name: str, mine: str, theirs: str, figures: Sequence[str], kind: str
) -> Promise:
    differs = " or ".join(
        f"coalesce(mine.{figure}_kg, 0) <> coalesce(theirs.{figure}_kg, 0)" for figure in figures
    )
    keys = "provider, usage_month"
    return never(
        name,
        f"""
        with mine as (select {keys}, {mine} from batch group by {keys}),
        theirs as (select {keys}, {theirs} from mart_spend_carbon_monthly group by {keys})
        select coalesce(mine.provider, theirs.provider) as provider,
            coalesce(mine.usage_month, theirs.usage_month) as usage_month
        from mine full join theirs
            on mine.provider = theirs.provider and mine.usage_month = theirs.usage_month
        where {differs}
        """,
        f"The inventory comes to what was {kind}, to the last digit: nothing is lost or counted "
        "twice between scopes.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever reports the organisation's own scopes under the GHG Protocol.",
    promises=_promises,
)
