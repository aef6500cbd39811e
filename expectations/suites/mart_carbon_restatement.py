"""What the reader of restated carbon may rely on."""

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

RELATION = "mart_carbon_restatement"
VERSIONS, PUBLICATIONS = "provider_versions", "publications"
METHODS = ("location", "market", "unspecified")
GRAIN = (
    "basis",
    "provider",
    "source_name",
    "usage_month",
    "method",
    "restatement_id",
    "model_version_to",
)
COLUMNS = (
    "usage_month",
    "provider",
    "source_name",
    "basis",
    "method",
    "restatement_id",
    "model_version_from",
    "model_version_to",
    "is_current",
    "changed_at",
    "state_before",
    "cause",
    "reported_before_kg",
    "reported_after_kg",
    "difference_kg",
    "difference_ratio",
    "same_accounts_kg",
    "new_accounts_kg",
    "lost_accounts_kg",
    "scope1_difference_kg",
    "scope2_difference_kg",
    "scope3_difference_kg",
    "restatement_gap",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        *_shape(),
        *_differences(),
        *_holds_what_was_delivered(),
        _holds_every_step(),
        _holds_what_was_published(),
    )


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_step_and_method",
            GRAIN,
            "One row per step and method: no change is counted twice.",
        ),
        all_filled(
            ("usage_month", "provider", "basis", "method", "cause"),
            "Every row says which month moved, by which method, and why.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "basis_known",
            "basis",
            (VERSIONS, PUBLICATIONS),
            "A change is seen between a provider's model versions or between publications.",
        ),
        one_of("method_known", "method", METHODS, "Methods are kept apart."),
        never(
            "bases_are_told_apart",
            f"""
            select * from batch
            where (basis = '{VERSIONS}') <> (
                source_name is not null and restatement_id is null
                and model_version_from is not null and model_version_to is not null
                and is_current is not null
            )
                or (basis = '{PUBLICATIONS}') <> (restatement_id is not null)
            """,
            "A step between versions names both; a change between publications its restatement.",
        ),
    )


def _differences() -> Sequence[Promise]:
    return (
        never(
            "difference_is_new_less_old",
            f"""
            select * from batch
            where basis = '{VERSIONS}'
                and difference_kg is distinct from reported_after_kg - reported_before_kg
            """,
            "The difference is the later version less the earlier one, to the last digit.",
        ),
        never(
            "difference_or_reason",
            "select * from batch where (difference_kg is null) <> (restatement_gap is not null)",
            "Where there is no difference, the row says why; it is empty, never 0.",
        ),
        never(
            "accounts_add_up",
            f"""
            select * from batch
            where basis = '{VERSIONS}' and difference_kg is distinct from
                same_accounts_kg + new_accounts_kg + lost_accounts_kg
            """,
            "What stayed, came and left adds up to the difference.",
        ),
    )


def _holds_what_was_delivered() -> Sequence[Promise]:
    """Promise that both sides of a step are what the fact has of their versions."""
    return tuple(
        never(
            f"{side}_is_what_was_delivered",
            f"""
            with delivered as ({_delivered()})
            select batch.* from batch
            left join delivered
                on batch.source_name = delivered.source_name
                and batch.usage_month = delivered.usage_month
                and batch.model_version_{end} = delivered.model_version
                and batch.method = delivered.method
            where batch.basis = '{VERSIONS}'
                and batch.reported_{side}_kg is distinct from delivered.kg
            """,
            f"The {word} figure is what the provider delivered for its version, to the last digit.",
        )
        for side, end, word in (("before", "from", "earlier"), ("after", "to", "later"))
    )


def _holds_every_step() -> Promise:
    return never(
        "every_version_is_a_step",
        f"""
        with delivered as (
            select source_name, usage_month, count(distinct model_version) - 1 as steps
            from fct_emissions_reported
            where coalesce({", ".join(f"total_{method}_kg" for method in METHODS)}) is not null
            group by source_name, usage_month
        ),
        mine as (
            select source_name, usage_month, count(distinct model_version_to) as steps
            from batch where basis = '{VERSIONS}' group by source_name, usage_month
        )
        select delivered.* from delivered
        left join mine
            on delivered.source_name = mine.source_name
            and delivered.usage_month = mine.usage_month
        where coalesce(mine.steps, 0) < delivered.steps
        """,
        "Between all versions of a month there is a step: no change is left out.",
    )


def _delivered() -> str:
    return " union all ".join(
        f"""
        select source_name, usage_month, model_version, '{method}' as method,
            sum(total_{method}_kg) as kg
        from fct_emissions_reported group by source_name, usage_month, model_version
        """
        for method in METHODS
    )


def _holds_what_was_published() -> Promise:
    theirs = " union all ".join(
        f"""
        select RestatementId as restatement_id, '{method}' as method,
            Carbon{method.capitalize()}KgDifference as kg
        from fct_restatement where Clock = 'carbon'
        """
        for method in METHODS
    )
    return never(
        "holds_what_was_published",
        f"""
        with theirs as ({theirs}),
        mine as (select * from batch where basis = '{PUBLICATIONS}')
        select coalesce(mine.restatement_id, theirs.restatement_id) as restatement_id
        from mine full join theirs
            on mine.restatement_id = theirs.restatement_id and mine.method = theirs.method
        where mine.difference_kg is distinct from theirs.kg
        """,
        "Every kilogram that a publication restated is here, to the last digit.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever reported a month's carbon and asks by how much it has moved since.",
    promises=_promises,
)
