"""Files that must survive: flushed to the disk, linked instead of copied, folders left tidy."""

import os
import shutil
from pathlib import Path


def sync_folder(folder: Path, *, files: bool = True) -> None:
    """Flush a folder, and its files, to the disk."""
    paths = [*folder.iterdir(), folder] if files else [folder]
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a finished file; copy it, times and all, where the file system can't link."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths name one finished file, linked or copied by `link_or_copy`."""
    try:
        first, second = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
