"""What the reader of emissions as the providers reported them may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
)
from expectations.suites.common import (
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
    methods_kept_apart,
    reported_not_negative,
    total_is_sum_of_scopes,
)

RELATION = "fct_emissions_reported"
TOTALS = ("total_location_kg", "total_market_kg", "total_unspecified_kg")
PARTS = (
    "scope1_kg",
    "scope2_location_kg",
    "scope2_market_kg",
    "scope2_unspecified_kg",
    "scope3_location_kg",
    "scope3_market_kg",
    "scope3_unspecified_kg",
)
COLUMNS = (
    "source_name",
    "provider",
    "delivery_id",
    "usage_month",
    "billing_account_id",
    "sub_account_id",
    "region_id",
    "service_bucket",
    "resource_id",
    "model_version",
    "refreshed_at",
    "is_current",
    *PARTS,
    *TOTALS,
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        all_filled(
            ("source_name", "provider", "delivery_id", "is_current"),
            "Every row can be traced to a delivery and says whether it is the current version.",
        ),
        never(
            "current_rows_have_a_month",
            "select * from batch where is_current and usage_month is null",
            "A current row says in which month the energy was used.",
        ),
        never(
            "one_current_version",
            """
            select
                source_name,
                usage_month,
                count(distinct delivery_id) as deliveries,
                count(distinct model_version) as model_versions
            from batch where is_current
            group by source_name, usage_month
            having count(distinct delivery_id) > 1 or count(distinct model_version) > 1
            """,
            "A source and month has one current version: two restatements are never added.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        total_is_sum_of_scopes("location", "total", ""),
        total_is_sum_of_scopes("market", "total", ""),
        total_is_sum_of_scopes("unspecified", "total", ""),
        reported_not_negative((*PARTS, *TOTALS)),
        methods_kept_apart("total"),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever compares our carbon with the provider's own report, version by version.",
    promises=_promises,
    month_column="usage_month",
)
