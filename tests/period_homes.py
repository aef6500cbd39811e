"""Homes with months of a few lines, published without the models: periods need no more.

A line is a mapping of the fact's columns; what it leaves out is NULL or as in `LINE`.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.files import link_or_copy
from dagster_project.history.columns import FACT
from dagster_project.ledger.store import Kind
from dagster_project.months import Month
from dagster_project.pipeline.calendar import period_rows
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.guard import guarded_changes
from dagster_project.pipeline.plan import configuration_id, make_plan, rules_id, write_note
from dagster_project.publish.candidate import CandidateFolder, standing_closes
from dagster_project.publish.swap import publish
from dagster_project.settings import Settings, SourceConfig
from dagster_project.version import code_version

MARCH, APRIL, MAY = (dt.date(2026, month, 1) for month in (3, 4, 5))
CLOCK = dt.date(2026, 5, 10)
AMOUNT = "decimal(38,18)"
COLUMNS = {
    "x_RecordKind": "varchar", "x_ChargeKey": "varchar", "x_Provider": "varchar",
    "x_BillingMonth": "date", "x_SourceName": "varchar", "x_DeliveryId": "varchar",
    "x_CarbonDeliveryId": "varchar", "x_RuleSetId": "varchar", "BillingCurrency": "varchar",
    "BillingAccountId": "varchar", "SubAccountId": "varchar", "ServiceName": "varchar",
    "ChargeCategory": "varchar", "ChargeClass": "varchar", "ChargeDescription": "varchar",
    "ChargePeriodStart": "timestamp", "ConsumedQuantity": AMOUNT, "Tags": "varchar",
    "BilledCost": AMOUNT, "EffectiveCost": AMOUNT, "ListCost": AMOUNT, "ContractedCost": AMOUNT,
    "x_Owner": "varchar", "x_CarbonReportedStatus": "varchar", "x_CarbonModelVersion": "varchar",
    "x_CarbonLocationKg": AMOUNT, "x_CarbonMarketKg": AMOUNT, "x_CarbonUnspecifiedKg": AMOUNT,
    "x_CarbonProviderScope1Kg": AMOUNT, "x_CarbonProviderScope2LocationKg": AMOUNT,
    "x_CarbonProviderScope2MarketKg": AMOUNT, "x_CarbonProviderScope2UnspecifiedKg": AMOUNT,
    "x_CarbonProviderScope3LocationKg": AMOUNT, "x_CarbonProviderScope3MarketKg": AMOUNT,
    "x_CarbonProviderScope3UnspecifiedKg": AMOUNT, "x_EstimatedCarbonKg": AMOUNT,
    "x_FactorSetId": "varchar",
}  # fmt: skip
LINE: dict[str, Any] = {
    "x_RecordKind": "Charge",
    "x_Provider": "aws",
    "x_CarbonReportedStatus": "Pending",
    "BillingCurrency": "USD",
    "BillingAccountId": "payer",
    "SubAccountId": "team",
    "ServiceName": "Compute",
    "ChargeCategory": "Usage",
    "ConsumedQuantity": 1,
    "BilledCost": Decimal("10.5"),
    "EffectiveCost": Decimal("9.25"),
    "ListCost": Decimal(12),
    "ContractedCost": Decimal(11),
}
SOURCES = (
    SourceConfig(name="main", provider="aws", export="focus", location="file:///nowhere"),
    SourceConfig(name="carbon", provider="aws", export="carbon", location="file:///nowhere"),
    SourceConfig(name="legacy", provider="azure", export="focus", location="file:///nowhere"),
)

Line = Mapping[str, Any]


def line(key: str, month: Month, **values: Any) -> dict[str, Any]:
    """Return a line of a billing month, used on its second day."""
    used = dt.datetime(month.year, month.month, 2)
    stated = {"x_ChargeKey": key, "x_BillingMonth": month, "ChargePeriodStart": used}
    return {**LINE, **stated, **values}


def write_lines(path: Path, lines: Iterable[Line], more: Mapping[str, str] | None = None) -> None:
    """Write a month's file of the fact."""
    columns = {**COLUMNS, **(more or {})}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f"create table fact ({declared})")
        for each in lines:
            marks = ", ".join("?" for _ in columns)
            row = [each.get(name) for name in columns]
            connection.execute(f"insert into fact values ({marks})", row)
        connection.execute(f"copy fact to '{path}' (format parquet)")


class PeriodHome:
    """A home whose months are written by hand."""

    def __init__(self, root: Path, clock: dt.date = CLOCK) -> None:
        self.root = root
        self.context = Context(Settings(home=root, clock=clock, sources=SOURCES))
        self.home = self.context.home
        self.home.warehouse.mkdir(parents=True)
        duckdb.connect(str(self.home.database)).close()
        self.publications = 0
        self.marts: dict[str, str] = {}

    @property
    def config(self) -> Path:
        """A configuration file that names this home."""
        path = self.root.parent / "cloudtally.yaml"
        sources = [
            {"name": s.name, "provider": s.provider, "export": s.export, "location": s.location}
            for s in SOURCES
        ]
        document = {"home": str(self.root), "clock": CLOCK.isoformat(), "sources": sources}
        path.write_text(json.dumps(document))
        return path

    def deliver(self, source: str, month: Month, delivery: str, content: str = "") -> None:
        """Accept a delivery."""
        self.context.ledger.append(
            Kind.ACCEPTED,
            source=source,
            month=month,
            delivery_id=delivery,
            payload={"content": content or delivery, "schema_version": "1", "rows": 1},
        )

    def build(self, month: Month, lines: Sequence[Line]) -> None:
        """Put a month into the warehouse and say in the ledger that it is done."""
        write_lines(self.home.lake_month(FACT, month), lines)
        write_note(self.home, complete=True)
        prints = make_plan(self.context).months
        if month in prints:
            self.context.ledger.append(
                Kind.MONTH_BUILT,
                month=month,
                payload={"fingerprint": prints[month], "shares": ""},
            )

    def candidate(self) -> CandidateFolder:
        """Make a candidate of what the warehouse holds, if nothing forbids it."""
        self.publications += 1
        return candidate_of(self.context, self.publications, self.marts)

    def publish(self) -> None:
        """Publish what the warehouse holds, if nothing forbids it."""
        publish(self.context, self.candidate())

    def ties_out(self, *outcomes: tuple[str, str]) -> None:
        """Let the next publications say how providers' invoices of March compare."""
        rows = ", ".join(
            f"('{provider}', date '2026-03-01', '{outcome}', 'INV-{number}', 'payer',"
            f" cast('12.34' as {AMOUNT}), 'USD')"
            for number, (provider, outcome) in enumerate(outcomes, start=1)
        )
        self.marts["mart_invoice_reconciliation"] = (
            f"select * from (values {rows}) as rows (provider, billing_month, outcome, invoice_id,"
            " billing_account_id, unexplained, billing_currency)"
        )


def candidate_of(
    context: Context, number: int, marts: Mapping[str, str] | None = None
) -> CandidateFolder:
    """Make a candidate of a home's months without the project's marts, if nothing forbids it."""
    home = context.home
    restatements = guarded_changes(context)
    folder = home.publications / f"publication-{number}"
    months = {}
    state = context.state()
    for part in sorted((home.lake / FACT).glob("*/part.parquet")):
        target = folder / FACT / part.parent.name
        target.mkdir(parents=True)
        link_or_copy(part, target / part.name)
        month = part.parent.name.partition("=")[2]
        content = hashlib.sha256(part.read_bytes()).hexdigest()[:12]
        built = state.built.get(dt.date.fromisoformat(month))
        months[month] = {"hash": f"1:{content}", "built": built}
    with duckdb.connect(str(folder / "cloudtally.duckdb")) as connection:
        for name, query in (marts or {}).items():
            connection.execute(f"create table {name} as {query}")
    manifest = {
        "publication_id": folder.name,
        "code_version": code_version(),
        "hash_algorithm": "of the test",
        "rules": rules_id(context),
        "configuration": configuration_id(context),
        "deliveries": [
            [unit.source, unit.month.isoformat(), unit.variant, decision.delivery_id]
            for unit, decision in sorted(state.current.items())
        ],
        "fact_months": months,
        "closes": standing_closes(state),
        "periods": [
            [row.provider, row.billing_month.isoformat(), row.cost_state, row.carbon_state]
            for row in period_rows(context.settings, state)
        ],
        "restatements": [row.as_payload() for row in restatements],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "checks.json").write_text('{"passed": true}')
    return CandidateFolder(folder)


def two_months(root: Path) -> PeriodHome:
    """Return a home with March and April of two providers, published once; March ties out."""
    home = PeriodHome(root)
    for month in (MARCH, APRIL):
        for source in ("main", "legacy"):
            home.deliver(source, month, f"{source}-{month:%m}-1")
        home.build(month, lines_of(month))
    home.ties_out(("aws", "match"), ("azure", "not_reconcilable"))
    home.publish()
    return home


def lines_of(month: Month, **values: Any) -> list[dict[str, Any]]:
    """Return the usual lines of a month; values replace those of its first line."""
    return [
        line("a1", month, **values),
        line("a2", month, ServiceName="Storage", BilledCost=Decimal("0.1")),
        line("z1", month, x_Provider="azure", BillingCurrency="EUR"),
    ]
