"""Real object stores on loopback, and a proxy that breaks connections on purpose.

Each server listens on a free port of 127.0.0.1, keeps its data in a temporary folder or in memory,
and is stopped by its own process handle. A server that is not installed is skipped with a reason
that says how to get it; with CLOUDTALLY_REQUIRE_SERVERS=1 it is a failure.
"""

import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 120
ACCESS_KEY = "cloudtally-test-access-key"
SECRET_KEY = "cloudtally-test-secret-key"
# Published by Microsoft for its emulator and for nothing else.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def missing(name: str) -> NoReturn:
    """Say loudly that a server is not there."""
    reason = f"SERVER MISSING: {name} (run make test-all)"
    if os.environ.get("CLOUDTALLY_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def tool(name: str, *folders: Path, server: str = "") -> str:
    """Return the path of a server's program, beside this Python, in a folder or on PATH."""
    for folder in (Path(sys.executable).parent, *folders):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    return found if found else missing(server or name)


@contextmanager
def rclone_s3(folder: Path) -> Iterator[Server]:
    """`rclone serve s3`: verifies signatures; every folder is a bucket."""
    (folder / "data").mkdir(parents=True)
    command = [tool("rclone"), "serve", "s3", str(folder / "data")]
    command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--vfs-cache-mode", "off"]
    environment = {"RCLONE_CONFIG": str(folder / "rclone.conf")}
    with _running("rclone", command, folder, environment, "--addr", f"{HOST}:{{port}}") as server:
        yield server


@contextmanager
def moto_s3(folder: Path) -> Iterator[Server]:
    """`moto_server`: a mock, but with versions, conditions and AWS's multipart tags."""
    command = [tool("moto_server"), "-H", HOST]
    with _running("moto_server", command, folder, {}, "-p", "{port}") as server:
        yield server


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Microsoft's own emulator of Blob Storage; refuses a wrong key."""
    program = tool("azurite-blob", REPOSITORY / "node_modules" / ".bin", server="azurite")
    command = [program, "--blobHost", HOST]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    with _running("azurite", command, folder, {}, "--blobPort", "{port}") as server:
        yield server


@contextmanager
def gcs_emulator(folder: Path) -> Iterator[Server]:
    """`gcp-storage-emulator` in memory; knows generations, but no conditions and no sign-in."""
    command = [tool("gcp-storage-emulator"), "start", "--in-memory", "--quiet", "--host", HOST]
    with _running("gcp-storage-emulator", command, folder, {}, "--port", "{port}") as server:
        yield server


@contextmanager
def _running(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], *port: str
) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(name, free_port())
    arguments = [*command, *(part.format(port=server.port) for part in port)]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_up(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection((HOST, server.port), timeout=1):
            return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:]
    pytest.fail(f"{server.name} did not start (exit code {process.poll()}):\n{said}")


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Reset:
    """Break the connection, not politely, after so many bytes of the answer.

    The client may lose bytes that had arrived but were not read.
    """

    after: int


@dataclass(frozen=True)
class Cut:
    """End the connection politely, but too early: the client reads all bytes up to there."""

    after: int


@dataclass(frozen=True)
class Pass:
    """Let this connection through."""


@dataclass(frozen=True)
class Answer:
    """Answer the first request with a status instead of passing it on."""

    status: int


Fault = Reset | Cut | Answer | Pass


@dataclass
class FaultProxy:
    """A TCP proxy in front of a server; each new connection uses up one armed fault."""

    upstream: int
    port: int = 0
    faults: "list[Fault]" = field(default_factory=list)
    used: "list[Fault]" = field(default_factory=list)

    def __enter__(self) -> "FaultProxy":
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fault = self.faults.pop(0) if self.faults else Pass()
            if not isinstance(fault, Pass):
                self.used.append(fault)
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client: socket.socket, fault: Fault) -> None:
        if isinstance(fault, Answer):
            _answer(client, fault.status)
            return
        with suppress(OSError), client, socket.create_connection((HOST, self.upstream)) as server:
            _relay(client, server, fault)


def _relay(client: socket.socket, server: socket.socket, fault: Fault) -> None:
    """Copy bytes both ways until one side ends or the fault's number of bytes was answered.

    One thread for both ways: a close while another thread reads the socket would send no reset.
    """
    limit = fault.after if isinstance(fault, Reset | Cut) else None
    sent = 0
    while True:
        for source in select.select([client, server], [], [])[0]:
            data = source.recv(16_384)
            if not data:
                return
            if source is client:
                server.sendall(data)
                continue
            client.sendall(data if limit is None else data[: limit - sent])
            sent += len(data)
            if limit is not None and sent >= limit:
                if isinstance(fault, Reset):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return


def _answer(client: socket.socket, status: int) -> None:
    body = b"<?xml version='1.0'?><Error><Code>OnPurpose</Code><Message>sig=leak</Message></Error>"
    head = (
        f"HTTP/1.1 {status} On Purpose\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError), client:
        request = b""
        while b"\r\n\r\n" not in request and (data := client.recv(16_384)):
            request += data
        client.sendall(head.encode() + body)
