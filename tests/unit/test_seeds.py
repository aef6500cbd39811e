"""The reference tables hold together without a warehouse: keys, parents, ranges, provenance."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds"
DOCS = ROOT / "dbt" / "models" / "docs"
FACT = ROOT / "dbt" / "models" / "marts" / "core" / "_fct_cost_and_carbon.yml"
PROVIDERS = {"aws", "azure", "gcp"}
VERSIONS = ("v1_0", "v1_1", "v1_2", "v1_3", "v1_4")

KEYS = {
    "focus/focus_columns.csv": ("column_name",),
    "focus/focus_allowed_values.csv": ("column_name", "value"),
    "focus/focus_dataset_columns.csv": ("dataset", "column_name"),
    "focus/focus_dataset_values.csv": ("dataset", "column_name", "value"),
    "focus/focus_service_subcategories.csv": ("service_subcategory",),
    "focus/currencies.csv": ("code",),
    "maps/service_map.csv": ("provider", "service_code"),
    "maps/unit_map.csv": ("provider", "native_unit"),
    "maps/region_map.csv": ("provider", "region_id"),
    "maps/region_alias.csv": ("provider", "alias"),
    "maps/azure_unit_map.csv": ("unit_of_measure",),
    "maps/provider_tag_prefixes.csv": ("provider", "prefix"),
    "maps/invoice_habits.csv": ("provider",),
    "carbon/carbon_factor_sets.csv": ("set_number",),
    "carbon/carbon_factors.csv": ("factor_id", "first_set"),
    "carbon/carbon_machines.csv": ("provider", "machine_type", "first_set"),
    "carbon/carbon_usage_rules.csv": ("rule_id",),
    "carbon/carbon_usage_units.csv": ("unit",),
    "carbon/carbon_inventory_rules.csv": ("hosting", "measure"),
    "carbon/carbon_equivalences.csv": ("equivalence",),
    "maps/emission_basis.csv": ("provider", "service_bucket"),
    "maps/kubernetes_keys.csv": (
        "provider",
        "meaning",
        "found_in",
        "key",
        "priority",
    ),
    "maps/kubernetes_namespaces.csv": ("namespace",),
}

SERVICE_ID = r"[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}"

# What a young company typically buys, as its exports spell it.
STARTUP_SERVICES = {
    "aws": (
        "Amazon Elastic Compute Cloud",
        "AmazonEC2",
        "Amazon Simple Storage Service",
        "Amazon Relational Database Service",
        "Amazon DynamoDB",
        "Amazon ElastiCache",
        "AWS Lambda",
        "Amazon CloudFront",
        "Amazon Elastic Kubernetes Service",
        "Amazon Elastic Container Service for Kubernetes",
        "Amazon Elastic Container Service",
        "Amazon EC2 Container Registry (ECR)",
        "AmazonCloudWatch",
        "Amazon Virtual Private Cloud",
        "Elastic Load Balancing",
        "Amazon Route 53",
        "Amazon API Gateway",
        "Amazon Simple Queue Service",
        "Amazon Simple Notification Service",
        "AWS Key Management Service",
        "AWS Secrets Manager",
        "Amazon SageMaker",
        "Amazon Bedrock",
        "AWS Support (Business)",
        "AWS Marketplace",
    ),
    "azure": (
        "Virtual Machines",
        "Virtual Machine Scale Sets",
        "Storage Accounts",
        "SQL Database",
        "Azure SQL Database",
        "Azure Kubernetes Service",
        "Azure App Service",
        "Functions",
        "Cosmos DB",
        "Azure DB for PostgreSQL",
        "Azure Monitor",
        "Virtual Network",
        "Load Balancer",
        "Bandwidth",
        "Key Vault",
        "Azure OpenAI",
        "Azure Machine Learning",
        "Azure Container Registry",
        "Microsoft Defender for Cloud",
    ),
    "gcp": (
        "Compute Engine",
        "Kubernetes Engine",
        "Cloud Run",
        "Cloud Run Functions",
        "Cloud Functions",
        "Cloud Storage",
        "Cloud SQL",
        "BigQuery",
        "Vertex AI",
        "Cloud Pub/Sub",
        "Networking",
        "Cloud Logging",
        "Cloud Monitoring",
        "Artifact Registry",
        "Secret Manager",
        "Support",
    ),
}


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, strict=True))


def fact_columns() -> list[dict[str, Any]]:
    properties = yaml.safe_load(FACT.read_text(encoding="utf-8"))
    return list(properties["models"][0]["columns"])


def parents() -> dict[str, str]:
    table = rows("focus/focus_service_subcategories.csv")
    return {row["service_subcategory"]: row["service_category"] for row in table}


@pytest.mark.parametrize("name", KEYS)
def test_every_file_is_square_trimmed_and_has_a_unique_key(name: str) -> None:
    table = rows(name)
    assert table
    for row in table:
        assert None not in row
        assert all(value is not None and value == value.strip() for value in row.values()), row
        assert all(value.lower() not in {"null", "nan", "n/a"} for value in row.values()), row
    keys = Counter(tuple(row[part].lower() for part in KEYS[name]) for row in table)
    assert [key for key, count in keys.items() if count > 1] == []
    assert all(all(key) for key in keys)


@pytest.mark.parametrize(
    "name",
    [
        "maps/service_map.csv",
        "maps/unit_map.csv",
        "maps/region_map.csv",
        "maps/azure_unit_map.csv",
        "maps/provider_tag_prefixes.csv",
        "maps/kubernetes_keys.csv",
        "maps/kubernetes_namespaces.csv",
        "carbon/carbon_inventory_rules.csv",
        "carbon/carbon_equivalences.csv",
    ],
)
def test_every_row_says_where_it_comes_from(name: str) -> None:
    for row in rows(name):
        assert row["source"] and row["licence"], row
        assert 2019 <= int(row["year"]) <= 2100


def test_every_seed_has_its_columns_declared_and_a_line_in_the_readme() -> None:
    declared = {
        seed["name"]: [column["name"] for column in seed["columns"]]
        for seed in yaml.safe_load((SEEDS / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    }
    readme = (SEEDS / "README.md").read_text(encoding="utf-8")
    for name in KEYS:
        assert declared[Path(name).stem] == list(rows(name)[0])
        assert f"`{name}`" in readme


def test_an_equivalence_is_a_whole_number_of_milligrams() -> None:
    for row in rows("carbon/carbon_equivalences.csv"):
        milligrams = Decimal(row["kg_per_unit"]) * 1_000_000
        assert milligrams == milligrams.to_integral_value() and 0 < milligrams < 10**12, row
        assert row["boundary"] and row["unit"], row


def test_focus_has_67_columns_and_the_count_of_each_version() -> None:
    table = rows("focus/focus_columns.csv")
    assert len(table) == 67
    assert [row["column_name"] for row in table] == sorted(row["column_name"] for row in table)
    assert [sum(bool(row[v]) for row in table) for v in VERSIONS] == [43, 50, 57, 65, 65]
    assert sum(any(row[v] for v in VERSIONS[2:]) for row in table) == 67
    for row in table:
        for version in VERSIONS:
            assert row[version] in {"M", "C", "R", ""}
            expected = {"true", "false"} if row[version] else {""}
            assert row[f"{version}_nullable"] in expected


def test_only_decimals_are_measures() -> None:
    for row in rows("focus/focus_columns.csv"):
        assert (row["additivity"] == "none") == (row["kind"] != "decimal"), row["column_name"]


def test_allowed_values_belong_to_text_columns_that_exist_in_their_version() -> None:
    columns = {row["column_name"]: row for row in rows("focus/focus_columns.csv")}
    for row in rows("focus/focus_allowed_values.csv"):
        column = columns[row["column_name"]]
        assert column["kind"] == "text"
        assert column["v" + row["since_version"].replace(".", "_")]


def test_82_subcategories_have_the_allowed_parents_and_values() -> None:
    allowed = defaultdict(set)
    for row in rows("focus/focus_allowed_values.csv"):
        allowed[row["column_name"]].add(row["value"])
    assert len(parents()) == 82
    assert set(parents()) == allowed["ServiceSubcategory"]
    assert set(parents().values()) == allowed["ServiceCategory"]
    assert len(allowed["ServiceCategory"]) == 19


def test_currencies_are_iso_codes_with_their_subunit() -> None:
    table = {row["code"]: row for row in rows("focus/currencies.csv")}
    assert all(re.fullmatch("[A-Z]{3}", code) for code in table)
    for row in table.values():
        assert bool(row["minor_digits"]) == bool(row["subunit"])
        if row["subunit"]:
            assert Decimal(row["subunit"]) == Decimal(1).scaleb(-int(row["minor_digits"]))
    known = {"USD": "0.01", "EUR": "0.01", "JPY": "1", "KWD": "0.001", "CLF": "0.0001", "XAU": ""}
    assert {code: table[code]["subunit"] for code in known} == known


def test_services_fit_their_parent_and_one_name_has_one_category() -> None:
    by_name = defaultdict(set)
    for row in rows("maps/service_map.csv"):
        assert row["provider"] in PROVIDERS | {"onprem"}
        assert parents()[row["service_subcategory"]] == row["service_category"], row
        by_name[row["provider"], row["service_name"].lower()].add(
            (row["service_name"], row["service_subcategory"])
        )
    assert {name: found for name, found in by_name.items() if len(found) > 1} == {}


def test_every_service_name_is_its_own_spelling() -> None:
    table = rows("maps/service_map.csv")
    codes = {(row["provider"], row["service_code"].lower()) for row in table}
    assert {(row["provider"], row["service_name"].lower()) for row in table} <= codes


@pytest.mark.parametrize("provider", sorted(STARTUP_SERVICES))
def test_what_a_startup_buys_is_mapped(provider: str) -> None:
    known = {
        row["service_code"].lower()
        for row in rows("maps/service_map.csv")
        if row["provider"] == provider
    }
    assert [name for name in STARTUP_SERVICES[provider] if name.lower() not in known] == []


def test_carbon_buckets_are_the_names_of_the_emissions_exports() -> None:
    for row in rows("maps/service_map.csv"):
        bucket = row["carbon_service_bucket"]
        if row["provider"] == "aws":
            assert bucket in {"AmazonEC2", "AmazonS3", "AmazonCloudFront", "Other", ""}
        elif row["provider"] == "gcp":
            is_id = re.fullmatch(SERVICE_ID, row["service_code"])
            assert bucket in {row["service_name" if is_id else "service_code"], ""}, row
        else:
            assert bucket == ""
        if row["service_subcategory"] == "Support":
            assert bucket == "", "no provider reports emissions of its support desk"


# The FOCUS unit format: sizes and times as its lists abbreviate them, counted things capitalised.
SIZE = r"(?:[KMGTPE]i?[bB]|b|B)(?:ps)?"
COUNTED = r"[A-Z][A-Za-z]*(?:[ -][A-Z][A-Za-z]*)*|vCPU|IOs"
TIME = "Year|Month|Day|Hour|Minute|Second"
UNIT = re.compile(rf"(?:[1-9][0-9]* )?(?:{SIZE}|{COUNTED})(?:-(?:{TIME})s|/(?:{TIME}))?")


def test_units_are_in_the_focus_format_and_the_usual_ones_are_known() -> None:
    table = rows("maps/unit_map.csv")
    assert [row for row in table if not UNIT.fullmatch(row["focus_unit"])] == []
    known = {(row["provider"], row["native_unit"].lower()): row["focus_unit"] for row in table}
    assert known["aws", "hrs"] == known["gcp", "hour"] == "Hours"
    assert known["aws", "gb-mo"] == "GB-Months"
    assert known["aws", "lambda-gb-second"] == "GB-Seconds"
    assert known["gcp", "gibibyte month"] == "GiB-Months"
    assert known["gcp", "byte-seconds"] == "B-Seconds"


@pytest.mark.parametrize("unit", ["gigabyte-seconds", "GB-month", "hours", "GB per Hour"])
def test_a_unit_in_another_spelling_is_found(unit: str) -> None:
    assert not UNIT.fullmatch(unit)


def test_region_codes_and_coordinates_are_in_range() -> None:
    for row in rows("maps/region_map.csv"):
        assert row["provider"] in PROVIDERS
        assert row["region_id"] == row["region_id"].lower()
        assert bool(row["country_code"]) == bool(row["country_name"])
        if row["country_code"]:
            assert re.fullmatch("[A-Z]{2}", row["country_code"])
            assert row["continent"]
        if row["grid_zone"]:
            assert row["grid_zone"].split("-")[0] == row["country_code"], row
        assert bool(row["latitude"]) == bool(row["longitude"])
        if row["latitude"]:
            latitude, longitude = float(row["latitude"]), float(row["longitude"])
            assert -90 <= latitude <= 90
            assert -180 <= longitude <= 180
            assert (latitude, longitude) != (0, 0), row


# Degrees that hold the mainland: (south, north, west, east). A wrong sign leaves the box.
BOXES = {
    "Africa": (-35, 38, -18, 52),
    "Asia": (-11, 56, 25, 154),
    "Europe": (34, 72, -25, 45),
    "North America": (14, 72, -170, -52),
    "Oceania": (-48, -10, 112, 180),
    "South America": (-56, 13, -82, -34),
}


def test_coordinates_lie_on_their_continent() -> None:
    for row in rows("maps/region_map.csv"):
        if not row["latitude"]:
            continue
        south, north, west, east = BOXES[row["continent"]]
        assert south <= float(row["latitude"]) <= north, row
        assert west <= float(row["longitude"]) <= east, row


def test_johannesburg_lies_in_the_south_and_spain_in_the_west() -> None:
    regions = {(row["provider"], row["region_id"]): row for row in rows("maps/region_map.csv")}
    assert float(regions["gcp", "africa-south1"]["latitude"]) < 0
    assert float(regions["azure", "spaincentral"]["longitude"]) < 0


def test_global_is_known_everywhere_and_lies_nowhere() -> None:
    table = [row for row in rows("maps/region_map.csv") if row["region_id"] == "global"]
    assert {row["provider"] for row in table} == PROVIDERS
    for row in table:
        assert (row["country_code"], row["grid_zone"], row["latitude"]) == ("", "", "")


def test_every_alias_leads_to_a_region_and_every_region_has_its_own_name() -> None:
    regions = rows("maps/region_map.csv")
    identifiers = {(row["provider"], row["region_id"]) for row in regions}
    aliases = {
        (row["provider"], row["alias"]): row["region_id"] for row in rows("maps/region_alias.csv")
    }
    assert all(alias == alias.lower() for _, alias in aliases)
    assert {(provider, region) for (provider, _), region in aliases.items()} <= identifiers
    for row in regions:
        assert aliases[row["provider"], row["region_id"]] == row["region_id"]
        assert aliases[row["provider"], row["region_name"].lower()] == row["region_id"]
    assert aliases["aws", "eu (frankfurt)"] == aliases["aws", "europe (frankfurt)"]
    assert aliases["azure", "east us"] == aliases["azure", "eastus"] == "eastus"
    zones = [alias for provider, alias in aliases if provider == "gcp" and alias[-2:-1] == "-"]
    assert zones == []


def test_the_fact_lists_focus_alphabetically_then_our_own_columns() -> None:
    names = [column["name"] for column in fact_columns()]
    focus = [row["column_name"] for row in rows("focus/focus_columns.csv")]
    assert names[:67] == focus
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"x_[A-Z][A-Za-z0-9]*", name) for name in names[67:])
    assert max(map(len, names)) <= 50
    assert names[-2:] == ["x_Provider", "x_BillingMonth"]


def test_the_fact_agrees_with_the_seed_on_types_and_additivity() -> None:
    types = {
        "text": "varchar",
        "json": "varchar",
        "decimal": "decimal(38,18)",
        "timestamp": "timestamp",
    }
    columns = {column["name"]: column for column in fact_columns()}
    for row in rows("focus/focus_columns.csv"):
        column = columns[row["column_name"]]
        assert column["data_type"] == types[row["kind"]]
        assert column["config"]["meta"]["additivity"] == row["additivity"]


def test_every_fact_column_has_its_docs_block_and_no_block_is_left_over() -> None:
    text = "".join(
        (DOCS / name).read_text(encoding="utf-8")
        for name in ("_docs_focus.md", "_docs_cloudtally.md")
    )
    blocks = Counter(re.findall(r"{% docs (\w+) %}", text))
    used = Counter(
        re.fullmatch(r"{{ doc\(\"(\w+)\"\) }}", column["description"])[1]  # type: ignore[index]
        for column in fact_columns()
    )
    assert blocks == used
    assert set(blocks.values()) == {1}
