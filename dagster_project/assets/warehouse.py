"""The dbt models as assets, in three steps: reference data, months, marts.

Built by `pipeline/steps.py`, because the months need two passes of dbt with a decision between
them; here its results become materializations and check results.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from dagster_project.assets.run_context import run_context, run_months
from dagster_project.partitions import billing_months, one_run
from dagster_project.pipeline import build, steps
from dagster_project.pipeline.dbt import NodeResult

Events = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


class Translator(DagsterDbtTranslator):
    """Names groups after the folders of the models."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Return the spec with its room as group: the first folder below `models/`, or `seeds`."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id, {})
        is_model = node.get("resource_type") == "model"
        return spec.replace_attributes(group_name=node["fqn"][1] if is_model else "seeds")


def warehouse_assets(manifest: Path) -> list[dg.AssetsDefinition]:
    """Return the assets of seeds, monthly models and marts."""
    document = json.loads(manifest.read_text())
    translator = Translator()

    @dbt_assets(
        manifest=document,
        name="dbt_reference",
        select=" ".join(build.REFERENCE),
        backfill_policy=one_run,
        dagster_dbt_translator=translator,
        pool="home",
    )
    def dbt_reference(context: dg.AssetExecutionContext) -> Events:
        yield from _events(context, document, steps.load_reference(run_context()))

    @dbt_assets(
        manifest=document,
        name="dbt_monthly",
        select=" ".join(build.MONTHLY),
        exclude=" ".join(build.REFERENCE),
        partitions_def=billing_months,
        backfill_policy=one_run,
        dagster_dbt_translator=translator,
        pool="home",
    )
    def dbt_monthly(context: dg.AssetExecutionContext) -> Events:
        results = steps.build_months(run_context(), run_months(context))
        yield from _events(context, document, results)

    @dbt_assets(
        manifest=document,
        name="dbt_marts",
        select=" ".join(build.MARTS),
        exclude=" ".join((*build.MONTHLY, *build.REFERENCE)),
        backfill_policy=one_run,
        dagster_dbt_translator=translator,
        pool="home",
    )
    def dbt_marts(context: dg.AssetExecutionContext) -> Events:
        yield from _events(context, document, steps.build_marts(run_context()))

    return [dbt_reference, dbt_monthly, dbt_marts]


def _parents_first(
    context: dg.AssetExecutionContext, manifest: dict[str, Any]
) -> list[dg.AssetKey]:
    order = {name: place for place, name in enumerate(_sorted_nodes(manifest))}
    specs = [spec for spec in context.assets_def.specs if spec.key in context.selected_asset_keys]
    specs.sort(key=lambda spec: order[spec.metadata["dagster_dbt/unique_id"]])
    return [spec.key for spec in specs]


def _sorted_nodes(manifest: dict[str, Any]) -> list[str]:
    return list(TopologicalSorter(manifest["parent_map"]).static_order())


def _events(
    context: dg.AssetExecutionContext, manifest: dict[str, Any], results: Sequence[NodeResult]
) -> Events:
    """Report every selected asset, parents first, and the checks that ran."""
    for key in _parents_first(context, manifest):
        yield dg.MaterializeResult(asset_key=key)
    tests = {
        manifest["nodes"][result.unique_id]["name"]: result
        for result in results
        if result.unique_id in manifest["nodes"]
    }
    for check in sorted(context.selected_asset_check_keys):
        result = tests.get(check.name)
        if result is not None:
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"rows at fault": result.failures},
            )
