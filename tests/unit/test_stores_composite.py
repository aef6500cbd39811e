"""Several places as one store."""

from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.stores import open_store
from dagster_project.stores.base import ObjectInfo
from dagster_project.stores.composite import CompositeStore, together
from dagster_project.stores.transfer import download_all, read_bytes


@pytest.fixture
def store(tmp_path: Path) -> CompositeStore:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file.txt").write_text(f"of {name}")
    (tmp_path / "two" / "other.txt").write_text("more")
    places = {name: open_store(str(tmp_path / name)) for name in ("two", "one")}
    return CompositeStore(places)


def keys(store: CompositeStore, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(prefix)]


def test_keys_begin_with_the_name_of_the_place_and_are_in_order(store: CompositeStore) -> None:
    assert keys(store) == ["one/sub/file.txt", "two/other.txt", "two/sub/file.txt"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("one/", ["one/sub/file.txt"]),
        ("two/sub", ["two/sub/file.txt"]),
        ("t", ["two/other.txt", "two/sub/file.txt"]),
        ("three/", []),
        ("on/", []),
    ],
)
def test_a_prefix_is_one_of_the_whole_key(
    store: CompositeStore, prefix: str, found: list[str]
) -> None:
    assert keys(store, prefix) == found


def test_objects_are_looked_at_and_read_where_they_are(
    store: CompositeStore, tmp_path: Path
) -> None:
    listed = {info.key: info for info in store.list()}
    assert store.stat("two/sub/file.txt") == listed["two/sub/file.txt"]
    assert read_bytes(store, "two/sub/file.txt") == b"of two"
    (fetched,) = download_all(store, [(listed["one/sub/file.txt"], tmp_path / "fetched")])
    assert fetched.path.read_text() == "of one"
    assert fetched.info.key == "one/sub/file.txt"


def test_a_key_of_no_place_is_not_found(store: CompositeStore) -> None:
    with pytest.raises(CloudtallyError, match="CT-STORE-NOTFOUND"):
        store.stat("three/file.txt")
    with pytest.raises(CloudtallyError, match="CT-STORE-NOTFOUND"):
        store.open(ObjectInfo("file.txt", 1, "tag"))


def test_a_key_cannot_climb_into_another_place(store: CompositeStore) -> None:
    with pytest.raises(CloudtallyError, match="CT-STORE-OUTSIDE"):
        store.stat("one/../two/other.txt")


def test_the_location_names_every_place(store: CompositeStore, tmp_path: Path) -> None:
    assert store.location == f"one: {tmp_path}/one, two: {tmp_path}/two"


def test_a_place_without_a_name_stands_alone(tmp_path: Path) -> None:
    alone = open_store(str(tmp_path))
    assert together({"": alone}) is alone
    assert isinstance(together({"actual": alone}), CompositeStore)
