"""Two facts of the same months, line beside line.

A line of one fact finds its twin in the other by what it is about: source, month, sub account,
resource, description and first day, in neutral spelling. Columns are compared on twins; where the
two formats cut a charge into different lines, sums are compared instead.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from dagster_project.paths import Home

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
LINEAGE = frozenset(
    {
        "x_ChargeKey", "x_SourceName", "x_DeliveryId", "x_CarbonDeliveryId", "x_SourceChanges",
        "x_EstimateRateId",
        "x_SourceValues", "billing_month", "x_BillingMonth", "x_RecordKind",
    }
)  # fmt: skip

_LAST_UNIT = "0.000000000000000001"
_LAST_UNITS_OF_SCOPES = "0.000000000000000003"
_OWN = ("scope", "twin_key", "is_recut", "place")
_SCOPE = """
    case
        when CommitmentDiscountStatus is not null
            then lower(CommitmentDiscountStatus || ' ' || CommitmentDiscountCategory)
                || ' commitment'
        when ChargeCategory = 'Purchase' and CommitmentDiscountId is not null
            then lower(CommitmentDiscountCategory) || ' commitment purchase'
        when ChargeCategory in ('Credit', 'Adjustment') then 'credit or adjustment'
        when ChargeCategory = 'Usage' and ChargePeriodStart < x_BillingMonth then 'late usage'
        when ChargeCategory = 'Usage' and ChargeClass is not null then 'refund'
        else lower(ChargeCategory)
    end
"""
_KEY = """
    concat_ws(
        '|',
        x_SourceName,
        x_BillingMonth,
        lower(regexp_extract(SubAccountId, '[^/]*$')),
        lower(regexp_extract(coalesce(ResourceId, ''), '[^/:]*$')),
        case when CommitmentDiscountStatus = 'Unused' then '' else lower(ChargeDescription) end,
        coalesce(CommitmentDiscountStatus, ''),
        cast(ChargePeriodStart as date)
    )
"""


@dataclass(frozen=True, order=True)
class Seen:
    """A difference that occurred.

    Attributes:
        source: Source of the estate.
        column: Column, or `(lines)` for lines without a twin.
        scope: Kind of line.
    """

    source: str
    column: str
    scope: str


class Twins:
    """The facts of two homes, the FOCUS one first."""

    def __init__(self, focus: Home, native: Home, recut: Collection[tuple[str, str]]) -> None:
        """Pair the lines; `recut` names (source, scope) whose lines have no twins by nature."""
        self.connection = duckdb.connect()
        self.connection.execute("create table recut (source varchar, scope varchar)")
        if recut:
            self.connection.executemany("insert into recut values (?, ?)", sorted(recut))
        for name, home in (("focus", focus), ("native", native)):
            self.connection.execute(
                f"""
                create table {name} as
                with charges as (
                    select *, {_SCOPE} as scope, {_KEY} as twin_key
                    from read_parquet(
                        '{home.lake}/fct_cost_and_carbon/*/part.parquet', hive_partitioning = true
                    )
                    where x_RecordKind = 'Charge'
                )
                select
                    *,
                    (x_SourceName, scope) in (from recut) as is_recut,
                    row_number() over (
                        partition by twin_key, (x_SourceName, scope) in (from recut)
                        order by {", ".join(COSTS)}
                    ) as place
                from charges
                """
            )
        self.connection.execute(
            """
            create table twins as
            select
                focus.twin_key is not null as in_focus,
                native.twin_key is not null as in_native,
                coalesce(focus.x_SourceName, native.x_SourceName) as source,
                coalesce(focus.scope, native.scope) as scope,
                focus, native
            from (select * from focus where not is_recut) as focus
            full join (select * from native where not is_recut) as native
                on focus.twin_key = native.twin_key and focus.place = native.place
            """
        )

    @property
    def columns(self) -> list[str]:
        """Columns of the fact that say something about a charge."""
        rows = self.connection.execute("describe focus").fetchall()
        return [row[0] for row in rows if row[0] not in {*LINEAGE, *_OWN}]

    def count(self, fact: str, source: str, scope: str) -> int:
        """Return how many lines of a kind one of the facts has."""
        row = self.connection.execute(
            f"select count(*) from {fact} where x_SourceName = ? and scope = ?", [source, scope]
        ).fetchone()
        return int(row[0]) if row else 0

    def paired(self) -> tuple[int, Decimal]:
        """Return how many lines have a twin, and what they cost."""
        row = self.connection.execute(
            "select count(*), sum(focus.BilledCost) from twins where in_focus and in_native"
        ).fetchone()
        return (int(row[0]), Decimal(row[1])) if row else (0, Decimal(0))

    def lonely(self) -> dict[Seen, int]:
        """Return lines without a twin, counted."""
        rows = self.connection.execute(
            "select source, scope, count(*) from twins"
            " where not (in_focus and in_native) group by all"
        ).fetchall()
        return {Seen(source, "(lines)", scope): count for source, scope, count in rows}

    def differences(self) -> dict[Seen, int]:
        """Return columns that differ between twins, with the number of lines."""
        found: dict[Seen, int] = {}
        for column in self.columns:
            rows = self.connection.execute(
                "select source, scope, count(*) from twins where in_focus and in_native"
                f" and {_differs(column)} group by all"
            ).fetchall()
            found |= {Seen(source, column, scope): count for source, scope, count in rows}
        return found

    def sums(self) -> dict[Seen, int]:
        """Return costs whose sums by month, kind of line and sub account differ."""
        found: dict[Seen, int] = {}
        for cost in COSTS:
            rows = self.connection.execute(
                f"""
                with both_facts as (
                    select x_SourceName as source, x_BillingMonth, scope, SubAccountId,
                           {cost} as amount from focus
                    union all
                    select x_SourceName, x_BillingMonth, scope, SubAccountId, -{cost} from native
                ),
                totals as (
                    select source, scope, sum(amount) as difference from both_facts
                    group by source, x_BillingMonth, scope,
                             lower(regexp_extract(SubAccountId, '[^/]*$'))
                )
                select source, scope, count(*) from totals where difference <> 0 group by all
                """
            ).fetchall()
            found |= {Seen(source, f"sum of {cost}", scope): count for source, scope, count in rows}
        return found

    def examples(self, seen: Seen) -> list[tuple[object, ...]]:
        """Return a few pairs of values of a difference, to explain it."""
        if seen.column.startswith("sum of"):
            return []
        if seen.column == "(lines)":
            return self.connection.execute(
                "select coalesce(focus.twin_key, native.twin_key), in_focus from twins"
                " where not (in_focus and in_native) and source = ? and scope = ? limit 3",
                [seen.source, seen.scope],
            ).fetchall()
        found: list[tuple[object, ...]] = self.connection.execute(
            f"select distinct focus.{seen.column}, native.{seen.column} from twins"
            " where in_focus and in_native and source = ? and scope = ?"
            f" and {_differs(seen.column)} limit 3",
            [seen.source, seen.scope],
        ).fetchall()
        return found


def _differs(column: str) -> str:
    """Return the condition under which twins differ in a column.

    The last unit of each scope of a group goes to a line by its key, and keys differ; a total adds
    three scopes up.
    """
    if column.startswith("x_Carbon") and column.endswith("Kg"):
        most = _LAST_UNIT if "Scope" in column else _LAST_UNITS_OF_SCOPES
        return (
            f"((focus.{column} is null) <> (native.{column} is null)"
            f" or abs(focus.{column} - native.{column}) > {most})"
        )
    return f"focus.{column} is distinct from native.{column}"
