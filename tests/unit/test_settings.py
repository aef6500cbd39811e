"""The configuration file: whatever is wrong with it is one sentence."""

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.settings import load_settings

GOOD = """
home: ./warehouse
reporting_currency: EUR
sources:
  - {name: main, provider: aws, export: focus, location: "s3://bucket/prefix/focus"}
  - {name: plain, provider: snowpeak, export: focus, location: my files, authoritative: true}
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "cloudtally.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_good_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD))
    assert settings.home == tmp_path / "warehouse"
    assert settings.reporting_currency == "EUR"
    main, plain = settings.sources
    assert main.location == "s3://bucket/prefix/focus"
    assert plain.location == (tmp_path / "my files").as_uri()
    assert (main.room, plain.room) == ("aws", "generic")
    assert (main.authoritative, plain.authoritative) == (False, True)
    assert settings.source("plain") is plain


@pytest.mark.parametrize(
    ("provider", "export", "options", "expected"),
    [
        ("snowpeak", "carbon", "{}", ("sub_account", "region", "service")),
        ("snowpeak", "carbon", "{match: [resource, region]}", ("region", "resource")),
        ("snowpeak", "carbon", "{match: []}", ()),
        ("snowpeak", "focus", "{}", ()),
        ("aws", "carbon", "{}", ()),
    ],
)
def test_emissions_find_lines_by_what_is_configured(
    provider: str, export: str, options: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    text = f"home: h\nsources: [{{name: a, provider: {provider}, export: {export}, location: x,"
    (source,) = load_settings(written(tmp_path, f"{text} options: {options}}}]")).sources
    assert source.emission_keys == expected
    assert source.room == ("generic" if provider == "snowpeak" else "aws")


def test_a_pair_of_exports_has_two_places(tmp_path: Path) -> None:
    text = "home: h\nsources: [{name: a, provider: azure, export: cost-details, "
    both = load_settings(written(tmp_path, text + 'actual: "az://c/a", amortized: here}]'))
    half = load_settings(written(tmp_path, text + "amortized: here}]"))
    here = (tmp_path / "here").as_uri()
    assert both.sources[0].locations == {"actual": "az://c/a", "amortized": here}
    assert half.sources[0].locations == {"amortized": here}
    assert both.sources[0].kind == "cost_details"


def test_other_exports_have_one_place(tmp_path: Path) -> None:
    main, _ = load_settings(written(tmp_path, GOOD)).sources
    assert main.locations == {"": "s3://bucket/prefix/focus"}


def test_inputs_are_files_beside_the_configuration_or_in_a_store(tmp_path: Path) -> None:
    text = """
home: h
inputs:
  invoices: ./inputs/invoices.csv
  billing-periods: {location: "s3://bucket/finance/periods.parquet", options: {region: eu-west-1}}
"""
    periods, invoices = load_settings(written(tmp_path, text)).inputs
    assert invoices.location == (tmp_path / "inputs/invoices.csv").as_uri()
    assert (invoices.name, invoices.room, invoices.kind) == (
        "inputs.invoices",
        "inputs",
        "invoices",
    )
    assert periods.location == "s3://bucket/finance/periods.parquet"
    assert (periods.name, periods.kind) == ("inputs.billing-periods", "billing_periods")
    assert periods.options == {"region": "eu-west-1"}


def test_no_input_is_none(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "home: h")).inputs == ()


def test_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDTALLY_CONFIG", str(written(tmp_path, "home: h\nclock: 2026-04-10")))
    assert load_settings().today == dt.date(2026, 4, 10)


BAD = {
    "no yaml": ("home: [", "CT-CONFIG-YAML", ("line: 1",)),
    "no text": (b"\xff\xfe\x00", "CT-CONFIG-YAML", ()),
    "a list": ("- home", "CT-CONFIG-YAML", ("mapping",)),
    "nothing": ("", "CT-CONFIG-YAML", ("home:",)),
    "no home": ("sources: []", "CT-CONFIG-INVALID", ("home", "required")),
    "unknown key": ("home: h\nhoem: x", "CT-CONFIG-INVALID", ("hoem",)),
    "currency": ("home: h\nreporting_currency: euro", "CT-CONFIG-INVALID", ("reporting_currency",)),
    "sources no list": ("home: h\nsources: 5", "CT-CONFIG-INVALID", ("sources",)),
    "source no mapping": ("home: h\nsources: [5]", "CT-CONFIG-INVALID", ("sources.0",)),
    "unknown export": (
        "home: h\nsources: [{name: a, provider: aws, export: cur3, location: x}]",
        "CT-CONFIG-INVALID", ("'cur3'", "focus, cur2, cur, carbon"),
    ),
    "export of another": (
        "home: h\nsources: [{name: a, provider: onprem, export: carbon, location: x}]",
        "CT-CONFIG-INVALID", ("onprem", "carbon"),
    ),
    "match of nothing known": (
        "home: h\nsources: [{name: a, provider: snowpeak, export: carbon, location: x,"
        " options: {match: [team]}}]",
        "CT-CONFIG-INVALID", ("match", "sub_account, region, service, resource"),
    ),
    "match as a word": (
        "home: h\nsources: [{name: a, provider: snowpeak, export: carbon, location: x,"
        " options: {match: region}}]",
        "CT-CONFIG-INVALID", ("match", "a list"),
    ),
    "two matches of a provider": (
        "home: h\nsources:\n"
        "  - {name: a, provider: snowpeak, export: carbon, location: x}\n"
        "  - {name: b, provider: snowpeak, export: carbon, location: y, options: {match: []}}",
        "CT-CONFIG-INVALID", ("'snowpeak'", "the same `match:`"),
    ),
    "name that climbs": (
        "home: h\nsources: [{name: ../a, provider: aws, export: focus, location: x}]",
        "CT-CONFIG-INVALID", ("sources.0.name", "lower-case"),
    ),
    "provider in capitals": (
        "home: h\nsources: [{name: a, provider: AWS, export: focus, location: x}]",
        "CT-CONFIG-INVALID", ("sources.0.provider", "lower-case"),
    ),
    "no location": (
        "home: h\nsources: [{name: a, provider: aws, export: focus}]",
        "CT-CONFIG-INVALID", ("sources.0.location",),
    ),
    "a pair in one place": (
        "home: h\nsources: [{name: a, provider: azure, export: cost-details, location: x}]",
        "CT-CONFIG-INVALID", ("sources.0.location", "`actual:` and `amortized:`"),
    ),
    "a pair nowhere": (
        "home: h\nsources: [{name: a, provider: azure, export: cost-details}]",
        "CT-CONFIG-INVALID", ("`actual:` and `amortized:`",),
    ),
    "a pair where there is none": (
        "home: h\nsources: [{name: a, provider: azure, export: focus, location: x, actual: y}]",
        "CT-CONFIG-INVALID", ("'focus' is no pair",),
    ),
    "two of a name": (
        "home: h\nsources:\n"
        "  - {name: a, provider: aws, export: focus, location: x}\n"
        "  - {name: a, provider: gcp, export: focus, location: y}",
        "CT-CONFIG-INVALID", ("unique", "twice: a"),
    ),
    "inputs no mapping": ("home: h\ninputs: [a]", "CT-CONFIG-INVALID", ("inputs", "mapping")),
    "unknown input": (
        "home: h\ninputs: {invoice: a.csv}", "CT-CONFIG-INVALID", ("'invoice'", "invoices")
    ),
    "input without location": (
        "home: h\ninputs: {invoices: 5}", "CT-CONFIG-INVALID", ("invoices", "location")
    ),
    "input is a folder": (
        "home: h\ninputs: {invoices: ./inputs}", "CT-CONFIG-INVALID", ("one file", ".parquet")
    ),
    "input with another name": (
        "home: h\ninputs: {invoices: {location: a.csv, name: b}}",
        "CT-CONFIG-INVALID", ("invoices", "'name'"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_one_sentence(case: str, tmp_path: Path) -> None:
    text, code, words = BAD[case]
    path = written(tmp_path, text)
    with pytest.raises(CloudtallyError) as caught:
        load_settings(path)
    sentence = str(caught.value)
    assert caught.value.code == code
    assert caught.value.next_step
    for word in (str(path), *words):
        assert word in sentence
    assert "\n" not in sentence
    assert "pydantic" not in sentence


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CloudtallyError) as caught:
        load_settings(tmp_path / "none.yaml")
    assert caught.value.code == "CT-CONFIG-MISSING"
    assert "cloudtally demo" in str(caught.value)


def test_unknown_source_lists_the_known_ones(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD))
    with pytest.raises(CloudtallyError, match=r"'other'.*Configured: main, plain"):
        settings.source("other")
