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
    """Hard-link a finished file; copy it where the file system can't link."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
