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
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dagster_project.errors import CloudtallyError
from dagster_project.paths import Home

CONFIG_VARIABLE = "CLOUDTALLY_CONFIG"
DEFAULT_CONFIG = "cloudtally.yaml"

EXPORT_KINDS: dict[str, tuple[str, ...]] = {
    "aws": ("focus", "cur2", "cur", "carbon"),
    "azure": ("focus", "cost-details", "carbon"),
    "gcp": ("focus", "billing-detailed", "carbon"),
    "onprem": ("focus", "inventory"),
}
ANY_PROVIDER_KINDS = ("focus", "carbon")
EMISSION_KEYS = ("sub_account", "region", "service", "resource")
"""By what beside the billing account reported emissions may find charge lines, coarse to fine."""
USUAL_EMISSION_KEYS = EMISSION_KEYS[:3]
PAIRED_KINDS = ("cost-details",)
"""Exports that the provider writes twice: as actual and as amortised cost."""

_PLACES = ("location", "actual", "amortized")
INPUT_KINDS = (
    "billing-periods",
    "budgets",
    "carbon-prices",
    "contract-commitments",
    "fx-rates",
    "invoices",
    "ledger-postings",
)
INPUT_SUFFIXES = (".csv", ".csv.gz", ".parquet")
INPUTS = "inputs"

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
        actual: Where the export of actual cost is, of a kind that has one; in place of a location.
        amortized: Where the export of amortised cost is; may be the same place.
        options: Passed to the object store and the export reader.
        authoritative: Counts where another source holds the same accounts and months.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    provider: str
    export: str
    location: str = Field(default="", validate_default=True)
    actual: str = ""
    amortized: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    authoritative: bool = False

    @field_validator("name", "provider")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if not _WORD.match(value):
            raise ValueError("use lower-case letters, digits, '-' and '_' only")
        return value

    @field_validator("location")
    @classmethod
    def _is_where_one_belongs(cls, value: str, info: ValidationInfo) -> str:
        is_paired = info.data.get("export") in PAIRED_KINDS
        if is_paired and value:
            raise ValueError("write `actual:` and `amortized:`: this kind is a pair of exports")
        if not is_paired and not value:
            raise ValueError("say where the export is")
        return value

    @model_validator(mode="after")
    def _pair_is_where_one_belongs(self) -> "SourceConfig":
        has_one = bool(self.actual or self.amortized)
        if has_one and self.export not in PAIRED_KINDS:
            raise ValueError(f"export {self.export!r} is no pair; write `location:`")
        if not has_one and self.export in PAIRED_KINDS:
            raise ValueError("write `actual:` and `amortized:`, where the two exports are")
        return self

    @model_validator(mode="after")
    def _export_is_known(self) -> "SourceConfig":
        kinds = EXPORT_KINDS.get(self.provider, ANY_PROVIDER_KINDS)
        if self.export not in kinds:
            raise ValueError(
                f"provider {self.provider!r} has no export {self.export!r}; "
                f"this version reads: {', '.join(kinds)}"
            )
        return self

    @model_validator(mode="after")
    def _match_is_known(self) -> "SourceConfig":
        stated = self.options.get("match", ())
        if self.states_match and not _are_emission_keys(stated):
            raise ValueError(f"write `match:` as a list of these words: {', '.join(EMISSION_KEYS)}")
        return self

    @property
    def locations(self) -> dict[str, str]:
        """Places of the source by name; the name is empty where there is one place."""
        named = {"": self.location, "actual": self.actual, "amortized": self.amortized}
        return {name: place for name, place in named.items() if place}

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

    @property
    def states_match(self) -> bool:
        """Whether option `match` says by what the source's emissions find charge lines."""
        return self.is_emissions and self.room == "generic"

    @property
    def emission_keys(self) -> tuple[str, ...]:
        """By what beside the billing account they do, coarse to fine; empty elsewhere."""
        if not self.states_match:
            return ()
        stated = self.options.get("match", USUAL_EMISSION_KEYS)
        return tuple(key for key in EMISSION_KEYS if key in stated)


class InputConfig(SourceConfig):
    """One file that the company itself supplies, such as its invoices.

    It takes the way of a source. The dot keeps its name apart from any configured one, which has
    none.
    """

    @field_validator("name", "provider")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        return value

    @model_validator(mode="after")
    def _export_is_known(self) -> "InputConfig":
        if self.export not in INPUT_KINDS:
            known = ", ".join(INPUT_KINDS)
            raise ValueError(f"there is no input {self.export!r}; this version reads: {known}")
        if not self.location.lower().endswith(INPUT_SUFFIXES):
            raise ValueError(f"name one file that ends in {', '.join(INPUT_SUFFIXES)}")
        return self

    @property
    def room(self) -> str:
        """Folder of decoded inputs."""
        return INPUTS


class Settings(BaseModel):
    """Everything a run needs to know.

    Attributes:
        home: Folder of landing, ledger, warehouse and published marts.
        reporting_currency: ISO 4217 code for marts that convert.
        rules: File of virtual tag rules; the packaged defaults when absent.
        chargeback: File of shared costs and their drivers; nothing is shared when absent.
        ledger_accounts: File of ledger accounts, in the file `ledger-accounts:`; a packaged one
            that maps little when absent.
        clock: Day by which lateness and period states are judged; today when absent.
        sources: Configured exports.
        inputs: Files of the company itself, by name in the file: a location, or a mapping of
            `location` and `options`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    reporting_currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    rules: Path | None = None
    chargeback: Path | None = None
    ledger_accounts: Path | None = Field(default=None, validation_alias="ledger-accounts")
    clock: dt.date | None = None
    sources: tuple[SourceConfig, ...] = ()
    inputs: tuple[InputConfig, ...] = ()
    config_path: Path | None = None

    @field_validator("inputs", mode="before")
    @classmethod
    def _inputs_are_a_mapping(cls, value: Any) -> Any:
        if isinstance(value, tuple):
            return value
        if not isinstance(value, dict):
            raise ValueError("write a mapping, such as {invoices: ./inputs/invoices.csv}")
        return tuple(_input(str(kind), stated) for kind, stated in sorted(value.items()))

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        names = [source.name for source in self.sources]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"source names must be unique; twice: {', '.join(doubled)}")
        return self

    @model_validator(mode="after")
    def _matches_agree(self) -> "Settings":
        keys: dict[str, tuple[str, ...]] = {}
        for source in self.sources:
            if source.states_match and keys.setdefault(source.provider, source.emission_keys) != (
                source.emission_keys
            ):
                raise ValueError(
                    f"the carbon sources of provider {source.provider!r} must have the same "
                    "`match:`, since they share its charge lines"
                )
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


def _are_emission_keys(stated: Any) -> bool:
    return isinstance(stated, list | tuple) and all(key in EMISSION_KEYS for key in stated)


def _input(kind: str, stated: Any) -> dict[str, Any]:
    stated = {"location": stated} if isinstance(stated, str) else stated
    if not isinstance(stated, dict):
        raise ValueError(f"{kind}: write a location, or a mapping of location and options")
    fixed = {"name": f"{INPUTS}.{kind}", "provider": INPUTS, "export": kind}
    clash = sorted(set(stated) - {"location", "options"})
    if clash:
        raise ValueError(f"{kind}: unknown key {clash[0]!r}; an input has location and options")
    return {**stated, **fixed}


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
    for key in ("home", "rules", "chargeback", "ledger-accounts"):
        if isinstance(resolved.get(key), str):
            resolved[key] = folder / resolved[key]
    sources = resolved.get("sources")
    if isinstance(sources, list):
        resolved["sources"] = [
            _resolve_source(source, folder) if isinstance(source, dict) else source
            for source in sources
        ]
    inputs = resolved.get(INPUTS)
    if isinstance(inputs, dict):
        resolved[INPUTS] = {kind: _resolve_input(stated, folder) for kind, stated in inputs.items()}
    return resolved


def _resolve_source(source: dict[str, Any], folder: Path) -> dict[str, Any]:
    places = {key: source[key] for key in _PLACES if isinstance(source.get(key), str)}
    found = {key: _resolve_location(place, folder) for key, place in places.items() if place}
    return {**source, **found}


def _resolve_input(stated: Any, folder: Path) -> Any:
    if isinstance(stated, str):
        return _resolve_location(stated, folder)
    if isinstance(stated, dict) and isinstance(stated.get("location"), str):
        return {**stated, "location": _resolve_location(stated["location"], folder)}
    return stated


def _resolve_location(location: str, folder: Path) -> str:
    if _HAS_SCHEME.match(location):
        return location
    return (folder / location).resolve().as_uri()
