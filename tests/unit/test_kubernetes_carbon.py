"""What clusters and namespaces cost and emit, on rows worked out by hand."""

import csv
import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.paths import SEEDS
from expectations.suites import mart_kubernetes_carbon as suite
from tests.carbon_mart_harness import CarbonMarts, Row

NODE = "i-0a1b"
CLUSTER = "arn:aws:eks:eu-west-1:1:cluster/shop"
GKE = "//container.googleapis.com/projects/ml/locations/europe-west4/clusters/serve"
AKS = "/subscriptions/S/resourcegroups/r/providers/Microsoft.ContainerService/managedClusters/aks"
WHOLE = (None, "unallocated")


@pytest.fixture(scope="module")
def marts() -> CarbonMarts:
    return CarbonMarts(
        "intermediate/carbon/int_carbon__kubernetes.sql",
        "marts/sustainability/mart_kubernetes_carbon.sql",
        seeds=("kubernetes_keys", "kubernetes_namespaces"),
    )


def line(cost: str = "1", kilograms: str = "", **more: Any) -> Row:
    """A line; kilograms are operational and embodied estimates, energy is twice the first."""
    operational, _, embodied = kilograms.partition("+")
    estimates = {
        "x_EstimateStatus": "Estimated",
        "x_EstimatedEnergyKwh": 2 * Decimal(operational or 0),
        "x_EstimatedOperationalKg": operational,
        "x_EstimatedEmbodiedKg": embodied,
        "x_EstimatedCarbonKg": Decimal(operational or 0) + Decimal(embodied or 0),
    }
    covered = estimates if kilograms else {"x_EstimateStatus": "NotCovered"}
    return {"SubAccountId": "111", "EffectiveCost": cost, **covered, **more}


def tagged(provider: str, cost: str = "1", *, tags: dict[str, str], **more: Any) -> Row:
    return line(cost, x_Provider=provider, Tags=json.dumps(tags), **more)


def share(namespace: str, cost: str, kilograms: str = "", **more: Any) -> Row:
    """A container's share of a machine, named by its tags."""
    tags = {"aws:eks:cluster-name": "shop", "aws:eks:namespace": namespace}
    return line(cost, kilograms, ResourceId=NODE, AllocatedTags=json.dumps(tags), **more)


def places(rows: list[dict[str, Any]]) -> dict[tuple[str | None, str | None, str], Decimal]:
    """Cost by cluster, namespace and kind."""
    return {
        (row["cluster_name"], row["namespace"], row["namespace_kind"]): row["effective_cost"]
        for row in rows
    }


def test_a_machine_is_what_its_containers_take_and_what_is_left(marts: CarbonMarts) -> None:
    """Cost of 8: web 2 + 3, the system 1, nobody 2; 0.8 + 0.4 kg in the same parts."""
    reported = {
        "x_CarbonReportedStatus": "Reported", "x_CarbonLocationKg": "5", "x_CarbonMarketKg": "4",
    }  # fmt: skip
    rows = marts.build(
        share("web", "2", "0.2+0.1", **reported),
        share("web", "3", "0.3+0.15"),
        share("kube-system", "1", "0.1+0.05"),
        line("2", "0.2+0.1", ResourceId=NODE),
        line("90", ResourceId="i-other"),
        line("90"),
    )
    assert places(rows) == {
        ("shop", "web", "namespace"): 5,
        ("shop", "kube-system", "system"): 1,
        ("shop", *WHOLE): 2,
    }
    (web,) = [row for row in rows if row["namespace"] == "web"]
    assert (web["estimated_energy_kwh"], web["estimated_operational_kg"]) == (1, Decimal("0.5"))
    assert web["estimated_embodied_kg"] == Decimal("0.25")
    assert web["estimated_carbon_kg"] == Decimal("0.75")
    assert (web["carbon_location_kg"], web["carbon_market_kg"]) == (5, 4)
    assert web["carbon_unspecified_kg"] is None
    assert (web["charge_lines"], web["estimable_lines"], web["estimated_lines"]) == (2, 2, 2)
    assert (web["reportable_lines"], web["reported_lines"]) == (1, 1)
    assert sum(row["estimated_carbon_kg"] for row in rows) == Decimal("1.2")


def test_shares_of_what_is_shared_are_offered_and_not_taken(marts: CarbonMarts) -> None:
    """Web 3 of 4 in cost and 1 of 3 kWh; what is left of the machine stays where it is."""
    rows = marts.build(
        share("web", "3", "0.5+0"),
        share("jobs", "1", "1+0"),
        share("kube-system", "5", "1+0"),
        line("4", "1+0", ResourceId=NODE),
    )
    ratios = {
        row["namespace"]: (row["effective_cost_ratio"], row["estimated_energy_ratio"])
        for row in rows
    }
    assert ratios == {
        "web": (0.75, 0.333333),
        "jobs": (0.25, 0.666667),
        "kube-system": (None, None),
        None: (None, None),
    }


def test_without_an_estimate_or_a_report_figures_are_unknown(marts: CarbonMarts) -> None:
    (row,) = marts.build(share("web", "0"))
    kilograms = [row[name] for name in suite.MEASURES if name != "effective_cost"]
    assert kilograms == [None] * len(kilograms)
    assert (row["effective_cost_ratio"], row["estimated_energy_ratio"]) == (None, None)
    assert (row["estimable_lines"], row["estimated_lines"]) == (1, 0)


@pytest.mark.parametrize(
    ("one", "place"),
    [
        (tagged("gcp", tags={"goog-k8s-cluster-name": "c", "k8s-namespace": "web"}),
         ("c", "web", "namespace")),
        (tagged("gcp", tags={"goog-k8s-cluster-name": "c", "k8s-namespace": "kube:unallocated"}),
         ("c", "kube:unallocated", "unallocated")),
        (tagged("gcp", tags={"goog-k8s-cluster-name": "c",
                             "k8s-namespace": "kube:system-overhead"}),
         ("c", "kube:system-overhead", "system")),
        (tagged("gcp", tags={"goog-k8s-cluster-name": "c",
                             "k8s-namespace": "goog-k8s-unsupported-sku"}),
         ("c", "goog-k8s-unsupported-sku", "unsupported")),
        (tagged("gcp", tags={"goog-k8s-cluster-name": "c", "k8s-namespace": "goog-k8s-unknown"}),
         ("c", "goog-k8s-unknown", "unknown")),
        (line(x_Provider="gcp", ResourceId=GKE), ("serve", *WHOLE)),
        (line(ResourceId=CLUSTER), ("shop", *WHOLE)),
        (line(ResourceId="arn:aws-cn:eks:cn-north-1:1:pod/shop/web/p/uid"),
         ("shop", "web", "namespace")),
        (line(AllocatedResourceId="arn:aws:eks:eu-west-1:1:pod/shop/kube-system/p"),
         ("shop", "kube-system", "system")),
        (tagged("aws", tags={"aws_eks_cluster_name": "shop"}), ("shop", *WHOLE)),
        (tagged("aws", tags={"kubernetes.io/created-for/pvc/namespace": "db"}),
         (None, "db", "namespace")),
        (line(x_Provider="azure", ResourceId=AKS), ("aks", *WHOLE)),
        (tagged("azure", tags={"aks-managed-cluster-name": "aks"}), ("aks", *WHOLE)),
        (tagged("azure", tags={"kubernetes.io-created-for-pvc-namespace": "db"}),
         (None, "db", "namespace")),
        (tagged("onprem", tags={"k8s.cluster.name": "rack", "k8s.namespace.name": "erp"}),
         ("rack", "erp", "namespace")),
    ],
)  # fmt: skip
def test_what_names_a_cluster(
    marts: CarbonMarts, one: Row, place: tuple[str | None, str | None, str]
) -> None:
    assert places(marts.build(one)) == {place: 1}


@pytest.mark.parametrize(
    "one",
    [
        tagged("azure", tags={"goog-k8s-cluster-name": "c"}),
        tagged("gcp", tags={"aws:eks:cluster-name": "c"}),
        tagged("gcp", tags={"goog-k8s-cluster-name": " \t\n", "k8s-namespace": ""}),
        tagged("gcp", tags={"note": '"goog-k8s-cluster-name":"c"'}),
        tagged("gcp", tags={"/goog-k8s-cluster-name": "c", "goog-k8s-cluster-name~0": "c"}),
        line(Tags="{not json: goog-k8s-cluster-name", x_Provider="gcp"),
        line(Tags="[]", AllocatedTags="null", ResourceId="", AllocatedResourceId=""),
        line(ResourceId="arn:aws:eks:eu-west-1:1:cluster/"),
        line(ResourceId="arn:aws:ecs:eu-west-1:1:cluster/shop"),
        line(ResourceId=AKS),
        line(AllocatedResourceId="pod/shop/web/p"),
        {**tagged("gcp", tags={"goog-k8s-cluster-name": "c"}), "x_RecordKind": "Unallocated"},
    ],
)
def test_what_names_none_is_left_out(marts: CarbonMarts, one: Row) -> None:
    assert marts.build(one) == []


def test_a_tag_may_hold_any_text(marts: CarbonMarts) -> None:
    text = "'; drop table x -- \"\\ \u00e9\u0000|/~"
    (row,) = marts.build(
        tagged("gcp", tags={"goog-k8s-cluster-name": f"  {text}\n", "k8s-namespace": "9" * 5000})
    )
    assert (row["cluster_name"], row["namespace"]) == (text, "9" * 5000)


def test_what_is_said_of_the_container_counts_before_its_machine(marts: CarbonMarts) -> None:
    """The machine bears tags of its own; what no container used has them alone."""
    machine = {"Tags": json.dumps({"k8s.namespace.name": "pool", "aws:eks:cluster-name": "old"})}
    rows = marts.build(share("web", "1", **machine), line("2", ResourceId=NODE, **machine))
    assert places(rows) == {("shop", "web", "namespace"): 1, ("old", "pool", "namespace"): 2}


def test_of_two_tags_the_first_in_the_list_counts(marts: CarbonMarts) -> None:
    tags = {"KubernetesCluster": "z", "aws:eks:cluster-name": "a", "kubernetes_cluster": "y"}
    assert places(marts.build(tagged("aws", tags=tags))) == {("a", *WHOLE): 1}


def test_a_machine_of_two_clusters_is_given_to_neither(marts: CarbonMarts) -> None:
    other = {"AllocatedTags": json.dumps({"aws:eks:cluster-name": "b", "aws:eks:namespace": "n"})}
    rows = marts.build(
        share("web", "1"), line("2", ResourceId=NODE, **other), line("4", ResourceId=NODE)
    )
    assert places(rows) == {
        ("shop", "web", "namespace"): 1,
        ("b", "n", "namespace"): 2,
        (None, *WHOLE): 4,
    }


def test_a_machine_of_another_account_is_another_machine(marts: CarbonMarts) -> None:
    rows = marts.build(share("web", "1"), line("2", ResourceId=NODE, SubAccountId="222"))
    assert places(rows) == {("shop", "web", "namespace"): 1}


def test_clusters_of_one_name_in_two_accounts_are_two(marts: CarbonMarts) -> None:
    rows = marts.build(share("web", "1"), share("web", "2", SubAccountId="222"))
    assert [(row["sub_account_id"], row["effective_cost"]) for row in rows] == [
        ("111", 1), ("222", 2),
    ]  # fmt: skip


def test_lines_without_an_account_or_a_currency_stay(marts: CarbonMarts) -> None:
    rows = marts.build(share("web", "1", SubAccountId=None, BillingCurrency=None))
    assert (rows[0]["sub_account_id"], rows[0]["billing_currency"]) == (None, "XXX")
    assert rows[0]["effective_cost_ratio"] == 1.0


def test_months_of_use_and_currencies_are_rows_of_their_own(marts: CarbonMarts) -> None:
    rows = marts.build(
        share("web", "1"),
        share("web", "2", BillingCurrency="EUR"),
        share("web", "4", ChargePeriodStart="2025-12-31 23:00:00"),
    )
    keys = ("usage_month", "billing_currency", "effective_cost")
    assert {tuple(row[key] for key in keys) for row in rows} == {
        (dt.date(2026, 1, 1), "USD", 1),
        (dt.date(2026, 1, 1), "EUR", 2),
        (dt.date(2025, 12, 1), "USD", 4),
    }


def test_the_promise_knows_the_keys_of_the_seed() -> None:
    with (SEEDS / "maps" / "kubernetes_keys.csv").open(encoding="utf-8", newline="") as file:
        seed = {
            (
                row["meaning"],
                row["found_in"],
                row["provider"],
                row["id_like"],
                row["key"],
                row["part"],
            )
            for row in csv.DictReader(file)
        }
    tags = {
        (*place, provider, "", key, "")
        for place, keys in suite.TAGS.items()
        for provider, key in keys
    }
    ids = {
        (*place, provider, like, key, str(part))
        for place, keys in suite.IDS.items()
        for provider, like, key, part in keys
    }
    assert seed == tags | ids
