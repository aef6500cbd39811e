"""Words and promises that several suites share.

Belongs here: the closed lists of values, spelled as published, and sentences that hold for more
than one relation, so that they are said in the same words everywhere.
"""

from collections.abc import Sequence

from expectations.promises import Promise, never, none_negative, one_of

ENVIRONMENTS = (
    "production",
    "staging",
    "development",
    "test",
    "sandbox",
    "shared",
    "unknown",
)
COST_STATES = ("open", "provisional", "closed", "restated")
CARBON_STATES = ("pending", "provisional", "closed", "restated")
CALENDAR_STATES = ("arrived", "pending", "missing", "quarantined", "not_expected")
CARBON_STATUSES = (
    "Reported",
    "BelowThreshold",
    "Pending",
    "NotCovered",
    "AccessDenied",
    "LateAfterClose",
    "NotApplicable",
)
ESTIMATE_STATUSES = ("Estimated", "NotCovered", "NotApplicable")
WORKLOAD_PHASES = ("training", "fine-tuning", "inference", "experiment", "none", "unknown")
RECORD_KINDS = ("Charge", "UnallocatedEmissions")
CHECK_SEVERITIES = ("info", "warn", "error")

# Reported kilograms pass through decimals with 18 digits after the point; providers write fewer.
KG_ROUNDING = "0.000000001"

COLUMNS_FIXED = "The columns are these, in this order: a saved dashboard keeps working."


def known_provider(column: str = "provider") -> Promise:
    """Promise that every provider has an entry in `dim_provider`."""
    return never(
        "provider_known",
        f"""
        select distinct {column} from batch
        where {column} is not null
            and {column} not in (
                select provider_key from dim_provider where provider_key is not null
            )
        """,
        "Every provider has an entry in dim_provider: a filter by provider loses no row.",
    )


def known_environment(column: str = "environment") -> Promise:
    """Promise that an environment is one of the seven words."""
    return one_of(
        "environment_known",
        column,
        ENVIRONMENTS,
        "The environment is one of seven words: production, staging, development, test, "
        "sandbox, shared or unknown.",
    )


def charges_have_environment() -> Promise:
    """Promise that charges have an environment; an emission without a charge has none."""
    return never(
        "charges_have_environment",
        "select * from batch where charge_lines > 0 and environment is null",
        "Every charge belongs to an environment, be it `unknown`: no filter drops it.",
    )


def first_of_month(column: str) -> Promise:
    """Promise that a month is written as its first day."""
    return never(
        "month_is_first_day",
        f"select {column} from batch where day({column}) <> 1",
        "A month is written as its first day, so that tables join on it.",
    )


def costs_known() -> Promise:
    """Promise that charges have a billed and an effective cost."""
    return never(
        "costs_known",
        """
        select * from batch
        where charge_lines > 0 and (billed_cost is null or effective_cost is null)
        """,
        "Where there were charges, the billed and the effective cost are known.",
    )


def list_prices_known() -> Promise:
    """Promise that charges have list and contracted costs.

    A warning: a row that holds nothing but commitment purchases has none.
    """
    return never(
        "list_prices_known",
        """
        select * from batch
        where charge_lines > 0 and (list_cost is null or contracted_cost is null)
        """,
        "Where there were charges, list and contracted cost are known: a missing price isn't free.",
        "warning",
    )


def reported_not_negative(columns: Sequence[str]) -> Promise:
    """Promise that reported kilograms aren't below zero.

    A warning: AWS published negative months before its model 3.0.1, and such a month must not keep
    everybody's costs from being published.
    """
    return none_negative(
        "reported_kg_not_negative",
        columns,
        "Reported emissions are not below zero. A provider that corrects itself with a negative "
        "number is shown, not hidden.",
        "warning",
    )


def methods_kept_apart(prefix: str = "carbon") -> Promise:
    """Promise that carbon of an unstated method isn't copied to a stated one."""
    unspecified = f"{prefix}_unspecified_kg"
    return never(
        "methods_kept_apart",
        f"""
        select * from batch
        where {unspecified} <> 0
            and ({unspecified} = {prefix}_location_kg or {unspecified} = {prefix}_market_kg)
        """,
        "Carbon of an unstated method is never copied into the location or market column.",
    )


def total_is_sum_of_scopes(method: str, total: str = "carbon", parts: str = "carbon_") -> Promise:
    """Promise that a total is the sum of its scopes where all are known, up to `KG_ROUNDING`.

    A warning: the provider may publish a total that its own scopes don't add up to.

    Args:
        method: `location`, `market` or `unspecified`.
        total: Beginning of the total's column name.
        parts: Beginning of the parts' column names.
    """
    scopes = f"{parts}scope1_kg + {parts}scope2_{method}_kg + {parts}scope3_{method}_kg"
    return never(
        f"{method}_total_is_sum_of_scopes",
        f"""
        select *, {scopes} as sum_of_scopes from batch
        where abs({total}_{method}_kg - ({scopes})) > {KG_ROUNDING}
        """,
        f"Where all scopes are known, the total of method {method} is their sum. A provider whose "
        "own total differs is shown.",
        "warning",
    )


def same_sums(
    name: str, keys: Sequence[str], measures: Sequence[str], relation: str, notes: str
) -> Promise:
    """Promise that both relations come to the same sums for every combination of the keys."""
    sums = ", ".join(f"coalesce(sum({measure}), 0) as {measure}" for measure in measures)
    joined = " and ".join(f"mine.{key} is not distinct from theirs.{key}" for key in keys)
    differs = " or ".join(
        f"coalesce(mine.{measure}, 0) <> coalesce(theirs.{measure}, 0)" for measure in measures
    )
    listed = ", ".join(keys)
    return never(
        name,
        f"""
        with mine as (select {listed}, {sums} from batch group by {listed}),
        theirs as (select {listed}, {sums} from {relation} group by {listed})
        select {", ".join(f"coalesce(mine.{key}, theirs.{key}) as {key}" for key in keys)}
        from mine full join theirs on {joined}
        where {differs}
        """,
        notes,
    )
