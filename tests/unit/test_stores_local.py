"""The local store, the rules for keys and locations, and what an error may say."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.errors import CloudtallyError
from dagster_project.stores import ObjectInfo, ObjectStore, open_store
from dagster_project.stores.base import check_key, fault_of_status, printable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "deliveries"
    root.mkdir()
    return root


@pytest.fixture
def store(folder: Path) -> ObjectStore:
    return open_store(str(folder))


def put(folder: Path, key: str, data: bytes = b"x") -> Path:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(prefix)]


def read(store: ObjectStore, info: ObjectInfo, offset: int = 0) -> bytes:
    with store.open(info, offset) as stream:
        return stream.read()


def test_listing_is_ordered_by_whole_key(folder: Path, store: ObjectStore) -> None:
    written = ["a/x", "a-b/x", "a.csv", "b", "a/sub/deep", "ä/ü.parquet", "z/.hidden"]
    for key in written:
        put(folder, key)
    assert keys(store) == sorted(written)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["ab/1", "abc/2", "b/3"]),
        ("ab", ["ab/1", "abc/2"]),
        ("ab/", ["ab/1"]),
        ("ab/1", ["ab/1"]),
        ("nothing/here", []),
    ],
)
def test_prefix_is_text_as_in_a_bucket(
    folder: Path, store: ObjectStore, prefix: str, expected: list[str]
) -> None:
    for key in ("ab/1", "abc/2", "b/3"):
        put(folder, key)
    assert keys(store, prefix) == expected


def test_reads_from_an_offset(folder: Path, store: ObjectStore) -> None:
    put(folder, "file", b"0123456789")
    info = store.stat("file")
    assert read(store, info) == b"0123456789"
    assert read(store, info, 7) == b"789"
    assert read(store, info, 10) == b""


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}", "file://localhost{}"])
def test_forms_of_a_local_location(tmp_path: Path, form: str) -> None:
    root = tmp_path / "plain"
    put(root, "k")
    location = form.format(root)
    store = open_store(location)
    assert keys(store) == ["k"]
    assert store.location == location


def test_file_url_is_percent_decoded_and_plain_path_is_not(tmp_path: Path) -> None:
    put(tmp_path / "with space", "k")
    put(tmp_path / "100%25", "k")
    assert keys(open_store(f"file://{tmp_path}/with%20space")) == ["k"]
    assert keys(open_store(f"{tmp_path}/100%25")) == ["k"]


@pytest.mark.parametrize(
    "location",
    ["", "file://host/share", "file:relative", "http://a/b", "ftp://a/b", "s3://", "gs:///x",
     "az://user:pw@container/x", "s3://AKIA:secret@bucket/x", "s3://bucket/../other"],
)  # fmt: skip
def test_locations_that_mean_nothing(location: str) -> None:
    with pytest.raises(CloudtallyError) as caught:
        store = open_store(location)
        list(store.list())
    assert caught.value.code in {"CT-STORE-SCHEME", "CT-STORE-OUTSIDE"}
    assert "secret" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_missing_folder_and_missing_file(folder: Path, store: ObjectStore) -> None:
    for action in (lambda: list(open_store(str(folder / "no")).list()), lambda: store.stat("no")):
        with pytest.raises(CloudtallyError) as caught:
            action()
        assert caught.value.code == "CT-STORE-NOTFOUND"


@pytest.mark.parametrize(
    "key",
    ["", "..", "../x", "a/../../x", "a/./x", "/etc/passwd", "a\\..\\x", "nul\0byte", "\udcff"],
)
def test_hostile_keys_are_refused(store: ObjectStore, key: str) -> None:
    for action in (lambda: store.stat(key), lambda: read(store, ObjectInfo(key, 1, "t"))):
        with pytest.raises(CloudtallyError) as caught:
            action()
        assert caught.value.code == "CT-STORE-OUTSIDE"


def test_very_long_key_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(CloudtallyError) as caught:
        store.stat("k" * 5000)
    assert caught.value.code == "CT-STORE-NOTFOUND"
    assert len(str(caught.value)) < 1000


def test_odd_but_honest_names_work(folder: Path, store: ObjectStore) -> None:
    odd = ["back\\slash", "new\nline", "..dots", "a..b/c", "?q=1#f", "trailing ", "\x1b[31mred"]
    for key in odd:
        put(folder, key, key.encode())
    assert sorted(keys(store)) == sorted(odd)
    for key in odd:
        assert read(store, store.stat(key)) == key.encode()


@given(st.text(max_size=40))
def test_an_accepted_key_never_leaves_the_root(key: str) -> None:
    try:
        check_key(key, "s3://bucket/root")
    except CloudtallyError as error:
        assert error.code == "CT-STORE-OUTSIDE"
        return
    joined = os.path.normpath("/base/" + key.replace("\\", "/"))
    assert joined == "/base" or joined.startswith("/base/")


def test_links_inside_are_followed_and_loops_end(folder: Path, store: ObjectStore) -> None:
    put(folder, "real/file", b"data")
    (folder / "alias").symlink_to(folder / "real")
    (folder / "real" / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to(folder / "nothing")
    found = keys(store)
    assert "alias/file" in found
    assert "dangling" not in found
    assert read(store, store.stat("alias/file")) == b"data"


@pytest.mark.parametrize("name", ["file", "folder"])
def test_links_that_lead_out_are_refused(
    folder: Path, store: ObjectStore, tmp_path: Path, name: str
) -> None:
    put(tmp_path / "outside", "secret")
    target = tmp_path / "outside" / ("secret" if name == "file" else "")
    (folder / name).symlink_to(target)
    key = name if name == "file" else "folder/secret"
    attempts = (
        lambda: keys(store),
        lambda: keys(store, "folder/") or keys(store, "file"),
        lambda: store.stat(key),
        lambda: read(store, ObjectInfo(key, 1, "t")),
    )
    for attempt in attempts:
        with pytest.raises(CloudtallyError) as caught:
            attempt()
        assert caught.value.code == "CT-STORE-OUTSIDE"


def test_sibling_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    put(tmp_path / "root", "a")
    put(tmp_path / "root-2", "b")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "root-2" / "b")
    with pytest.raises(CloudtallyError) as caught:
        open_store(str(tmp_path / "root")).stat("link")
    assert caught.value.code == "CT-STORE-OUTSIDE"


def test_pipes_are_neither_listed_nor_opened(folder: Path, store: ObjectStore) -> None:
    put(folder, "a", b"data")
    info = store.stat("a")
    (folder / "a").unlink()
    os.mkfifo(folder / "a")
    assert keys(store) == []
    with pytest.raises(CloudtallyError) as caught:
        read(store, info)
    assert caught.value.code == "CT-STORE-CHANGED"


def replace_by_rename(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"B" * path.stat().st_size)
    fresh.replace(path)


def rewrite_in_place(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"B")
    os.utime(path, ns=(1, 1))


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def remove(path: Path) -> None:
    path.unlink()


CHANGES = [replace_by_rename, rewrite_in_place, shorten]


@pytest.mark.parametrize("change", CHANGES)
def test_replaced_between_listing_and_opening(folder: Path, store: ObjectStore, change) -> None:
    path = put(folder, "f", b"A" * 100)
    info = store.stat("f")
    change(path)
    with pytest.raises(CloudtallyError) as caught:
        read(store, info)
    assert caught.value.code == "CT-STORE-CHANGED"


@pytest.mark.parametrize("change", [*CHANGES, remove])
def test_replaced_while_reading(folder: Path, store: ObjectStore, change) -> None:
    path = put(folder, "f", b"A" * 3_000_000)
    info = store.stat("f")
    with pytest.raises(CloudtallyError) as caught, store.open(info) as stream:
        stream.read(10)
        change(path)
        stream.read()
    assert caught.value.code == "CT-STORE-CHANGED"


def test_removed_between_listing_and_opening(folder: Path, store: ObjectStore) -> None:
    path = put(folder, "f")
    info = store.stat("f")
    path.unlink()
    with pytest.raises(CloudtallyError) as caught:
        read(store, info)
    assert caught.value.code == "CT-STORE-NOTFOUND"


def test_failure_of_the_caller_stays_the_callers(folder: Path, store: ObjectStore) -> None:
    put(folder, "f")
    with pytest.raises(OSError, match="mine"), store.open(store.stat("f")):
        raise OSError("mine")


@pytest.mark.parametrize(
    ("location", "sdk", "extra"),
    [
        ("az://container/x", "azure", ".[azure]"),
        ("gs://bucket/x", "google.cloud", ".[gcp]"),
        ("s3://bucket/x", "boto3", "."),
    ],
)
def test_missing_sdk_names_the_extra(monkeypatch, location: str, sdk: str, extra: str) -> None:
    real = builtins.__import__

    def without_sdk(name, *args, **kwargs):
        if name == sdk or name.startswith(f"{sdk}."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    for module in ("azure", "gcs", "s3"):
        monkeypatch.delitem(sys.modules, f"dagster_project.stores.{module}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_sdk)
    with pytest.raises(CloudtallyError) as caught:
        open_store(location)
    assert caught.value.code == "CT-STORE-EXTRA"
    assert f"pip install --editable '{extra}'" in str(caught.value)


def test_opening_a_folder_loads_no_sdk() -> None:
    code = (
        "import sys; from dagster_project.stores import open_store; list(open_store('.').list('!'))"
        "; print([m for m in ('boto3','botocore','azure.core','google.cloud.storage','requests')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "DENIED"), (401, "DENIED"), (403, "DENIED"), (409, "DENIED"), (404, "NOTFOUND"),
        (408, "NETWORK"), (500, "NETWORK"), (502, "NETWORK"), (504, "NETWORK"), (200, "NETWORK"),
        (412, "CHANGED"), (416, "CHANGED"), (429, "THROTTLED"), (503, "THROTTLED"),
    ],
)  # fmt: skip
def test_meaning_of_a_status(status: int, code: str) -> None:
    error = fault_of_status(status, "SomeWord", location="s3://b/x", key="k")
    assert error.code == f"CT-STORE-{code}"
    assert f"HTTP {status} SomeWord" in str(error)


def test_messages_carry_no_secret_and_no_control_character() -> None:
    text = printable("a?sv=1&sig=AbC%3D&x=\x1b[31m\n\u202e https://u:p@h/ X-Amz-Signature=dead")
    for secret in ("AbC", "u:p", "dead", "\x1b", "\n", "\u202e"):
        assert secret not in text
    odd_word = fault_of_status(403, "<html>sig=abc", location="s3://b/x?sig=abc", key="k&sig=abc")
    assert "abc" not in str(odd_word)


@pytest.mark.parametrize(
    ("location", "options"),
    [
        ("s3://b/x", {"endpoint_url": "http://key:topsecret@h:9000"}),
        ("az://c/x", {"account_url": "https://a.blob.core.windows.net?sv=1&sig=topsecret"}),
        ("az://c/x?sv=1&sig=topsecret", {}),
        ("gs://b/x?X-Goog-Signature=topsecret", {}),
    ],
)
def test_configured_credentials_are_refused_and_not_repeated(location: str, options) -> None:
    with pytest.raises(CloudtallyError) as caught:
        open_store(location, options)
    assert caught.value.code == "CT-STORE-SCHEME"
    assert "topsecret" not in str(caught.value)
