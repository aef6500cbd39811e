"""Fernlight's machine learning on Google Cloud: training, serving and the data around it.

Belongs here: projects, services, resources and prices on Google Cloud, and how they are labelled.
"""

from dataclasses import replace

from dagster_project.sample_estate.book import Plan, Pledge, once
from dagster_project.sample_estate.model import (
    Account,
    Commitment,
    Issuer,
    Item,
    Prices,
    Region,
    Service,
    Tags,
    covered,
    on_demand,
    unit_of_money,
)
from dagster_project.sample_estate.money import nano, pico

GCP = Issuer("gcp", "Google Cloud", "Google Cloud", "Google Cloud EMEA Limited", "USD", False)
BILLING_ACCOUNT = "01A2B3-C4D5E6-F70819"


def _project(name: str, number: str) -> Account:
    return Account(
        GCP, BILLING_ACCOUNT, "Fernlight ML", "Billing Account", name, name, "Project", number
    )


TRAIN = _project("fernlight-ml-train", "482910000011")
SERVE = _project("fernlight-ml-serve", "482910000022")
ANALYTICS = _project("fernlight-analytics", "482910000033")

IOWA = Region("us-central1", "Iowa (us-central1)", 900, 90)
NETHERLANDS = Region("europe-west4", "Netherlands (europe-west4)", 640, 160)

COMPUTE = Service("Compute Engine", "6F81-5844-456A", "Compute", "Virtual Machines", "compute", 95)
VERTEX = Service(
    "Vertex AI", "C7E2-9256-1C43", "AI and Machine Learning", "AI Platforms", "vertex", 60
)
BIGQUERY = Service("BigQuery", "24E6-581D-38E5", "Databases", "Data Warehouses", "bigquery", 25)
STORAGE = Service("Cloud Storage", "95FF-2EF5-5EA1", "Storage", "Object Storage", "gcs", 35)
RUN = Service("Cloud Run", "152E-C115-5142", "Compute", "Serverless Compute", "run", 45)
NETWORK = Service(
    "Networking", "E505-1604-58F8", "Networking", "Network Infrastructure", "network", 6
)

TRAINING: Tags = (
    ("team", "ml"), ("env", "prod"), ("workload", "reco-model"), ("ml_phase", "training"),
)  # fmt: skip
EXPERIMENT: Tags = (
    ("Team", "ML"), ("environment", "Dev"), ("workload", "llm-finetune"), ("ml-phase", "FineTune"),
)  # fmt: skip
INFERENCE: Tags = (
    ("team", "ml"), ("env", "production"), ("workload", "reco-model"), ("ML_Phase", "Serving"),
)  # fmt: skip
_NODES: Tags = (*INFERENCE, ("goog-k8s-cluster-name", "serve"))
RECOMMENDER: Tags = (*_NODES, ("k8s-namespace", "recommender"))
BATCH: Tags = (*_NODES, ("k8s-namespace", "batch"))
IDLE: Tags = (*_NODES, ("k8s-namespace", "kube:unallocated"))
WAREHOUSE: Tags = (("TEAM", "analytics"), ("env", "Prod"), ("cost_centre", "cc-400"))
NO_TAGS: Tags = ()

CUD = Commitment(
    "projects/fernlight-ml-serve/regions/europe-west4/commitments/serve-g2-cud",
    "serve-g2-cud",
    "Usage",
    "Resource-based CUD",
    "hour",
)


def _item(
    name: str,
    service: Service,
    account: Account,
    region: Region,
    meter: str,
    unit: str,
    price: str,
    base: int,
    tags: Tags,
    *,
    shape: str = "flat",
    zone: str = "",
    kind: str | None = None,
    prices: Prices | None = None,
    pricing: str = "Standard",
    details: Tags = (),
) -> Item:
    path = f"//{service.bucket}.googleapis.com/projects/{account.sub_id}/{region.region_id}/{name}"
    return Item(
        key=f"gcp/{account.sub_id}/{name}/{meter}",
        account=account,
        service=service,
        region=region,
        zone=f"{region.region_id}-{zone}" if zone else None,
        description=meter,
        meter=meter,
        unit=unit,
        prices=prices or on_demand(nano(price)),
        base=base,
        shape=shape,
        resource_id=path if kind else None,
        resource_name=name if kind else None,
        resource_type=kind,
        tags=tags,
        pricing=pricing,
        details=details,
    )


_A100: Tags = (
    ("InstanceType", "a2-highgpu-8g"),
    ("CoreCount", "96"),
    ("MemorySize", "680"),
    ("GpuCount", "8"),
    ("x_GpuModel", "NVIDIA A100 40GB"),
)
_L4: Tags = (
    ("InstanceType", "g2-standard-48"),
    ("CoreCount", "48"),
    ("MemorySize", "192"),
    ("GpuCount", "4"),
    ("x_GpuModel", "NVIDIA L4"),
)


def _usage() -> tuple[Item, ...]:
    return (
        _item(
            "train-a100",
            COMPUTE,
            TRAIN,
            IOWA,
            "Nvidia Tesla A100 GPU running in Iowa",
            "hour",
            "2.933908",
            3000,
            TRAINING,
            shape="bursty",
            zone="a",
            kind="Instance",
            details=_A100,
        ),
        _item(
            "train-a100",
            COMPUTE,
            TRAIN,
            IOWA,
            "A2 Instance Core running in Iowa",
            "hour",
            "0.031611",
            36_000,
            TRAINING,
            shape="bursty",
            zone="a",
            kind="Instance",
            details=_A100,
        ),
        _item(
            "finetune-spot",
            COMPUTE,
            TRAIN,
            IOWA,
            "Spot Preemptible Nvidia Tesla A100 GPU running in Iowa",
            "hour",
            "1.173563",
            2500,
            EXPERIMENT,
            shape="bursty",
            zone="b",
            kind="Instance",
            pricing="Dynamic",
            details=_A100,
        ),
        _item(
            "serve-l4",
            COMPUTE,
            SERVE,
            NETHERLANDS,
            "Nvidia L4 GPU running in Netherlands",
            "hour",
            "0.6163",
            4000,
            RECOMMENDER,
            zone="b",
            kind="Instance",
            details=_L4,
        ),
        _item(
            "endpoint-reco",
            VERTEX,
            SERVE,
            NETHERLANDS,
            "Online prediction g2-standard-12 in europe-west4",
            "hour",
            "1.2636",
            1500,
            INFERENCE,
            shape="busy",
            kind="Endpoint",
        ),
        _item(
            "pipeline-eval",
            VERTEX,
            TRAIN,
            IOWA,
            "Vertex AI Pipelines in us-central1",
            "count",
            "0.03",
            6123,
            NO_TAGS,
            shape="bursty",
        ),
        _item(
            "analysis",
            BIGQUERY,
            ANALYTICS,
            NETHERLANDS,
            "Analysis (europe-west4)",
            "TiBy",
            "6.25",
            377,
            WAREHOUSE,
            shape="busy",
        ),
        _item(
            "active-storage",
            BIGQUERY,
            ANALYTICS,
            NETHERLANDS,
            "Active Logical Storage (europe-west4)",
            "GiBy.mo",
            "0.02",
            27_397,
            WAREHOUSE,
        ),
        _item(
            "fernlight-datasets",
            STORAGE,
            TRAIN,
            IOWA,
            "Standard Storage US Regional",
            "GiBy.mo",
            "0.02",
            61_644,
            TRAINING,
            kind="Bucket",
            details=(("StorageClass", "Standard"),),
        ),
        _item(
            "feature-api",
            RUN,
            SERVE,
            NETHERLANDS,
            "Services CPU Tier 1 in europe-west4",
            "s",
            "0.000024001",
            8_765_432,
            NO_TAGS,
            shape="busy",
            kind="Service",
        ),
        _item(
            "egress",
            NETWORK,
            SERVE,
            NETHERLANDS,
            "Network Internet Data Transfer Out from Netherlands",
            "GiBy",
            "0.11",
            2_345,
            INFERENCE,
            shape="busy",
        ),
    )


def _pledge() -> Pledge:
    def used(name: str, base: int, shape: str, tags: Tags) -> Item:
        plain = _item(
            name,
            COMPUTE,
            SERVE,
            NETHERLANDS,
            "G2 Instance Core running in Netherlands",
            "hour",
            "0.027469",
            base,
            tags,
            shape=shape,
            zone="b",
            kind="Instance",
            prices=covered(nano("0.027469"), nano("0.017305")),
            pricing="Committed",
            details=_L4,
        )
        return replace(plain, commitment=CUD, status="Used")

    unused = Item(
        key="gcp/cud/unused",
        account=SERVE,
        service=COMPUTE,
        region=NETHERLANDS,
        description="Unused commitment: G2 Core",
        meter="Commitment v1: G2 Core in europe-west4 for 1 Year",
        unit="hour",
        prices=unit_of_money(),
        pricing="Committed",
        commitment=CUD,
        status="Unused",
    )
    purchase = replace(
        unused,
        key="gcp/cud/purchase",
        description="Commitment v1: G2 Core in europe-west4 for 1 Year",
        category="Purchase",
        frequency="Recurring",
        pricing="Standard",
        status=None,
    )
    return Pledge(
        100 * pico("0.017305"),
        (
            used("serve-l4", 48_000, "flat", IDLE),
            used("serve-batch", 48_000, "office", BATCH),
        ),
        unused,
        purchase,
    )


def plan(slot_hours: int) -> Plan:
    """Return what the billing account is billed; billing days begin at midnight in California."""
    usage = _usage()
    credit = Item(
        key="gcp/promotion",
        account=TRAIN,
        service=COMPUTE,
        region=None,
        description="AI startup programme credit",
        meter="",
        unit="count",
        prices=unit_of_money(),
        category="Credit",
        frequency="One-Time",
    )
    return Plan(
        source="gcp-ml",
        usage=usage,
        pledges=(_pledge(),),
        fixed=(
            once(credit, pico("-950.123457")),
            once(
                replace(
                    credit,
                    key="gcp/promotion-bq",
                    account=ANALYTICS,
                    service=BIGQUERY,
                    description="BigQuery sandbox credit",
                ),
                pico("-18.000412345678"),
            ),
        ),
        late=(usage[1], usage[9]),
        slot_hours=slot_hours,
        pacific=True,
    )
