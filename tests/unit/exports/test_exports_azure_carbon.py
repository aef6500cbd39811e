import datetime as dt

import pytest
from fakes import FakeStore

from dagster_project.exports.azure import carbon

MARCH = dt.date(2026, 3, 1)
ALLOWED = {"subscriptionId": "s1", "decision": "Allowed", "denialReason": None}
DENIED = {"subscriptionId": "s2", "decision": "Denied", "denialReason": "no role"}

ALL_SCOPES = {"name": "all.jsonl", "scope": "Scope1,Scope2,Scope3", "rows": 6}
"""The sum of the scopes in one call, beside the calls that ask for one each."""


def manifest(**changes) -> dict:
    document = {
        "retrievedAt": "2026-04-20T06:00:00Z",
        "month": "2026-03",
        "files": [
            {"name": f"scope{number}.jsonl", "scope": f"Scope{number}", "rows": number}
            for number in (1, 2, 3)
        ],
        "subscriptionAccessDecisions": [ALLOWED, DENIED],
    }
    return document | changes


def only(document: dict, folder: str = "carbon/2026-03"):
    store = FakeStore({f"{folder}/manifest.json": document})
    for number in (1, 2, 3):
        store.put(f"{folder}/scope{number}.jsonl", "{}\n" * number)
        store.put(f"scope{number}.jsonl", "of somebody else")
    (one,) = carbon.EXPORT.find(store, {})
    return one


def test_month_with_three_scopes():
    one = only(manifest())
    assert (one.month, one.rows, one.may_be_empty) == (MARCH, 6, False)
    assert one.native_id == one.order == "2026-04-20T06:00:00.000000+00:00"
    assert [part.constants for part in one.parts] == [
        {"scope": f"Scope{number}", "retrieved_at": one.order, "month": "2026-03"}
        for number in (1, 2, 3)
    ]
    assert all(part.info.key.startswith("carbon/2026-03/") for part in one.parts)
    assert one.note == {"subscriptionAccessDecisions": [ALLOWED, DENIED]}


def test_only_a_month_without_any_access_may_be_empty():
    assert only(manifest(subscriptionAccessDecisions=[DENIED])).may_be_empty
    assert not only(manifest(subscriptionAccessDecisions=[])).may_be_empty


def test_content_names_a_delivery_of_the_api():
    document = manifest(contentSha256="ab" * 32)
    del document["retrievedAt"]
    one = only(document)
    assert (one.native_id, one.order) == ("ab" * 32, "2026-04-02T06:00:00.000000+00:00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"month": "2026-02"}, "not the month of its folder"),
        ({"retrievedAt": "soon"}, "retrievedAt"),
        ({"files": manifest()["files"][:2]}, "one file for each of Scope1, Scope2, Scope3"),
        (
            {"files": [*manifest()["files"], ALL_SCOPES]},
            "one file for each of Scope1, Scope2, Scope3",
        ),
        ({"files": [{"scope": f"Scope{n}"} for n in (1, 2, 3)]}, "no name"),
        ({"subscriptionAccessDecisions": "all"}, "no list"),
    ],
)
def test_manifest_that_cannot_be_used(changes, reason):
    one = only(manifest(**changes))
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-MANIFEST")
    assert reason in str(one.error)


def test_missing_scope_file_is_named():
    store = FakeStore({"2026-03/manifest.json": manifest()})
    (one,) = carbon.EXPORT.find(store, {})
    assert one.missing == ("scope1.jsonl", "scope2.jsonl", "scope3.jsonl")
