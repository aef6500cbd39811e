"""Emissions as the Azure carbon REST API states them: kg by resource, one call per scope.

Belongs here: the archived answers, one JSON line per resource, with a manifest that keeps the
decision for every subscription. No method, no model version; regions are often blank.
"""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.company_azure import ARCHIVE, NONPROD, SHOP, VM, WEST
from dagster_project.sample_estate.emissions import Emission, emission_of
from dagster_project.sample_estate.model import Account, Item, on_demand
from dagster_project.sample_estate.money import as_decimal, pico
from dagster_project.sample_estate.writers import iso, open_text, stamp, write_json

RESOLUTION = 1000
_SCOPES: dict[str, Callable[[Emission], int]] = {
    "Scope1": lambda emission: emission.scope1,
    "Scope2": lambda emission: emission.scope2_location,
    "Scope3": lambda emission: emission.scope3_location,
}
_DENIED = "The caller lacks the role Carbon Optimization Reader on this subscription."


def grain(item: Item) -> tuple[str, ...]:
    """Return subscription and resource."""
    return (item.account.sub_id, item.resource_id or "")


def deleted_machine(month: Month) -> Emission:
    """Return emissions of a machine that has no cost line any more."""
    item = Item(
        "azure/vm-decommissioned", SHOP, VM, WEST, "decommissioned", "D4s v5", "1 Hour",
        on_demand(0),
        resource_id=f"{SHOP.sub_id}/resourceGroups/RG-Shop-Prod/providers/"
        "Microsoft.Compute/virtualMachines/vm-decommissioned",
        resource_name="vm-decommissioned", resource_type="Microsoft.Compute/virtualMachines",
    )  # fmt: skip
    return emission_of(item, pico("41.7"), month, "unspecified", RESOLUTION)


def write_month(root: Path, month: Month, emissions: Sequence[Emission]) -> int:
    """Write the archived answers of one usage month; return rows of all scopes."""
    folder = root / month_key(month)
    after = next_month(month)
    moment = dt.datetime(after.year, after.month, 20, 6, 30, 12)
    files: list[dict[str, Any]] = []
    for scope, amount in _SCOPES.items():
        name = f"{scope.lower()}.jsonl"
        with open_text(folder / name) as text:
            for number, emission in enumerate(emissions):
                text.write(json.dumps(_row(emission, amount(emission), number)) + "\n")
        files.append({"name": name, "scope": scope, "rows": len(emissions)})
    manifest = {
        "retrievedAt": iso(moment),
        "month": month_key(month),
        "files": files,
        "subscriptionAccessDecisions": [
            _decision(SHOP, None),
            _decision(NONPROD, None),
            _decision(ARCHIVE, _DENIED),
        ],
    }
    write_json(folder / "manifest.json", manifest)
    stamp((*(folder / file["name"] for file in files), folder / "manifest.json"), moment)
    return len(emissions) * len(files)


def _decision(account: Account, reason: str | None) -> dict[str, str | None]:
    return {
        "subscriptionId": _guid(account),
        "decision": "Denied" if reason else "Allowed",
        "denialReason": reason,
    }


def _guid(account: Account) -> str:
    return account.sub_id.rpartition("/")[2].lower()


def _row(emission: Emission, amount: int, number: int) -> dict[str, Any]:
    kg = float(as_decimal(amount, 9))
    before = round(kg * 0.97, 9)
    resource = emission.item.resource_id or ""
    group = resource.partition("/resourceGroups/")[2].partition("/")[0]
    region = emission.region.name.lower() if emission.region else ""
    return {
        "dataType": "ResourceItemDetailsData",
        "itemName": emission.item.resource_name,
        "categoryType": "Resource",
        "subscriptionId": _guid(emission.account),
        "resourceGroup": group.lower(),
        "resourceId": resource.lower(),
        "location": "" if number % 3 == 2 else region,
        "resourceType": (emission.item.resource_type or "").lower(),
        "latestMonthEmissions": kg,
        "previousMonthEmissions": before,
        "monthOverMonthEmissionsChangeRatio": round((kg - before) / before, 6) if before else 0.0,
        "monthlyEmissionsChangeValue": round(kg - before, 9),
    }
