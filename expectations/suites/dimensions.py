"""What the reader of any dimension may rely on."""

from collections.abc import Sequence
from functools import partial

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    columns_present,
    filled,
    never,
    one_row_per,
)

READERS = {
    "dim_date": "For whoever looks at days, months and quarters.",
    "dim_provider": "For whoever compares one provider with another.",
    "dim_billing_account": "For whoever asks who gets the invoice.",
    "dim_sub_account": "For whoever asks which account, subscription or project.",
    "dim_service": "For whoever asks which service.",
    "dim_region": "For whoever asks where.",
    "dim_resource": "For whoever asks which machine, bucket or database.",
    "dim_environment": "For whoever tells production from everything else.",
    "dim_owner": "For whoever asks whose it is.",
    "dim_billing_period": "For whoever asks how final a month is.",
    "dim_fx_rate": "For whoever asks at which rate an amount was converted.",
    "dim_source": "For whoever asks where the data comes from.",
    "dim_estimate_rate": "For whoever asks how an estimate came about.",
    "dim_carbon_factor": "For whoever asks which factor, from whom, and under which licence.",
}


def key_of(relation: str) -> str:
    """Return the name of a dimension's key column."""
    return f"{relation.removeprefix('dim_')}_key"


def _promises(relation: str, _: Scope) -> Sequence[Promise]:
    key = key_of(relation)
    return (
        columns_present((key,), f"The dimension is joined by {key}; further columns may be added."),
        filled("key_filled", key, "Every member has a key: a join finds it."),
        one_row_per("key_unique", (key,), "A key stands for one member: a join adds no rows."),
        _member(relation, "-1", "unknown"),
        _member(relation, "-2", "not_applicable"),
        never(
            "key_is_text",
            f"select {key} from batch where typeof({key}) <> 'VARCHAR'",
            "Keys are text, in every dimension: joins compare like with like.",
        ),
        never(
            "key_is_tidy",
            f"""
            select {key} from batch
            where cast({key} as varchar) <> trim(cast({key} as varchar))
                or cast({key} as varchar) = ''
            """,
            "Keys have no blanks around them: what looks equal is equal.",
            "warning",
        ),
    )


def _member(relation: str, key: str, meaning: str) -> Promise:
    words = meaning.replace("_", " ")
    column = key_of(relation)
    return never(
        f"has_{meaning}_member",
        f"""
        select '{key}' as missing_member
        where not exists (select 1 from batch where cast({column} as varchar) = '{key}')
        """,
        f"There is a member for {words} ({key}): a fact without a match is shown, not dropped.",
    )


SUITES = tuple(
    Suite(
        name=relation,
        relation=relation,
        reader=reader,
        promises=partial(_promises, relation),
    )
    for relation, reader in READERS.items()
)
