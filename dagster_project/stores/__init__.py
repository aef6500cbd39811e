"""Object stores behind one small interface; which SDK is loaded depends on the location alone."""

import re
from importlib import import_module

from dagster_project.errors import CloudtallyError, install_advice
from dagster_project.stores.base import (
    EXTRA,
    SCHEME,
    ObjectInfo,
    ObjectStore,
    Options,
    fault,
)
from dagster_project.stores.retry import RetryPolicy
from dagster_project.stores.transfer import Downloaded, download_all, read_bytes

__all__ = [
    "Downloaded",
    "ObjectInfo",
    "ObjectStore",
    "RetryPolicy",
    "download_all",
    "open_store",
    "read_bytes",
]

# scheme -> module, class, extra of the package that brings the SDK
_KINDS = {
    "file": ("local", "LocalStore", ""),
    "s3": ("s3", "S3Store", ""),
    "az": ("azure", "AzureStore", "azure"),
    "gs": ("gcs", "GcsStore", "gcp"),
}


def open_store(location: str, options: Options | None = None) -> ObjectStore:
    """Return the store for a location; nothing is asked of the network yet.

    Args:
        location: A plain path, `file:///folder`, `s3://bucket/prefix`, `az://container/prefix` or
            `gs://bucket/prefix`.
        options: What the store's module documents; anything else is ignored.

    Raises:
        CloudtallyError: CT-STORE-SCHEME when the location can't be understood or carries a
            credential, CT-STORE-EXTRA when the SDK for it is not installed.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", location)
    scheme = match[1].lower() if match else "file"
    if scheme not in _KINDS:
        raise fault(
            SCHEME,
            "No store is known for such a location.",
            location=location,
            next_step="Use a folder, file://, s3://, az:// or gs://.",
        )
    module_name, class_name, extra = _KINDS[scheme]
    try:
        module = import_module(f"{__name__}.{module_name}")
    except ModuleNotFoundError as error:
        raise _missing_sdk(location, extra, error) from None
    store: ObjectStore = getattr(module, class_name)(location, dict(options or {}))
    return store


def _missing_sdk(location: str, extra: str, error: ModuleNotFoundError) -> CloudtallyError:
    return fault(
        EXTRA,
        f"The module {error.name} that reads this kind of location is not installed.",
        location=location,
        next_step=install_advice(extra),
    )
