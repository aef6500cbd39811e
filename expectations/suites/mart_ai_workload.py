"""What the reader of AI workloads may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    none_negative,
    one_of,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider

RELATION = "mart_ai_workload"
PHASES = ("training", "fine-tuning", "inference", "experiment")
STATUSES = ("estimated", "partly_estimated", "no_functional_unit", "not_estimated")
GRAIN = ("usage_month", "provider", "workload", "workload_phase", "billing_currency")
ESTIMATES = ("energy_kwh", "operational_kg", "embodied_kg")
COUNTS = ("tokens_in", "tokens_out", "accelerator_hours")
COLUMNS = (
    *GRAIN,
    "effective_cost",
    *ESTIMATES,
    *COUNTS,
    "sci_boundary",
    "functional_unit",
    "functional_units",
    "sci_kg",
    "sci_kg_per_million_units_ratio",
    "sci_status",
    "charge_lines",
    "estimable_lines",
    "estimated_lines",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_intensity())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_workload_and_phase",
            GRAIN,
            "One row per month, workload, phase and currency: none stands twice.",
        ),
        all_filled(
            ("usage_month", "provider", "workload_phase", "billing_currency", "effective_cost"),
            "Every row says its month, its phase and what it cost in which currency.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "one_phase_per_row",
            "workload_phase",
            PHASES,
            "Every row is of one phase: training and inference are never in one figure.",
        ),
        none_negative(
            "nothing_negative",
            (*ESTIMATES, *COUNTS),
            "Energy, emissions, tokens and hours are not below zero.",
        ),
    )


def _intensity() -> Sequence[Promise]:
    return (
        one_of(
            "sci_status_known",
            "sci_status",
            STATUSES,
            "A workload's intensity is estimated, a lower bound, or unknown with the reason.",
        ),
        never(
            "unknown_is_null",
            """
            select * from batch
            where (sci_status in ('estimated', 'partly_estimated'))
                <> (sci_kg_per_million_units_ratio is not null)
            """,
            "Without a functional unit, or without an estimate, there is no intensity: it is "
            "empty, never 0.",
        ),
        never(
            "intensity_is_of_estimates_alone",
            """
            select * from batch
            where sci_kg <> coalesce(operational_kg, 0) + coalesce(embodied_kg, 0)
                or (sci_kg is null) <> (estimated_lines = 0)
            """,
            "The intensity is of estimated emissions, location-based use plus making, and of "
            "nothing that a provider reports.",
        ),
        never(
            "intensity_divides_by_its_units",
            """
            select * from batch
            where abs(
                sci_kg_per_million_units_ratio
                - sci_kg::double * 1000000 / functional_units::double
            ) > 0.000001
            """,
            "The intensity is its kilograms over its units.",
        ),
        never(
            "functional_units_are_tokens",
            """
            select * from batch
            where functional_unit = 'token'
                and functional_units <> coalesce(tokens_in, 0) + coalesce(tokens_out, 0)
            """,
            "Where the unit is a token, input and output tokens are counted.",
        ),
        never(
            "boundary_follows_phase",
            """
            select * from batch
            where (sci_boundary = 'consumer') <> (workload_phase = 'inference')
                or sci_boundary not in ('consumer', 'provider')
            """,
            "Running a model is the consumer's boundary, making one the provider's.",
        ),
        never(
            "partial_estimates_are_said",
            """
            select * from batch
            where sci_status = 'estimated' and estimated_lines < estimable_lines
                or estimated_lines > estimable_lines
                or estimable_lines > charge_lines
            """,
            "An intensity that leaves lines out is called a lower bound.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever runs or trains models and wants their cost and carbon per unit of work.",
    promises=_promises,
)
