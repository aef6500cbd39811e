"""What the reader of carbon per unit of spend, and of its comparisons, may rely on."""

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

INTENSITY = "mart_carbon_intensity"
EQUIVALENCE = "mart_carbon_equivalence"
METHODS = ("location", "market", "unspecified", "estimated-location")
INTENSITY_GRAIN = ("usage_month", "provider", "service_name", "method", "billing_currency")
PRICE = (
    "internal_carbon_price",
    "internal_carbon_currency",
    "internal_carbon_price_kind",
    "internal_carbon_price_owner",
    "internal_carbon_price_source",
)
INTENSITY_COLUMNS = (
    *INTENSITY_GRAIN,
    "effective_cost",
    "covered_effective_cost",
    "reported_kg",
    "estimated_kg",
    "reported_kg_per_cost_ratio",
    "estimated_kg_per_cost_ratio",
    "intensity_reason",
    *PRICE,
    "internal_carbon_cost",
    "internal_carbon_reason",
)
EQUIVALENCE_GRAIN = ("usage_month", "provider", "method", "equivalence")
EQUIVALENCE_COLUMNS = (
    *EQUIVALENCE_GRAIN,
    "kg",
    "equivalent_units",
    "unit",
    "kg_per_unit",
    "boundary",
    "source",
    "licence",
    "year",
)
KG_OF = "coalesce(reported_kg, estimated_kg)"
RATIO_OF = "coalesce(reported_kg_per_cost_ratio, estimated_kg_per_cost_ratio)"


def _method_known() -> Promise:
    return one_of(
        "method_known",
        "method",
        METHODS,
        "A figure is location-based, market-based, of a method that the provider doesn't state, "
        "or our location-based estimate.",
    )


def _intensity(_: Scope) -> Sequence[Promise]:
    return (*_intensity_shape(), *_ratios(), *_prices())


def _intensity_shape() -> Sequence[Promise]:
    return (
        columns_in_order(INTENSITY_COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_service_and_method",
            INTENSITY_GRAIN,
            "One row per month, service, method and currency: none stands twice.",
        ),
        all_filled(
            ("usage_month", "provider", "method", "billing_currency"),
            "Every row says its month, its provider, its method and its currency.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        _method_known(),
        reported_not_negative(("reported_kg",)),
    )


def _ratios() -> Sequence[Promise]:
    return (
        never(
            "reported_and_estimated_stay_apart",
            """
            select * from batch
            where (reported_kg is null) = (estimated_kg is null)
                or (estimated_kg is not null) <> (method = 'estimated-location')
                or reported_kg is null and reported_kg_per_cost_ratio is not null
                or estimated_kg is null and estimated_kg_per_cost_ratio is not null
            """,
            "A row is reported or estimated, never both.",
        ),
        never(
            "ratio_is_kilograms_over_cost",
            f"""
            select * from batch
            where covered_effective_cost > 0
                and abs({RATIO_OF} - {KG_OF}::double / covered_effective_cost::double) > 0.000001
            """,
            "The ratio is the row's kilograms over the cost of the charges that carry them.",
        ),
        never(
            "no_ratio_is_explained",
            f"""
            select * from batch
            where ({RATIO_OF} is null) <> (intensity_reason is not null)
                or {RATIO_OF} is not null and covered_effective_cost <= 0
            """,
            "What cost nothing has no carbon per cost: it is empty with a reason.",
        ),
        _holds_all_kilograms(),
    )


def _holds_all_kilograms() -> Promise:
    """Promise that every method comes to what the marts of spend and carbon carry."""
    methods = {
        "location": "carbon_location_kg",
        "market": "carbon_market_kg",
        "unspecified": "carbon_unspecified_kg",
        "estimated-location": "estimated_carbon_kg",
    }
    theirs = " union all ".join(
        f"select provider, usage_month, '{method}' as method, sum({column}) as kg"
        " from mart_spend_carbon_monthly group by provider, usage_month"
        for method, column in methods.items()
    )
    keys = "provider, usage_month, method"
    return never(
        "holds_every_kilogram",
        f"""
        with mine as (select {keys}, sum({KG_OF}) as kg from batch group by {keys}),
        theirs as ({theirs})
        select coalesce(mine.provider, theirs.provider) as provider,
            coalesce(mine.usage_month, theirs.usage_month) as usage_month
        from mine full join theirs
            on mine.provider = theirs.provider and mine.usage_month = theirs.usage_month
            and mine.method = theirs.method
        where coalesce(mine.kg, 0) <> coalesce(theirs.kg, 0)
        """,
        "The services come to all that was reported and estimated, to the last digit.",
    )


def _prices() -> Sequence[Promise]:
    stated = " and ".join(f"{column} is not null" for column in PRICE)
    absent = " and ".join(f"{column} is null" for column in PRICE)
    return (
        never(
            "price_is_declared_whole",
            f"select * from batch where not ({stated}) and not ({absent})",
            "An internal carbon price names its currency, its kind, who answers for it and the "
            "decision it rests on.",
        ),
        never(
            "no_price_no_cost",
            """
            select * from batch
            where (internal_carbon_cost is null) <> (internal_carbon_reason is not null)
                or internal_carbon_cost is not null and internal_carbon_price is null
            """,
            "Without a declared price there is no internal carbon cost: it is empty, never 0.",
        ),
        never(
            "cost_is_kilograms_at_the_price",
            f"""
            select * from batch
            where abs(
                internal_carbon_cost::double
                - {KG_OF}::double * internal_carbon_price::double / 1000
            ) > 0.000001 * greatest(1, abs(internal_carbon_cost::double))
            """,
            "The internal carbon cost is the row's tonnes at the price of the month.",
        ),
        never(
            "one_price_per_month",
            """
            select usage_month from batch group by usage_month
            having count(distinct internal_carbon_price) > 1
                or count(distinct internal_carbon_currency) > 1
                or count(internal_carbon_price) not in (0, count(*))
            """,
            "A month of use has one price for all providers.",
        ),
    )


def _equivalence(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(EQUIVALENCE_COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_comparison",
            EQUIVALENCE_GRAIN,
            "One row per month, provider, method and comparison: none stands twice.",
        ),
        all_filled(
            (*EQUIVALENCE_GRAIN, "kg", "unit", "kg_per_unit", "source", "licence", "year"),
            "Every comparison names what is counted, and the source, licence and year of its "
            "figure.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        _method_known(),
        never(
            "units_emit_the_kilograms",
            """
            select * from batch
            where equivalent_units is null
                or abs(equivalent_units::double * kg_per_unit::double - kg::double)
                    > 0.000001 * greatest(1, abs(kg::double))
            """,
            "So many units emit the kilograms of the row.",
        ),
    )


SUITES = (
    Suite(
        name=INTENSITY,
        relation=INTENSITY,
        reader="For whoever asks how much carbon a unit of spend brings, and what it would cost.",
        promises=_intensity,
    ),
    Suite(
        name=EQUIVALENCE,
        relation=EQUIVALENCE,
        reader="For whoever explains an amount of carbon to people who don't count in kilograms.",
        promises=_equivalence,
    ),
)
