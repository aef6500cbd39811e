"""Files written the same way every time: no clock, no random id, no host in them.

Belongs here: gzip CSV, JSON, and modification times taken from the book.
"""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

_NAMESPACE = uuid.UUID("6a0f5a52-7d3a-5c0e-9d5e-0b7f2c5f7a11")


def stable_id(*parts: object) -> str:
    """Return a UUID that depends on the parts only."""
    return str(uuid.uuid5(_NAMESPACE, "|".join(str(part) for part in parts)))


@contextmanager
def open_gzip_text(path: Path) -> Iterator[TextIO]:
    """Open a gzip text file for writing, without a name or a time in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        yield text


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a plain UTF-8 text file for writing with Unix line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as text:
        yield text


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a CSV file, packed when its name ends in `.gz`; return the number of rows."""
    count = 0
    with (open_gzip_text if path.suffix == ".gz" else open_text)(path) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def write_json(path: Path, content: Any) -> None:
    """Write a JSON document."""
    with open_text(path) as text:
        json.dump(content, text, indent=2)
        text.write("\n")


def stamp(paths: Iterable[Path], moment: dt.datetime) -> None:
    """Set the modification time of files to the moment the provider would have written them."""
    seconds = moment.replace(tzinfo=dt.UTC).timestamp()
    for path in paths:
        os.utime(path, (seconds, seconds))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def iso(moment: dt.datetime) -> str:
    """Return a UTC moment as `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
