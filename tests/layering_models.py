"""The boundaries between rooms of models, checked over dbt's manifest with compiled SQL.

Every check returns sentences that name what is wrong, so that a planted violation can be told from
the one that is meant.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]

FACT = "fct_cost_and_carbon"

_COMMENTS = (
    re.compile(r"{#.*?#}", re.DOTALL),
    re.compile(r"/\*.*?\*/", re.DOTALL),
    re.compile(r"--[^\n]*"),
)
_TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


@dataclass(frozen=True)
class Ban:
    """Arithmetic that is not exact, or not equal on both engines."""

    name: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Permit:
    """One place where a ban doesn't hold: a piece of its line, and why."""

    node: str
    ban: str
    fragment: str
    reason: str


# Kept over SQL without comments and texts, so that a path or a sentence is no division.
COMPILED_BANS = (
    Ban("division", re.compile(r"/")),
    Ban(
        "average",
        re.compile(r"\b(?:list_)?(?:avg|mean|median|quantile\w*|percentile\w*)\s*\(", re.I),
    ),
    Ban("float", re.compile(r"(?:\bas\s+|::\s*)(?:double|float\d*|real)\b", re.I)),
    Ban("random", re.compile(r"\b(?:random|rand|uuid|gen_random_uuid)\s*\(", re.I)),
    Ban("short cast", re.compile(r"::")),
    # Spark takes the case for ten digits and cuts decimals off; with_sign_of keeps them.
    Ban("product of a case", re.compile(r"(?<!then -1 else 1 )\bend\s*\*", re.I)),
)
# A macro is a template: paths and patterns stand in its texts, so a division needs its spaces here.
MACRO_BANS = (
    Ban("division", re.compile(r"\s//?\s")),
    *(ban for ban in COMPILED_BANS if ban.name not in ("division", "short cast")),
)

PERMITS = (
    Permit(
        "mart_spend_carbon_monthly", "float", "list_cost", "carbon_coverage_ratio, never summed"
    ),
    Permit(
        "mart_spend_carbon_monthly", "division", "list_cost", "carbon_coverage_ratio, never summed"
    ),
    Permit(
        "mart_commitment_rollforward", "float", "used_effective_cost as double", "utilisation_ratio"
    ),
    Permit(
        "mart_commitment_rollforward",
        "division",
        "used_effective_cost as double",
        "utilisation_ratio, never summed",
    ),
    Permit("ratio_of", "float", "as double", "a ratio, never summed"),
    Permit("ratio_of", "division", "as double", "a ratio, never summed"),
    Permit("mart_carbon_coverage", "float", "as double", "ratios, never summed"),
    Permit("mart_carbon_coverage", "division", "as double", "ratios, never summed"),
    Permit("mart_carbon_reconciliation", "float", "as double", "ratios, never summed"),
    Permit("mart_carbon_reconciliation", "division", "as double", "ratios, never summed"),
    Permit("mart_carbon_nowcast", "float", "as double", "a model, rounded before it is stored"),
    Permit("at_ratio", "float", "as double", "a model, rounded before it is stored"),
    Permit("mart_carbon_nowcast", "division", "as double", "a model, rounded before it is stored"),
    Permit("mart_carbon_restatement", "float", "as double", "difference_ratio"),
    Permit("mart_carbon_restatement", "division", "as double", "difference_ratio, never summed"),
    Permit("mart_ai_workload", "float", "sci_kg as double", "sci_kg_per_million_units_ratio"),
    Permit(
        "mart_ai_workload",
        "division",
        "sci_kg as double",
        "sci_kg_per_million_units_ratio, never summed",
    ),
    Permit("mart_kubernetes_carbon", "float", "as double", "ratios, never summed"),
    Permit("mart_kubernetes_carbon", "division", "as double", "ratios, never summed"),
    Permit(
        "mart_carbon_intensity", "float", "covered_effective_cost as double", "..._per_cost_ratio"
    ),
    Permit(
        "mart_carbon_intensity",
        "division",
        "covered_effective_cost as double",
        "..._per_cost_ratio, never summed",
    ),
    Permit("mart_carbon_budget", "float", "actual_kg as double", "used_ratio"),
    Permit("mart_carbon_budget", "division", "actual_kg as double", "used_ratio, never summed"),
    Permit("mart_carbon_intensity", "division", ") // (", "quotient of whole numbers"),
    Permit("mart_carbon_equivalence", "division", ") // (", "quotient of whole numbers"),
    Permit("int_carbon__bridge_cells", "division", ") // (", "quotient of whole numbers"),
    Permit("int_carbon__bridge_parts", "division", ") // (", "quotient of whole numbers"),
    Permit("int_accruals__estimated", "division", ") // (", "quotient of whole numbers"),
    Permit("dim_region", "float", "as latitude", "degrees are no amount"),
    Permit("dim_region", "float", "as longitude", "degrees are no amount"),
    Permit("int_carbon__month_shares", "division", ") // (", "quotient of whole numbers"),
    Permit("int_carbon__charges", "division", ") // (", "quotient of whole numbers"),
    Permit("int_estimates__rates", "division", ") // (", "quotient of whole numbers"),
    Permit("int_usage__charges", "division", ") // (", "quotient of whole numbers"),
    Permit("int_usage__charges", "average", "list_avg", "a guess that the exact rest corrects"),
    Permit(
        "int_carbon__line_weights", "average", "list_avg", "a guess that the exact rest corrects"
    ),
    Permit("default__nearly", "average", "list_avg", "a guess that the exact rest corrects"),
    Permit("spark__nearly", "float", "as double", "a guess that the exact rest corrects"),
    Permit("int_carbon__line_weights", "division", ") // (", "quotient of whole numbers"),
    Permit("int_aws__cur2_charges", "division", ") // (", "quotient of whole numbers"),
    Permit("int_aws__cur_charges", "division", ") // (", "quotient of whole numbers"),
    Permit("int_azure__cost_details_charges", "division", ") // (", "quotient of whole numbers"),
    Permit("int_onprem__inventory_charges", "division", ")) // (", "quotient of whole numbers"),
    Permit("int_gcp__billing_detailed_pieces", "division", ") // (", "quotient of whole numbers"),
    Permit(
        "int_gcp__billing_detailed_row_bridge", "division", ") // (", "quotient of whole numbers"
    ),
    Permit("mart_spend_reporting_month", "division", ")) // (", "quotient of whole numbers"),
    Permit("dq_result", "division", ")) // (", "quotient of whole numbers"),
    Permit("default__quotient", "division", ") // (", "quotient of whole numbers"),
    Permit("default__whole_quotient", "division", ") // (", "quotient of whole numbers"),
    Permit("spark__quotient", "division", ") / (", "divides a multiple of the divisor"),
)


def models(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Return the project's models by name."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


def room(model: Mapping[str, Any]) -> str:
    """Return the room that a model's path puts it in."""
    path = model["path"]
    for name in ("intermediate/conform", "intermediate/unite", "intermediate", "staging", "marts"):
        if path.startswith(f"{name}/"):
            return name.rpartition("/")[2]
    return "nowhere"


def misplaced(manifest: Manifest) -> list[str]:
    """Name models outside the known rooms, or whose name doesn't tell their room."""
    prefixes = {
        "staging": ("stg_",),
        "conform": ("int_",),
        "unite": ("int_",),
        "intermediate": ("int_",),
        "marts": ("fct_", "dim_", "bridge_", "mart_", "dq_", "focus_"),
        "nowhere": (),
    }
    return [
        f"{name} in {model['path']} is in no room, or named after another"
        for name, model in models(manifest).items()
        if not name.startswith(prefixes[room(model)])
    ]


def knows_a_provider(manifest: Manifest, providers: Iterable[str]) -> list[str]:
    """Name whatever stands after *conform* and mentions a provider: models and their macros."""
    word = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(providers))})(?![a-z])", re.I)
    late = [model for model in models(manifest).values() if is_after_conform(model)]
    texts = [(f"model {model['name']}", model["raw_code"]) for model in late]
    texts += [
        (f"macro {macro['name']}", macro["macro_sql"])
        for macro in _macros_of(manifest, late).values()
    ]
    found = []
    for name, text in texts:
        match = word.search(without_comments(text))
        if match:
            found.append(f"{name} knows {match[0]}")
    return sorted(found)


def is_after_conform(model: Mapping[str, Any]) -> bool:
    """Tell whether no provider may be known here any more."""
    return room(model) not in ("staging", "conform")


def reads_across(manifest: Manifest) -> list[str]:
    """Name edges that leave the one way through."""
    by_name = models(manifest)
    of_fact = descendants(manifest, FACT)
    found = []
    for name, model in by_name.items():
        for parent in model["depends_on"]["nodes"]:
            kind, _, rest = parent.partition(".")
            parent_name = rest.partition(".")[2]
            if not _may_read(model, kind, parent_name, by_name, of_fact):
                found.append(f"{name} ({room(model)}) reads {kind} {parent_name}")
    return sorted(found)


def _may_read(
    model: Mapping[str, Any],
    kind: str,
    parent: str,
    by_name: Mapping[str, Mapping[str, Any]],
    of_fact: frozenset[str],
) -> bool:
    place = room(model)
    if kind == "source":
        schema, _, table = parent.partition(".")
        own = f"decoded.{_provider_of(model)}_"
        if schema == "inputs":
            return place in ("intermediate", "marts")
        return parent.startswith(own) if place == "staging" else schema == "ledger" and table != ""
    if kind == "seed":
        return place != "staging"
    parent_room = room(by_name[parent])
    if place == "staging":
        return False
    if place == "conform":
        is_own = _provider_of(by_name[parent]) == _provider_of(model)
        return parent_room in ("staging", "conform") and is_own
    if place == "unite":
        return parent_room in ("conform", "unite")
    if place == "intermediate":
        return parent_room in ("unite", "intermediate") or parent == FACT
    if model["name"].startswith("fct_"):
        return parent_room in ("unite", "intermediate")
    explains_lines = model["name"].startswith(("dim_", "bridge_"))
    return parent_room == "marts" or (
        parent_room == "intermediate" and (explains_lines or parent in of_fact)
    )


def _provider_of(model: Mapping[str, Any]) -> str:
    return str(model["name"]).removeprefix("stg_").removeprefix("int_").partition("__")[0]


def descendants(manifest: Manifest, name: str) -> frozenset[str]:
    """Return the models that read a model, directly or through others."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        parents = {f"model.cloudtally.{one}" for one in waiting}
        waiting = {
            model["name"]
            for model in models(manifest).values()
            if parents & set(model["depends_on"]["nodes"])
        } - found
        found |= waiting
    return frozenset(found)


def inexact(manifest: Manifest, permits: Iterable[Permit] = PERMITS) -> list[str]:
    """Name banned arithmetic in compiled models and tests, and in macros."""
    permits = tuple(permits)
    found = []
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "test") and node.get("compiled_code"):
            found += _banned(node["name"], node["compiled_code"], COMPILED_BANS, permits)
    for macro in manifest["macros"].values():
        if macro["package_name"] == "cloudtally":
            found += _banned(macro["name"], macro["macro_sql"], MACRO_BANS, permits)
    return sorted(found)


def unused_permits(manifest: Manifest) -> list[Permit]:
    """Return permits that allow nothing any more."""
    return [
        permit
        for permit in PERMITS
        if inexact(manifest, [other for other in PERMITS if other != permit]) == []
    ]


def _banned(name: str, text: str, bans: Iterable[Ban], permits: Iterable[Permit]) -> Iterator[str]:
    plain = without_comments(text)
    is_macro = "{%" in text
    for line in (plain if is_macro else _TEXTS.sub("''", plain)).splitlines():
        for ban in bans:
            is_permitted = any(
                permit.node == name and permit.ban == ban.name and permit.fragment in line
                for permit in permits
            )
            if ban.pattern.search(line) and not is_permitted:
                yield f"{name}: {ban.name}: {line.strip()[:100]}"


def without_comments(text: str) -> str:
    """Return SQL or Jinja without its comments; line breaks stay."""
    for comment in _COMMENTS:
        text = comment.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _macros_of(
    manifest: Manifest, of_models: Iterable[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return our macros that models call, directly or through other macros."""
    found: dict[str, Mapping[str, Any]] = {}
    waiting = [name for model in of_models for name in model["depends_on"]["macros"]]
    while waiting:
        name = waiting.pop()
        macro = manifest["macros"].get(name)
        if macro and macro["package_name"] == "cloudtally" and name not in found:
            found[name] = macro
            waiting += macro["depends_on"]["macros"]
    return found
