"""Chargeback -> rows of `ledger.chargeback_pools`, ready for SQL.

Grain: one row per pool. `definition` is JSON that `dbt/macros/finance/chargeback.sql` reads.
"""

import json
from collections.abc import Sequence
from typing import Any

from dagster_project.chargeback.model import (
    CENTRAL_LINES,
    FIELD_COLUMNS,
    LINE,
    LINES,
    WEIGHT_DECIMALS,
    Chargeback,
    Driver,
    Pool,
    Target,
)
from dagster_project.rules.model import Condition
from dagster_project.rules.text import like_pattern, literal_text

POOL_COLUMNS = (
    ("chargeback_id", "varchar"),
    ("position", "integer"),
    ("name", "varchar"),
    ("definition", "varchar"),
)
_NAMED_LINES_ONLY = Condition(
    tuple(line for line in LINES if line not in CENTRAL_LINES), field=LINE
)


def pool_rows(chargeback: Chargeback) -> list[Sequence[Any]]:
    """Flatten pools into rows with the columns of POOL_COLUMNS, in the order of the file."""
    return [
        (
            chargeback.id,
            position,
            pool.name,
            json.dumps(
                _definition(pool, chargeback.levels[pool.name]), sort_keys=True, ensure_ascii=False
            ),
        )
        for position, pool in enumerate(chargeback.pools, start=1)
    ]


def _definition(pool: Pool, level: int) -> dict[str, Any]:
    names_lines = any(condition.field == LINE for condition in pool.rule.when)
    when = pool.rule.when if names_lines else (*pool.rule.when, _NAMED_LINES_ONLY)
    return {
        "name": pool.name,
        "level": level,
        "when": [_condition(condition) for condition in when],
        "from": pool.rule.first.isoformat() if pool.rule.first else None,
        "to": pool.rule.last.isoformat() if pool.rule.last else None,
        "driver": pool.driver.value.replace("-", "_"),
        "within": [_condition(condition) for condition in pool.within],
        "targets": [_target(target, pool.driver) for target in pool.targets],
    }


def _condition(condition: Condition) -> dict[str, Any]:
    patterns = [(glob, like_pattern(glob)) for glob in condition.globs]
    return {
        "columns": [FIELD_COLUMNS[str(condition.field)]],
        "tag": None,
        "equals": [literal_text(glob) for glob, like in patterns if like is None],
        "like": [like for _, like in patterns if like is not None],
    }


def _target(target: Target, driver: Driver) -> dict[str, Any]:
    billionths = int(target.weight.scaleb(WEIGHT_DECIMALS))
    return {
        "owner": target.owner,
        "cost_center": target.cost_center,
        "pool": target.pool,
        "weight": billionths if driver is Driver.WEIGHTS else 1,
    }
