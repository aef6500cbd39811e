"""AWS carbon emissions (Data Exports table CARBON_EMISSIONS).

AWS delivers the old and the new methodology side by side for three months and never deletes the
old one: each model version is a variant, and the models choose one for each month.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.aws import data_exports
from dagster_project.exports.base import ColumnKind, DeclaredExport, Found, History, Rule, Schema
from dagster_project.stores.base import ObjectStore

# The documentation names the partition model_version, deliveries name it carbon_model_version.
PARTITION = "(?:carbon_)?model_version"

_MEASURES = (
    "total_mbm",
    "total_lbm",
    "total_scope_1",
    "total_scope_2_lbm",
    "total_scope_2_mbm",
    "total_scope_3_lbm",
    "total_scope_3_mbm",
)
_VALUES = tuple(f"{measure}_emissions_value" for measure in _MEASURES)
_UNITS = tuple(f"{measure}_emissions_unit" for measure in _MEASURES)
_TONNES = "MTCO2e"
_MOMENTS = ("last_refresh_timestamp", "usage_period_start", "usage_period_end")
_TEXTS = (
    "location",
    "model_version",
    "payer_account_id",
    "usage_account_id",
    "product_code",
    "region_code",
)


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every refresh of every usage month and model version."""
    yield from data_exports.find(
        store, period="usage_period", partition=PARTITION, may_be_empty=True
    )


SCHEMA = Schema(
    version="CARBON_EMISSIONS",
    columns={
        **dict.fromkeys(_TEXTS + _UNITS, ColumnKind.TEXT),
        **dict.fromkeys(_VALUES, ColumnKind.DECIMAL),
        **dict.fromkeys(_MOMENTS, ColumnKind.TIMESTAMP),
    },
    mandatory=frozenset(_TEXTS + _UNITS + _VALUES + _MOMENTS),
    totals=_VALUES,
    period="usage_period_start",
    days=None,
    accounts=("payer_account_id", "usage_account_id"),
    extensible=False,
    # Staging reads every value as tonnes: another unit would be a thousand times wrong.
    rules=tuple(Rule(unit, allowed=(_TONNES,)) for unit in _UNITS),
)

EXPORT = DeclaredExport(
    is_emissions=True,
    finder=find,
    declared=(SCHEMA,),
    history=History(
        first=dt.date(2022, 1, 1),
        advice="A new carbon export brings the months back to 2022-01 or to the opening of the "
        "account.",
    ),
)
