"""Metadata of the FOCUS datasets in a publication, as the standard describes it since 1.3.

Two files lie in the folder of each dataset. `schema.json` says who made it and what its columns
are; it is the same in every publication until a column changes. `recency.json` says how fresh and
how complete it is, and what it can't say. Moments come from the ledger, never from the clock, but
for the time at which the publication was built, which the ledger records with it.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.ledger.state import LedgerState
from dagster_project.months import next_month
from dagster_project.pipeline.calendar import SectorRow, sector_rows
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import current_inputs
from dagster_project.reference import seed_rows

SCHEMA_FILE = "schema.json"
RECENCY_FILE = "recency.json"
GENERATOR = "Cloudtally"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:cloudtally:focus")
_GAP_CHECK = "focus_"


@dataclass(frozen=True)
class FocusDataset:
    """One published relation that is a FOCUS dataset.

    Attributes:
        relation: Its name in the publication.
        dataset: The dataset's identifier in the standard.
        version: Version of the standard.
        data: Folder of the Parquet that holds the rows; views have none of their own.
        gaps: Word by which `dq_result` names its gaps.
        input: The input that supplies it, as the configuration names it; none for charges.
    """

    relation: str
    dataset: str
    version: str
    data: str
    gaps: str = ""
    input: str = ""

    @property
    def instance_id(self) -> str:
        """Identifier of the dataset, the same in every publication."""
        return str(uuid.uuid5(_NAMESPACE, self.relation))


DATASETS = (
    FocusDataset("focus_v1_2", "CostAndUsage", "1.2", "fct_cost_and_carbon"),
    FocusDataset("focus_v1_4", "CostAndUsage", "1.4", "fct_cost_and_carbon"),
    FocusDataset(
        "focus_v1_4_billing_period",
        "BillingPeriod",
        "1.4",
        "focus_v1_4_billing_period",
        gaps="billing_period",
        input="billing-periods",
    ),
    FocusDataset(
        "focus_v1_4_contract_commitment",
        "ContractCommitment",
        "1.4",
        "focus_v1_4_contract_commitment",
        gaps="contract_commitment",
        input="contract-commitments",
    ),
    FocusDataset(
        "focus_v1_4_invoice_detail",
        "InvoiceDetail",
        "1.4",
        "focus_v1_4_invoice_detail",
        gaps="invoice_detail",
        input="invoices",
    ),
)


def write_focus_metadata(
    context: Context, folder: Path, database: Path, built_at: dt.datetime
) -> dict[str, str]:
    """Write both files of every FOCUS dataset of a candidate.

    Returns:
        When each schema was first published, by schema id: for the publication's manifest, which
        is how the next one knows.
    """
    state = context.state()
    known = dict((state.published or {}).get("focus_schemas", {}))
    created: dict[str, str] = {}
    prefixes = tag_prefixes({source.provider for source in context.settings.sources})
    connection = duckdb.connect(str(database), read_only=True)
    try:
        for dataset in DATASETS:
            columns = column_definitions(connection, dataset, prefixes)
            schema_id = schema_id_of(dataset, columns)
            created[schema_id] = known.get(schema_id, moment_text(built_at))
            target = folder / dataset.relation
            target.mkdir(exist_ok=True)
            schema = schema_document(dataset, columns, created[schema_id])
            recency = recency_document(
                dataset,
                schema_id,
                updates(context, state, dataset),
                gaps_of(connection, dataset),
                built_at,
            )
            write_json(target / SCHEMA_FILE, schema)
            write_json(target / RECENCY_FILE, recency)
    finally:
        connection.close()
    return created


def tag_prefixes(providers: Collection[str]) -> list[str]:
    """Return by which beginnings of their keys the providers' own tags are told from the users'."""
    rows = seed_rows("maps/provider_tag_prefixes")
    return sorted(row["prefix"] for row in rows if row["provider"] in providers)


def column_definitions(
    connection: duckdb.DuckDBPyConnection, dataset: FocusDataset, prefixes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the columns as they are published, in their order."""
    described = connection.execute(f"describe {dataset.relation}").fetchall()
    return [_definition(name, kind, prefixes) for name, kind, *_ in described]


def _definition(name: str, kind: str, prefixes: Sequence[str]) -> dict[str, Any]:
    definition: dict[str, Any] = {"ColumnName": name, "DataType": _data_type(kind)}
    if kind.startswith("DECIMAL("):
        precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
        definition |= {"NumericPrecision": int(precision), "NumberScale": int(scale)}
    elif kind == "VARCHAR":
        definition["StringEncoding"] = "UTF-8"
    if name == "Tags":
        definition["ProviderTagPrefixes"] = list(prefixes)
    return definition


def _data_type(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return "DECIMAL"
    return {"VARCHAR": "STRING", "TIMESTAMP": "DATETIME"}[kind]


def schema_id_of(dataset: FocusDataset, columns: Sequence[Mapping[str, Any]]) -> str:
    """Return the identifier of a schema: a hash of what it says, so that a change is a new one."""
    text = json.dumps([dataset.dataset, dataset.version, list(columns)], sort_keys=True)
    return str(uuid.uuid5(_NAMESPACE, hashlib.sha256(text.encode()).hexdigest()))


def schema_document(
    dataset: FocusDataset, columns: Sequence[Mapping[str, Any]], created: str
) -> dict[str, Any]:
    """Return who made a dataset, and its columns."""
    return {
        "DataGenerator": {"DataGenerator": GENERATOR},
        "DatasetInstance": [_instance(dataset)],
        "Schema": [
            {
                "SchemaId": schema_id_of(dataset, columns),
                "FocusVersion": dataset.version,
                "CreationDate": created,
                "DatasetInstanceId": dataset.instance_id,
                "ColumnDefinition": list(columns),
            }
        ],
    }


def _instance(dataset: FocusDataset) -> dict[str, str]:
    return {
        "DatasetInstanceId": dataset.instance_id,
        "DatasetInstanceName": dataset.relation,
        "FocusDatasetId": dataset.dataset,
    }


@dataclass(frozen=True)
class Updates:
    """When a dataset changed, by the ledger, and whether it is complete.

    Attributes:
        sectors: One row for every billing month of charges; none for the other datasets.
        last: The newest acceptance of what the dataset is made of; None when nothing was.
        complete: Of a dataset that isn't a series of months: whether its input has arrived.
    """

    sectors: tuple[SectorRow, ...]
    last: dt.datetime | None
    complete: bool


def updates(context: Context, state: LedgerState, dataset: FocusDataset) -> Updates:
    """Return what the ledger knows of a dataset's deliveries."""
    if not dataset.input:
        sectors = tuple(sector_rows(context.settings, state))
        last = max((row.last_updated for row in sectors), default=None)
        return Updates(sectors, last, all(row.complete for row in sectors))
    wanted = {dataset.input}
    if dataset.dataset == "BillingPeriod":
        wanted.add("invoices")  # which state it where nothing else does
    names = {source.name: source.export for source in context.settings.inputs}
    held_back = {decision.unit.source for decision in state.quarantined()}
    arrived = {
        names[unit.source]: decision.at.astimezone(dt.UTC)
        for unit, decision in current_inputs(context, state).items()
        if names[unit.source] in wanted
    }
    is_whole = dataset.input in arrived and not any(
        name in held_back for name, kind in names.items() if kind == dataset.input
    )
    return Updates((), max(arrived.values(), default=None), is_whole)


def gaps_of(
    connection: duckdb.DuckDBPyConnection, dataset: FocusDataset
) -> list[dict[str, str | None]]:
    """Return what the checks say that a dataset lacks."""
    if not dataset.gaps:
        return []
    rows = connection.execute(
        "select check_id, billing_month, column_name, measured, detail from dq_result"
        " where starts_with(check_id, ?) order by all",
        [f"{_GAP_CHECK}{dataset.gaps}_"],
    ).fetchall()
    return [
        {
            "Check": check,
            "BillingMonth": month.isoformat() if month else None,
            "ColumnName": column,
            "Count": f"{measured:.0f}" if measured is not None else None,
            "Detail": detail,
        }
        for check, month, column, measured, detail in rows
    ]


def recency_document(
    dataset: FocusDataset,
    schema_id: str,
    updated: Updates,
    gaps: Sequence[Mapping[str, str | None]],
    built_at: dt.datetime,
) -> dict[str, Any]:
    """Return how fresh and complete a dataset is; charges by billing month, others as a whole."""
    recency: dict[str, Any] = {
        "DatasetInstanceId": dataset.instance_id,
        "DatasetInstanceLastUpdated": moment_text(updated.last or built_at),
        "RecencyLastUpdated": moment_text(built_at),
    }
    if dataset.dataset == "CostAndUsage":
        recency["TimeSectors"] = [
            {
                "TimeSectorStart": f"{row.month:%Y-%m-%d}T00:00:00Z",
                "TimeSectorEnd": f"{next_month(row.month):%Y-%m-%d}T00:00:00Z",
                "TimeSectorComplete": row.complete,
                "TimeSectorLastUpdated": moment_text(row.last_updated),
            }
            for row in updated.sectors
        ]
    else:
        recency["DatasetInstanceComplete"] = updated.complete
    return {
        "DatasetInstance": [_instance(dataset)],
        "Recency": [recency],
        "x_SchemaId": schema_id,
        "x_DataFolder": dataset.data,
        "x_Gaps": [dict(gap) for gap in gaps],
    }


def moment_text(moment: dt.datetime) -> str:
    """Return a moment as the standard writes it: UTC, whole seconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document so that equal contents are equal bytes."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
