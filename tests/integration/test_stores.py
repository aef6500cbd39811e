"""One contract, five places: what every store promises, asked of real servers on loopback."""

import gzip
import hashlib
import itertools
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient, ContentSettings
from google.cloud import storage

from dagster_project.errors import CloudtallyError
from dagster_project.stores import (
    ObjectInfo,
    ObjectStore,
    RetryPolicy,
    download_all,
    open_store,
    read_bytes,
)
from dagster_project.stores import transfer as transfer_module
from tests.integration import servers
from tests.integration.servers import Answer, Cut, Fault, FaultProxy, Pass, Reset, Server

BODY = random.Random(11).randbytes(3_000_000)
QUICK = RetryPolicy(attempts=5, first_wait=0.01, longest_wait=0.05)
ROOT = "exports/focus"
_numbers = itertools.count(1)


class Place:
    """Somewhere to put objects with the provider's own SDK and to read them with ours."""

    broken_off_midway: Sequence[Fault] = (Cut(2_000_000), Answer(403))

    def __init__(self, server: Server | None, environment: pytest.MonkeyPatch) -> None:
        self.server = server
        self.environment = environment
        self.bucket = f"deliveries-{os.getpid()}-{next(_numbers)}"
        self.make()

    def make(self) -> None:
        """Create the bucket."""

    def put(self, key: str, data: bytes, encoding: str | None = None) -> None:
        """Write an object with its full key."""
        raise NotImplementedError

    def delete(self, key: str) -> None:
        """Remove an object with its full key."""
        raise NotImplementedError

    def open(
        self, root: str = ROOT, port: int | None = None, bucket: str | None = None
    ) -> ObjectStore:
        """Open our store, perhaps through another port."""
        raise NotImplementedError


class LocalPlace(Place):
    def make(self) -> None:
        self.folder = Path(os.environ["CLOUDTALLY_TEST_FOLDER"]) / self.bucket
        self.folder.mkdir()

    def put(self, key: str, data: bytes, encoding: str | None = None) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name("fresh").write_bytes(data)
        path.with_name("fresh").replace(path)

    def delete(self, key: str) -> None:
        (self.folder / key).unlink()

    def open(
        self, root: str = ROOT, port: int | None = None, bucket: str | None = None
    ) -> ObjectStore:
        folder = self.folder.with_name(bucket) if bucket else self.folder
        return open_store(f"file://{folder}/{root}")


class S3Place(Place):
    def make(self) -> None:
        assert self.server is not None
        session = boto3.session.Session(servers.ACCESS_KEY, servers.SECRET_KEY)
        self.client = session.client("s3", "us-east-1", endpoint_url=self.server.url)
        self.client.create_bucket(Bucket=self.bucket)

    def put(self, key: str, data: bytes, encoding: str | None = None) -> None:
        extra = {"ContentEncoding": encoding} if encoding else {}
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **extra)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def open(
        self, root: str = ROOT, port: int | None = None, bucket: str | None = None
    ) -> ObjectStore:
        assert self.server is not None
        endpoint = f"http://{servers.HOST}:{port or self.server.port}"
        return open_store(f"s3://{bucket or self.bucket}/{root}", {"endpoint_url": endpoint})


class RclonePlace(S3Place):
    def lose_credentials(self) -> None:
        """Make the credentials wrong."""
        self.environment.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-that-must-not-show")


class AzurePlace(Place):
    def make(self) -> None:
        self.service = BlobServiceClient.from_connection_string(self.connection())
        self.service.create_container(self.bucket)

    def connection(self, port: int | None = None, key: str = servers.AZURITE_KEY) -> str:
        assert self.server is not None
        account = servers.AZURITE_ACCOUNT
        endpoint = f"http://{servers.HOST}:{port or self.server.port}/{account}"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
            f"BlobEndpoint={endpoint};"
        )

    def put(self, key: str, data: bytes, encoding: str | None = None) -> None:
        settings = ContentSettings(content_encoding=encoding)
        blob = self.service.get_blob_client(self.bucket, key)
        blob.upload_blob(data, overwrite=True, content_settings=settings)

    def delete(self, key: str) -> None:
        self.service.get_blob_client(self.bucket, key).delete_blob()

    def open(
        self, root: str = ROOT, port: int | None = None, bucket: str | None = None
    ) -> ObjectStore:
        if "must-not-show" not in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", ""):
            text = self.connection(port)
            self.environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
        return open_store(f"az://{bucket or self.bucket}/{root}")

    def lose_credentials(self) -> None:
        text = self.connection(key="d3Jvbmcga2V5") + "Comment=must-not-show;"
        self.environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)


class GcsPlace(Place):
    # The emulator takes one request per connection, and is asked for the generation each time.
    broken_off_midway = (*[Pass()] * 8, Answer(403))

    def make(self) -> None:
        assert self.server is not None
        self.environment.setenv("STORAGE_EMULATOR_HOST", self.server.url)
        self.client = storage.Client(project="test").create_bucket(self.bucket)

    def put(self, key: str, data: bytes, encoding: str | None = None) -> None:
        blob = self.client.blob(key)
        blob.content_encoding = encoding
        blob.upload_from_string(data)

    def delete(self, key: str) -> None:
        self.client.blob(key).delete()

    def open(
        self, root: str = ROOT, port: int | None = None, bucket: str | None = None
    ) -> ObjectStore:
        assert self.server is not None
        url = f"http://{servers.HOST}:{port or self.server.port}"
        self.environment.setenv("STORAGE_EMULATOR_HOST", url)
        return open_store(f"gs://{bucket or self.bucket}/{root}")


PLACES: dict[str, tuple[Callable[..., Place], str | None]] = {
    "file": (LocalPlace, None),
    "rclone": (RclonePlace, "rclone_s3"),
    "moto": (S3Place, "moto_s3"),
    "azurite": (AzurePlace, "azurite"),
    "gcs": (GcsPlace, "gcs_emulator"),
}
SERVED = [pytest.param(name, marks=pytest.mark.server) for name in PLACES if name != "file"]
EVERYWHERE = ["file", *SERVED]


def build(name: str, request: pytest.FixtureRequest) -> Place:
    environment = request.getfixturevalue("cloud_environment")
    environment.setenv("CLOUDTALLY_TEST_FOLDER", str(request.getfixturevalue("tmp_path")))
    kind, fixture = PLACES[name]
    return kind(request.getfixturevalue(fixture) if fixture else None, environment)


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest) -> Place:
    return build(request.param, request)


@pytest.fixture(params=SERVED)
def served(request: pytest.FixtureRequest) -> Place:
    return build(request.param, request)


def served_by(*names: str) -> list[Any]:
    return [param for param in SERVED if param.values[0] in names]


@pytest.fixture(params=served_by("moto", "rclone"))
def s3(request: pytest.FixtureRequest) -> Any:
    return build(request.param, request)


@pytest.fixture(params=served_by("rclone", "azurite"))
def guarded(request: pytest.FixtureRequest) -> Any:
    """A place that looks at credentials; the other emulators let everybody in."""
    return build(request.param, request)


def read(store: ObjectStore, info: ObjectInfo, offset: int = 0) -> bytes:
    with store.open(info, offset) as stream:
        return stream.read()


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(CloudtallyError) as caught:
        action()
    text = str(caught.value)
    for secret in (servers.SECRET_KEY, servers.AZURITE_KEY, "must-not-show", "leak"):
        assert secret not in text
    return caught.value.code.removeprefix("CT-STORE-")


def test_listing_stays_below_the_root(place: Place) -> None:
    inside = ["a-b/1.csv", "a/1.csv", "a/2.csv", "b.parquet", "c/d/e/f"]
    for key in inside:
        place.put(f"{ROOT}/{key}", key.encode())
    place.put(f"{ROOT}-2/other", b"not ours")
    place.put("top", b"not ours")
    store = place.open()
    found = list(store.list())
    assert [info.key for info in found] == inside
    assert [info.size for info in found] == [len(key) for key in inside]
    assert [info.key for info in store.list("a/")] == ["a/1.csv", "a/2.csv"]
    assert [info.key for info in store.list("a")] == inside[:3]
    assert list(store.list("nothing")) == []
    assert [info.key for info in place.open(f"{ROOT}/").list("b")] == ["b.parquet"]
    for info in found:
        assert info.modified is not None and info.modified.tzinfo is not None
        assert info.etag and '"' not in info.etag


def test_root_may_be_the_whole_bucket(place: Place) -> None:
    place.put("x/1", b"1")
    place.put("2", b"2")
    assert [info.key for info in place.open("").list()] == ["2", "x/1"]


def test_stat_and_listing_agree(place: Place) -> None:
    place.put(f"{ROOT}/k", b"hello")
    store = place.open()
    listed, seen = next(iter(store.list())), store.stat("k")
    assert (listed.key, listed.size, listed.etag) == (seen.key, seen.size, seen.etag)
    assert read(store, listed) == read(store, seen) == b"hello"
    assert read_bytes(store, "k") == b"hello"


@pytest.mark.parametrize("offset", [0, 1, 1_500_000, 2_999_999, 3_000_000])
def test_reading_from_an_offset(place: Place, offset: int) -> None:
    place.put(f"{ROOT}/k", BODY)
    store = place.open()
    assert read(store, store.stat("k"), offset) == BODY[offset:]


def test_empty_object(place: Place, tmp_path: Path) -> None:
    place.put(f"{ROOT}/empty", b"")
    store = place.open()
    info = next(iter(store.list()))
    assert (info.size, read(store, info)) == (0, b"")
    done = download_all(store, [(info, tmp_path / "t")])
    assert done[0].sha256 == hashlib.sha256(b"").hexdigest()


def test_bytes_arrive_as_stored_even_with_content_encoding(served: Place, tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n" * 1000)
    served.put(f"{ROOT}/k.csv.gz", packed, encoding="gzip")
    store = served.open()
    info = store.stat("k.csv.gz")
    assert info.size == len(packed)
    assert read(store, info) == packed
    assert read(store, info, 10) == packed[10:]
    assert download_all(store, [(info, tmp_path / "t")])[0].size == len(packed)


@pytest.mark.parametrize(
    "key",
    ["sp ace+plus.csv", "ü/ñ 漢字.parquet", "100%25 & more;x=1.csv", "q'uote(1)~!.csv", "=+,@"],
)
def test_odd_names_survive(place: Place, key: str) -> None:
    place.put(f"{ROOT}/{key}", key.encode())
    store = place.open()
    assert [info.key for info in store.list()] == [key]
    assert read(store, store.stat(key)) == key.encode()
    assert read(store, next(iter(store.list()))) == key.encode()


@pytest.mark.parametrize("offset", [0, 5, 10])
def test_replaced_after_listing(place: Place, offset: int) -> None:
    place.put(f"{ROOT}/k", b"A" * 10)
    store = place.open()
    listed = next(iter(store.list()))
    time.sleep(0.01)
    place.put(f"{ROOT}/k", b"B" * 10)
    assert code_of(lambda: read(store, listed, offset)) == "CHANGED"
    assert read(store, next(iter(store.list()))) == b"B" * 10


def test_removed_after_listing(place: Place) -> None:
    place.put(f"{ROOT}/k", b"A")
    store = place.open()
    listed = next(iter(store.list()))
    place.delete(f"{ROOT}/k")
    assert code_of(lambda: read(store, listed)) in {"NOTFOUND", "CHANGED"}
    assert code_of(lambda: store.stat("k")) == "NOTFOUND"


def test_missing_bucket(place: Place) -> None:
    store = place.open(bucket="no-such-bucket-here")
    assert code_of(lambda: list(store.list())) == "NOTFOUND"
    assert code_of(lambda: store.stat("k")) == "NOTFOUND"


@pytest.mark.parametrize("key", ["../escape", "a/../../escape", "..", "a/./b", "..\\x", "\0"])
def test_hostile_keys_never_reach_the_server(place: Place, key: str) -> None:
    place.put(f"{ROOT}/k", b"x")
    store = place.open()
    assert code_of(lambda: store.stat(key)) == "OUTSIDE"
    assert code_of(lambda: read(store, ObjectInfo(key, 1, "t", "1"))) == "OUTSIDE"
    assert code_of(lambda: read_bytes(store, key)) == "OUTSIDE"


@pytest.mark.parametrize("key", ["n" * 5000, "\x1b[31m\r\n", "?sig=leak", "/etc/passwd"])
def test_impossible_keys_are_an_error_of_ours(place: Place, key: str) -> None:
    place.put(f"{ROOT}/k", b"x")
    store = place.open()
    assert code_of(lambda: store.stat(key)) in {"NOTFOUND", "DENIED", "OUTSIDE"}


def test_download_in_parallel(place: Place, tmp_path: Path) -> None:
    for number in range(9):
        place.put(f"{ROOT}/part-{number}", BODY[: number * 300_001])
    store = place.open()
    jobs = [(info, tmp_path / "in" / info.key) for info in store.list()]
    done = download_all(store, jobs, workers=4)
    for number, item in enumerate(done):
        expected = BODY[: number * 300_001]
        assert item.path.read_bytes() == expected
        assert item.sha256 == hashlib.sha256(expected).hexdigest()


def test_wrong_credentials(guarded: Any) -> None:
    guarded.put(f"{ROOT}/k", b"x")
    info = guarded.open().stat("k")
    guarded.lose_credentials()
    store = guarded.open()
    assert code_of(lambda: list(store.list())) == "DENIED"
    assert code_of(lambda: store.stat("k")) == "DENIED"
    assert code_of(lambda: read(store, info)) == "DENIED"


def test_nobody_answers(served: Place) -> None:
    served.put(f"{ROOT}/k", b"x")
    info = served.open().stat("k")
    store = served.open(port=servers.free_port())
    assert code_of(lambda: read(store, info)) == "NETWORK"


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_project.stores.azure._PIECE_BYTES", 256 << 10)
    monkeypatch.setattr("dagster_project.stores.gcs._PIECE_BYTES", 256 << 10)
    monkeypatch.setattr(transfer_module, "_CHUNK_BYTES", 64 << 10)


def through(served: Place, proxy: FaultProxy) -> tuple[ObjectStore, ObjectInfo]:
    served.put(f"{ROOT}/k", BODY)
    info = next(iter(served.open().list()))
    return served.open(port=proxy.port), info


@pytest.mark.parametrize(
    "faults",
    [
        [Reset(700_000), Reset(900_000), Reset(400_000)],
        [Reset(0), Reset(50), Reset(10)],
        [Answer(503), Answer(503), Answer(500)],
        [Answer(429), Reset(1_000_000), Answer(503), Reset(200)],
    ],
    ids=["reset in the middle", "reset at once", "throttled", "mixed"],
)
@pytest.mark.usefixtures("small_pieces")
def test_a_bad_line_is_survived(served: Place, tmp_path: Path, faults: list[Any]) -> None:
    assert served.server is not None
    with FaultProxy(served.server.port) as proxy:
        store, info = through(served, proxy)
        proxy.faults = list(faults)
        gained: list[int] = []
        jobs = [(info, tmp_path / "t")]
        done = download_all(store, jobs, progress=gained.append, retry=QUICK)
    assert proxy.used == faults
    assert (tmp_path / "t").read_bytes() == BODY
    assert done[0].sha256 == hashlib.sha256(BODY).hexdigest()
    assert sum(gained) == len(BODY)
    assert [path.name for path in tmp_path.iterdir() if "t" in path.name[:1]] == ["t"]


@pytest.mark.usefixtures("small_pieces")
def test_bytes_that_arrived_are_not_fetched_twice(served: Place, tmp_path: Path) -> None:
    assert served.server is not None
    with FaultProxy(served.server.port) as proxy:
        store, info = through(served, proxy)
        proxy.faults = list(served.broken_off_midway)
        assert code_of(lambda: download_all(store, [(info, tmp_path / "t")], retry=QUICK)) == (
            "DENIED"
        )
        assert not (tmp_path / "t").exists()
        kept = (tmp_path / "t.part").stat().st_size
        assert 900_000 < kept <= 2_000_000
        gained: list[int] = []
        download_all(store, [(info, tmp_path / "t")], progress=gained.append, retry=QUICK)
    assert gained[0] == kept
    assert (tmp_path / "t").read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "code", "requests"), [(403, "DENIED", 1), (503, "THROTTLED", 5), (502, "NETWORK", 5)]
)
def test_how_often_a_refusal_is_tried(
    served: Place, tmp_path: Path, status: int, code: str, requests: int
) -> None:
    assert served.server is not None
    with FaultProxy(served.server.port) as proxy:
        store, info = through(served, proxy)
        proxy.faults = [Answer(status)] * 50
        assert code_of(lambda: download_all(store, [(info, tmp_path / "t")], retry=QUICK)) == code
    assert len(proxy.used) == requests


def test_listing_of_more_than_one_page(s3: Any) -> None:
    for number in range(1001):
        s3.put(f"{ROOT}/{number:05}", b"")
    assert [info.key for info in s3.open().list()] == [f"{number:05}" for number in range(1001)]


@pytest.mark.server
def test_folder_markers_are_no_objects(request: pytest.FixtureRequest) -> None:
    place = build("moto", request)
    for key in (f"{ROOT}/", f"{ROOT}/sub/", f"{ROOT}/sub/k"):
        place.put(key, b"")
    assert [info.key for info in place.open().list()] == ["sub/k"]


@pytest.mark.server
def test_azure_folders_are_no_objects(request: pytest.FixtureRequest) -> None:
    place = build("azurite", request)
    assert isinstance(place, AzurePlace)
    blob = place.service.get_blob_client(place.bucket, f"{ROOT}/sub")
    blob.upload_blob(b"", metadata={"hdi_isfolder": "true"})
    place.put(f"{ROOT}/sub/k", b"")
    assert [info.key for info in place.open().list()] == ["sub/k"]


@pytest.mark.server
def test_a_known_version_is_read_even_after_it_was_replaced(request: pytest.FixtureRequest) -> None:
    place = build("moto", request)
    assert isinstance(place, S3Place)
    place.client.put_bucket_versioning(
        Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    place.put(f"{ROOT}/k", b"old")
    store = place.open()
    old = store.stat("k")
    place.put(f"{ROOT}/k", b"new")
    assert old.version is not None
    assert (read(store, old), read(store, store.stat("k"))) == (b"old", b"new")
    place.client.delete_object(Bucket=place.bucket, Key=f"{ROOT}/k", VersionId=old.version)
    assert code_of(lambda: read(store, old)) in {"CHANGED", "NOTFOUND"}


@pytest.mark.server
def test_s3_keys_with_control_characters(request: pytest.FixtureRequest) -> None:
    place = build("moto", request)
    hostile = ["back\\slash", "tab\there", "/leading", "double//slash", "?q=1#f", "..a", "%2e%2e"]
    for key in hostile:
        place.put(f"{ROOT}/{key}", key.encode())
    store = place.open()
    assert sorted(info.key for info in store.list()) == sorted(hostile)
    for info in store.list():
        assert read(store, info) == info.key.encode()


@pytest.mark.server
def test_multipart_tag_is_no_obstacle(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = build("moto", request)
    assert isinstance(place, S3Place)
    body = BODY * 4
    (tmp_path / "up").write_bytes(body)
    place.client.upload_file(str(tmp_path / "up"), place.bucket, f"{ROOT}/k")
    store = place.open()
    info = next(iter(store.list()))
    assert info.etag.endswith("-2")
    assert download_all(store, [(info, tmp_path / "t")])[0].size == len(body)
    assert (tmp_path / "t").read_bytes() == body


def test_no_credentials_at_all(
    cloud_environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cloud_environment.delenv(name)
    closed = f"http://{servers.HOST}:{servers.free_port()}"
    store = open_store("s3://bucket/x", {"endpoint_url": closed})
    assert code_of(lambda: list(store.list())) == "DENIED"
    azure = open_store("az://container/x")
    assert code_of(lambda: list(azure.list())) == "SCHEME"


def test_connection_string_serves_only_its_own_account(
    cloud_environment: pytest.MonkeyPatch,
) -> None:
    from azure.identity import DefaultAzureCredential

    from dagster_project.stores.azure import AzureStore

    text = (
        f"DefaultEndpointsProtocol=https;AccountName=mine;AccountKey={servers.AZURITE_KEY};"
        "EndpointSuffix=core.windows.net"
    )
    cloud_environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    mine = AzureStore("az://c/x", {"account_url": "https://mine.blob.core.windows.net/"})
    other = AzureStore("az://c/x", {"account_url": "https://other.blob.core.windows.net"})
    assert not isinstance(mine._service().credential, DefaultAzureCredential)
    assert isinstance(other._service().credential, DefaultAzureCredential)


@pytest.mark.parametrize("required", [False, True])
def test_a_missing_server_is_never_silent(monkeypatch: pytest.MonkeyPatch, required: bool) -> None:
    monkeypatch.setenv("CLOUDTALLY_REQUIRE_SERVERS", "1" if required else "0")
    expected = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(expected, match="SERVER MISSING: no-such-server"):
        servers.tool("no-such-server")
