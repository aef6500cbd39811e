"""What a change of rules or pools would move, seen before it is merged.

Reads what is published and writes nothing. Tags and shares are computed by the macros of the
models, so that a prediction and the next run can't disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import duckdb

from dagster_project.chargeback.model import Chargeback
from dagster_project.chargeback.parse import load_chargeback
from dagster_project.chargeback.table import POOL_COLUMNS, pool_rows
from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, month_key
from dagster_project.paths import SEEDS, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import tag_rules_table, write_table
from dagster_project.pipeline.macros import every_macro_file, project_macros
from dagster_project.pipeline.owners import require_owners
from dagster_project.rules.model import RuleSet
from dagster_project.rules.parse import load_rules
from dagster_project.sqltext import literal

PUBLISHED = "cloudtally.duckdb"
TAGS = ("x_Owner", "x_CostCenter", "x_Environment", "x_Workload", "x_WorkloadPhase", "x_RuleSetId")
MEASURES = (
    "effective_cost",
    "billed_cost",
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
)

_SUMS = """
    sum(EffectiveCost) as effective_cost,
    sum(BilledCost) as billed_cost,
    sum(x_CarbonLocationKg) as carbon_location_kg,
    sum(x_CarbonMarketKg) as carbon_market_kg,
    sum(x_CarbonUnspecifiedKg) as carbon_unspecified_kg,
    sum(x_EstimatedCarbonKg) as estimated_carbon_kg
"""


@dataclass(frozen=True)
class Move:
    """Charges that would change hands. Grain: month, provider, currency, from whom and to whom.

    `cost_state` is the state of the provider's month: a move in a closed one is a restatement.
    """

    billing_month: date
    provider: str
    billing_currency: str
    from_owner: str | None
    from_cost_center: str | None
    to_owner: str | None
    to_cost_center: str | None
    lines: int
    effective_cost: Decimal | None
    billed_cost: Decimal | None
    carbon_location_kg: Decimal | None
    carbon_market_kg: Decimal | None
    carbon_unspecified_kg: Decimal | None
    estimated_carbon_kg: Decimal | None
    cost_state: str | None


@dataclass(frozen=True)
class Change:
    """What an owner would be charged instead, pools included. Grain: month, currency, owner.

    An owner of None is what nobody is charged: untagged and central lines.
    """

    billing_month: date
    billing_currency: str
    owner: str | None
    cost_center: str | None
    effective_cost_before: Decimal
    effective_cost_after: Decimal
    billed_cost_before: Decimal
    billed_cost_after: Decimal
    carbon_location_kg_before: Decimal | None
    carbon_location_kg_after: Decimal | None
    carbon_market_kg_before: Decimal | None
    carbon_market_kg_after: Decimal | None
    carbon_unspecified_kg_before: Decimal | None
    carbon_unspecified_kg_after: Decimal | None
    estimated_carbon_kg_before: Decimal | None
    estimated_carbon_kg_after: Decimal | None


@dataclass(frozen=True)
class Trial:
    """What would move, and the warnings that the files gave."""

    rules: str
    chargeback: str | None
    months: tuple[Month, ...]
    moves: tuple[Move, ...]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def try_out(
    context: Context,
    rules_file: Path | None,
    chargeback_file: Path | None,
    months: Iterable[Month] = (),
) -> Trial:
    """Compare what is published with what these files would make of it.

    Args:
        context: Of the home whose publication is looked at.
        rules_file: Virtual tag rules; those configured when absent.
        chargeback_file: Pools and drivers; those configured when absent.
        months: Look at these billing months only; at all when empty.

    Raises:
        CloudtallyError: CT-OWNERS-NOTHING, CT-OWNERS-MONTH, CT-RULES-* or CT-CHARGEBACK-*.
    """
    rules = load_rules(rules_file or context.settings.rules)
    place = chargeback_file or context.settings.chargeback
    chargeback = load_chargeback(place)
    with TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"set temp_directory = {literal(Path(spill))}")
        wanted = _open(connection, context.home, set(months))
        macros = _give_rules(connection, rules, chargeback)
        _tag(connection, macros, wanted)
        require_owners(chargeback, rules, _owners(connection), str(place))
        moves = tuple(Move(*row) for row in connection.execute(_MOVES).fetchall())
        changes = tuple(Change(*row) for row in connection.execute(_changes(macros)).fetchall())
    warnings = (*rules.warnings, *chargeback.warnings)
    return Trial(rules.id, chargeback.id, wanted, moves, changes, warnings)


def _open(
    connection: duckdb.DuckDBPyConnection, home: Home, wanted: set[Month]
) -> tuple[Month, ...]:
    """Attach the publication; return the months that are looked at."""
    path = home.published / PUBLISHED
    if not path.exists():
        raise _nothing(path)
    connection.execute(f"attach {literal(path)} as published (read_only)")
    try:
        found = connection.execute(
            "select distinct billing_month from published.mart_chargeback_month order by 1"
        ).fetchall()
    except duckdb.CatalogException:
        raise _nothing(path) from None
    known = {month for (month,) in found}
    if wanted - known:
        absent = ", ".join(month_key(month) for month in sorted(wanted - known))
        raise CloudtallyError(
            "CT-OWNERS-MONTH",
            f"Nothing is published for {absent}.",
            where={"publication": path},
            next_step=f"Published: {month_key(min(known))} to {month_key(max(known))}.",
        )
    return tuple(sorted(wanted or known))


def _nothing(path: Path) -> CloudtallyError:
    return CloudtallyError(
        "CT-OWNERS-NOTHING",
        "Nothing is published yet that rules could be tried on.",
        where={"expected": path},
        next_step="Run `cloudtally run`.",
    )


def _give_rules(
    connection: duckdb.DuckDBPyConnection, rules: RuleSet, chargeback: Chargeback
) -> SimpleNamespace:
    """Put the files where the macros look for them; return the macros."""
    connection.execute("create schema ledger")
    write_table(connection, "ledger.tag_rules", *tag_rules_table(rules))
    write_table(connection, "ledger.chargeback_pools", POOL_COLUMNS, pool_rows(chargeback))
    connection.execute(
        "create view service_map as select * from read_csv("
        f"{literal(SEEDS / 'maps' / 'service_map.csv')}, header = true, all_varchar = true)"
    )
    return project_macros(*every_macro_file(), query=lambda sql: connection.execute(sql).fetchall())


def _tag(
    connection: duckdb.DuckDBPyConnection, macros: SimpleNamespace, months: Sequence[Month]
) -> None:
    """Make views of the fact: as it is published, and as the rules would tag it."""
    listed = ", ".join(f"date '{month:%Y-%m-%d}'" for month in months)
    connection.execute(
        "create view charges as select * from published.fct_cost_and_carbon"
        f" where x_BillingMonth in ({listed}) and x_RecordKind = 'Charge'"
    )
    connection.execute(
        "create view beside_charges as select * from published.fct_cost_and_carbon"
        f" where x_BillingMonth in ({listed}) and x_RecordKind <> 'Charge'"
    )
    tags = ", ".join(f"virtual_tags.{tag}" for tag in TAGS)
    former = ", ".join(f"charges.{tag} as former_{tag}" for tag in TAGS)
    connection.execute(
        f"""
        create view tagged as
        with virtual_tags as ({macros.virtual_tags_for("charges")})
        select charges.* exclude ({", ".join(TAGS)}), {tags}, {former}
        from charges
        left join virtual_tags on {macros.virtual_tags_join("charges", "virtual_tags")}
        """
    )
    connection.execute(
        f"""
        create table lines as
        with fact as (
            select * exclude ({", ".join(f"former_{tag}" for tag in TAGS)}) from tagged
            union all by name
            select * from beside_charges
        ),
        lines as ({macros.chargeback_lines("fact")})
        select * from lines
        """
    )


def _owners(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select owner from lines where owner is not null"
        " union select owner from published.dim_owner where owner is not null"
    ).fetchall()
    return {owner for (owner,) in rows}


_MOVES = f"""
    with moved as (
        select
            x_BillingMonth as billing_month,
            x_Provider as provider,
            coalesce(BillingCurrency, 'XXX') as billing_currency,
            former_x_Owner as from_owner,
            former_x_CostCenter as from_cost_center,
            x_Owner as to_owner,
            x_CostCenter as to_cost_center,
            count(*) as lines,
            {_SUMS}
        from tagged
        where
            former_x_Owner is distinct from x_Owner
            or former_x_CostCenter is distinct from x_CostCenter
        group by all
    )
    select moved.*, periods.cost_state
    from moved
    left join published.dim_billing_period as periods
        on
            moved.provider = periods.provider and moved.billing_month = periods.billing_month
    order by all
"""


def _changes(macros: SimpleNamespace) -> str:
    names = ("billing_month", "billing_currency", "owner", "cost_center")
    keys = ", ".join(names)
    either = ", ".join(f"coalesce(former.{key}, latter.{key}) as {key}" for key in names)
    sums = ", ".join(f"sum({name}) as {name}" for name in MEASURES)
    matched = " and ".join(f"former.{key} is not distinct from latter.{key}" for key in names)
    columns = [
        f"coalesce({side}.{name}, 0) as {name}_{when}"
        if name.endswith("_cost")
        else f"{side}.{name} as {name}_{when}"
        for name in MEASURES
        for side, when in (("former", "before"), ("latter", "after"))
    ]
    differs = " or ".join(f"former.{name} is distinct from latter.{name}" for name in MEASURES)
    return f"""
        with chargeback as ({macros.chargeback_rows("lines")}),
        former as (
            select {keys}, {sums} from published.mart_chargeback_month
            where billing_month in (select billing_month from lines) group by {keys}
        ),
        latter as (select {keys}, {sums} from chargeback group by {keys})
        select
            {either},
            {", ".join(columns)}
        from former full join latter on {matched}
        where {differs}
        order by all
    """
