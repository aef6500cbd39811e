"""Reported carbon of a machine that containers share, beside the same machine undivided.

Two accounts have eleven hours of m5.large: ten that nobody shares, and one that three pods share in
the first account alone (CUR.md). AWS reports 11 kg for either.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings, SourceConfig
from tests.cur_files import Cur2Folder, cur2_parquet, put
from tests.golden.cur_lines import MARCH, lines
from tests.pipeline_runs import built, give_reference, land

SHARED, ALONE = "1" * 12, "2" * 12
MACHINES = ("on-demand", "thirds")
PODS = ("pod x", "pod y", "pod z")


@pytest.fixture(scope="module")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("split-carbon")
    for account, names in ((SHARED, (*MACHINES, *PODS)), (ALONE, MACHINES)):
        rows = [row for row in lines(account) if row["line_item_line_item_description"] in names]
        Cur2Folder(root / account).deliver(MARCH, cur2_parquet(rows))
    _write_carbon(root / "carbon")
    kinds = {SHARED: "cur2", ALONE: "cur2", "carbon": "carbon"}
    sources = tuple(
        SourceConfig(name=f"s{name}", provider="aws", export=kind, location=(root / name).as_uri())
        for name, kind in kinds.items()
    )
    context = Context(Settings(home=root / "home", sources=sources, clock=dt.date(2026, 5, 20)))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def _write_carbon(root: Path) -> None:
    tonnes = dict.fromkeys(("total_lbm", "total_scope_2_lbm"), 0.011)
    tonnes |= dict.fromkeys(("total_mbm", "total_scope_2_mbm"), 0.0055)
    rows = [
        {
            "last_refresh_timestamp": dt.datetime(2026, 4, 20),
            "location": "EU (Ireland)",
            "model_version": "v3.0.1",
            "payer_account_id": account,
            "product_code": "AmazonEC2",
            "region_code": "eu-west-1",
            "usage_account_id": account,
            "usage_period_start": dt.datetime(2026, 3, 1),
            "usage_period_end": dt.datetime(2026, 4, 1),
            **{
                f"{name}_emissions_{kind}": value
                for name in (
                    "total_lbm", "total_mbm", "total_scope_1", "total_scope_2_lbm",
                    "total_scope_2_mbm", "total_scope_3_lbm", "total_scope_3_mbm",
                )
                for kind, value in (("value", tonnes.get(name, 0.0)), ("unit", "MTCO2e"))
            },
        }
        for account in (SHARED, ALONE)
    ]  # fmt: skip
    partition = "carbon_model_version=v3.0.1/usage_period=2026-03"
    data = put(root / "export/data" / partition / "export-00001.snappy.parquet", b"")
    pq.write_table(pa.Table.from_pylist(rows), data)
    name = f"s3://bucket/{data.relative_to(root).as_posix()}"
    put(
        root / "export/metadata" / partition / "export-Manifest.json",
        {"name": "export", "executionId": "1", "dataFiles": [name]},
    )


def carried(warehouse: duckdb.DuckDBPyConnection, account: str) -> dict[str, tuple[Decimal, ...]]:
    """Lines and kilograms, location- and market-based, by line of the bill."""
    found = warehouse.execute(
        """
        select ChargeDescription, count(*), sum(x_CarbonLocationKg), sum(x_CarbonMarketKg)
        from fct_cost_and_carbon where SubAccountId = ? and x_CarbonMethod = 'energy'
        group by all
        """,
        [account],
    ).fetchall()
    return {name: tuple(numbers) for name, *numbers in found}


def test_containers_carry_what_their_machine_would(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Nothing is lost, nothing is told twice; weights are millionths of a kWh, half a one off."""
    shared, alone = carried(warehouse, SHARED), carried(warehouse, ALONE)
    [(weights,)] = warehouse.execute(
        "select sum(x_EstimatedEnergyKwh) * 1000000 from fct_cost_and_carbon"
        " where SubAccountId = ?",
        [ALONE],
    ).fetchall()

    assert {name: numbers[0] for name, numbers in shared.items()} == {"on-demand": 1, "thirds": 3}
    for method, reported in ((1, Decimal(11)), (2, Decimal("5.5"))):
        assert sum(numbers[method] for numbers in shared.values()) == reported
        assert sum(numbers[method] for numbers in alone.values()) == reported
        apart = abs(shared["thirds"][method] - alone["thirds"][method])
        assert apart * weights <= reported * 2


def test_namespaces_carry_what_their_containers_do(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select namespace, carbon_location_kg, reported_lines from mart_kubernetes_carbon"
        " order by namespace"
    ).fetchall()

    assert [(name, count) for name, _, count in found] == [("jobs", 2), ("kube-system", 1)]
    assert sum(kg for _, kg, _ in found) == carried(warehouse, SHARED)["thirds"][1]
