"""The configuration file as one typed object.

Belongs here: reading and checking `cloudtally.yaml`. No defaults that depend on an environment:
an unknown key or provider is an error, never a guess.
"""

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dagster_project.errors import CloudtallyError
from dagster_project.paths import Home

CONFIG_VARIABLE = "CLOUDTALLY_CONFIG"
DEFAULT_CONFIG = "cloudtally.yaml"

EXPORT_KINDS: dict[str, tuple[str, ...]] = {
    "aws": ("focus", "carbon"),
    "azure": ("focus", "carbon"),
    "gcp": ("focus", "billing-detailed", "carbon"),
    "onprem": ("focus",),
}
ANY_PROVIDER_KINDS = ("focus",)

_WORD = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
_HAS_SCHEME = re.compile(r"^[a-z0-9]+:")


class SourceConfig(BaseModel):
    """One configured export of one billing scope.

    Attributes:
        name: Unique word; becomes a folder and an asset name.
        provider: `aws`, `azure`, `gcp`, `onprem` or any other word.
        export: Kind of export, see `EXPORT_KINDS`.
        location: `s3://`, `az://`, `gs://`, `file://`, `bigquery://`, `api:` or a path beside the
            config file.
        options: Passed to the object store and the export reader.
        authoritative: Counts where another source holds the same accounts and months.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    provider: str
    export: str
    location: str
    options: dict[str, Any] = Field(default_factory=dict)
    authoritative: bool = False

    @field_validator("name", "provider")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if not _WORD.match(value):
            raise ValueError("use lower-case letters, digits, '-' and '_' only")
        return value

    @model_validator(mode="after")
    def _export_is_known(self) -> "SourceConfig":
        kinds = EXPORT_KINDS.get(self.provider, ANY_PROVIDER_KINDS)
        if self.export not in kinds:
            raise ValueError(
                f"provider {self.provider!r} has no export {self.export!r}; "
                f"this version reads: {', '.join(kinds)}"
            )
        return self

    @property
    def room(self) -> str:
        """Folder of exports and models that reads this source: the provider, or `generic`."""
        return self.provider if self.provider in EXPORT_KINDS else "generic"

    @property
    def kind(self) -> str:
        """The export as a name of modules and models: `cost-details` is `cost_details`."""
        return self.export.replace("-", "_")

    @property
    def is_emissions(self) -> bool:
        """Whether the months of this source are usage months of emissions."""
        return self.export == "carbon"


class Settings(BaseModel):
    """Everything a run needs to know.

    Attributes:
        home: Folder of landing, ledger, warehouse and published marts.
        reporting_currency: ISO 4217 code for marts that convert.
        rules: File of virtual tag rules; the packaged defaults when absent.
        clock: Day by which lateness and period states are judged; today when absent.
        sources: Configured exports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    reporting_currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    rules: Path | None = None
    clock: dt.date | None = None
    sources: tuple[SourceConfig, ...] = ()
    config_path: Path | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        names = [source.name for source in self.sources]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"source names must be unique; twice: {', '.join(doubled)}")
        return self

    @property
    def layout(self) -> Home:
        """Folders of this home."""
        return Home(self.home)

    @property
    def today(self) -> dt.date:
        """The day by which lateness is judged."""
        return self.clock or dt.datetime.now(dt.UTC).date()

    def source(self, name: str) -> SourceConfig:
        """Return the source with that name.

        Raises:
            CloudtallyError: CT-CONFIG-SOURCE when there is none.
        """
        for source in self.sources:
            if source.name == name:
                return source
        raise CloudtallyError(
            "CT-CONFIG-SOURCE",
            f"There is no source named {name!r}.",
            where={"config": self.config_path},
            next_step=f"Configured: {', '.join(s.name for s in self.sources) or 'none'}.",
        )


def load_settings(path: Path | None = None) -> Settings:
    """Read a configuration file; relative paths are relative to its folder.

    Raises:
        CloudtallyError: CT-CONFIG-MISSING, CT-CONFIG-YAML or CT-CONFIG-INVALID.
    """
    path = (path or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))).resolve()
    raw = _read_yaml(path)
    raw = _resolve_paths(raw, path.parent)
    try:
        return Settings(**raw, config_path=path)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise CloudtallyError(
            "CT-CONFIG-INVALID",
            f"The configuration is not valid: {problems}.",
            where={"config": path},
            kept="nothing was started.",
            next_step="Correct the named keys; README.md shows a full example.",
        ) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CloudtallyError(
            "CT-CONFIG-MISSING",
            "There is no configuration file.",
            where={"config": path},
            next_step="Run `cloudtally demo`, or pass --config FILE.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise CloudtallyError(
            "CT-CONFIG-YAML",
            "The configuration file is not readable YAML.",
            where={"config": path, "line": mark.line + 1 if mark else None},
            next_step="Correct the file's syntax.",
        ) from None
    if not isinstance(raw, dict):
        raise CloudtallyError(
            "CT-CONFIG-YAML",
            "The configuration file must be a mapping of keys.",
            where={"config": path},
            next_step="Start with `home:` and `sources:`.",
        )
    return raw


def _resolve_paths(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    resolved = dict(raw)
    for key in ("home", "rules"):
        if isinstance(resolved.get(key), str):
            resolved[key] = folder / resolved[key]
    sources = resolved.get("sources")
    if isinstance(sources, list):
        resolved["sources"] = [
            {**source, "location": _resolve_location(source["location"], folder)}
            if isinstance(source, dict) and isinstance(source.get("location"), str)
            else source
            for source in sources
        ]
    return resolved


def _resolve_location(location: str, folder: Path) -> str:
    if _HAS_SCHEME.match(location):
        return location
    return (folder / location).resolve().as_uri()
