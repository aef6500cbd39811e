"""Who is known as an owner: nobody is charged under a name that no charge and no rule has."""

from difflib import get_close_matches

import duckdb

from dagster_project.chargeback.model import Chargeback
from dagster_project.errors import CloudtallyError
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import chargeback_of
from dagster_project.rules.model import RuleSet
from dagster_project.rules.parse import load_rules


def check_owners(context: Context) -> None:
    """Make sure that pools are distributed over owners that exist.

    Raises:
        CloudtallyError: CT-CHARGEBACK-OWNER with the name and the pool.
    """
    connection = duckdb.connect(str(context.home.database), read_only=True)
    try:
        found = connection.execute(
            "select distinct x_Owner from int_dimension_members where x_Owner is not null"
        ).fetchall()
    finally:
        connection.close()
    require_owners(
        chargeback_of(context),
        load_rules(context.settings.rules),
        {owner for (owner,) in found},
        str(context.settings.chargeback),
    )


def require_owners(chargeback: Chargeback, rules: RuleSet, found: set[str], file: str) -> None:
    """Refuse a target that no charge names, no rule gives and the file doesn't introduce.

    Raises:
        CloudtallyError: CT-CHARGEBACK-OWNER with the name and the pool.
    """
    known = found | set(rules.aliases.get("owner", {})) | set(chargeback.owners)
    for pool in chargeback.pools:
        for target in pool.targets:
            if target.owner is not None and target.owner not in known:
                near = get_close_matches(target.owner.lower(), sorted(known), n=1, cutoff=0.6)
                hint = f"Write {near[0]!r} if that is meant, or" if near else "Correct the name, or"
                raise CloudtallyError(
                    "CT-CHARGEBACK-OWNER",
                    f"{target.owner!r} is no owner: no charge and no rule has that name.",
                    where={"file": file, "rule": pool.name},
                    kept="what is published.",
                    next_step=f"{hint} introduce it under `owners` in the file.",
                )
