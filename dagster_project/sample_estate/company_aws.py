"""Fernlight's AWS organisation: production, staging, development and a sandbox payer.

Belongs here: accounts, services, resources and prices on AWS, and how they are tagged.
"""

import zlib
from dataclasses import replace

from dagster_project.sample_estate.book import Fixed, Plan, Pledge, once
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

AWS = Issuer("aws", "AWS", "Amazon Web Services", "Amazon Web Services EMEA SARL", "USD", True)
PAYER = "210987654321"
SANDBOX_PAYER = "012345678901"


def _account(number: str, name: str) -> Account:
    return Account(
        AWS, PAYER, "Fernlight Management", "Management Account", number, name, "Member Account"
    )


MANAGEMENT = _account(PAYER, "fernlight-management")
PROD = _account("310000000017", "fernlight-production")
DATA = _account("310000000025", "fernlight-data-platform")
STAGING = _account("310000000033", "fernlight-staging")
DEV = _account("310000000041", "fernlight-development")
SANDBOX = Account(
    AWS,
    SANDBOX_PAYER,
    "Fernlight Labs",
    "Management Account",
    SANDBOX_PAYER,
    "fernlight-labs-sandbox",
    "Management Account",
)

IRELAND = Region("eu-west-1", "Europe (Ireland)", 640, 0)
VIRGINIA = Region("us-east-1", "US East (N. Virginia)", 800, 80)
STOCKHOLM = Region("eu-north-1", "Europe (Stockholm)", 45, 0)
SYDNEY = Region("ap-southeast-2", "Asia Pacific (Sydney)", 1300, 900)

EC2 = Service(
    "Amazon Elastic Compute Cloud", "AmazonEC2", "Compute", "Virtual Machines", "AmazonEC2", 105
)
EBS = Service(
    "Amazon Elastic Block Store", "AmazonEC2", "Storage", "Block Storage", "AmazonEC2", 40
)
S3 = Service(
    "Amazon Simple Storage Service", "AmazonS3", "Storage", "Object Storage", "AmazonS3", 38
)
RDS = Service(
    "Amazon Relational Database Service",
    "AmazonRDS",
    "Databases",
    "Relational Databases",
    "Other",
    60,
)
LAMBDA = Service("AWS Lambda", "AWSLambda", "Compute", "Serverless Compute", "Other", 45)
CLOUDFRONT = Service(
    "Amazon CloudFront",
    "AmazonCloudFront",
    "Networking",
    "Content Delivery",
    "AmazonCloudFront",
    12,
)
TRANSFER = Service(
    "AWS Data Transfer", "AWSDataTransfer", "Networking", "Network Infrastructure", "AmazonEC2", 6
)
VPC = Service(
    "Amazon Virtual Private Cloud", "AmazonVPC", "Networking", "Network Infrastructure", "Other", 10
)
DYNAMO = Service("Amazon DynamoDB", "AmazonDynamoDB", "Databases", "NoSQL Databases", "Other", 45)
EKS = Service(
    "Amazon Elastic Container Service for Kubernetes",
    "AmazonEKS",
    "Compute",
    "Containers",
    "Other",
    20,
)
LOGS = Service(
    "AmazonCloudWatch",
    "AmazonCloudWatch",
    "Management and Governance",
    "Observability",
    "Other",
    15,
)
CACHE = Service("Amazon ElastiCache", "AmazonElastiCache", "Databases", "Caching", "Other", 70)
BEDROCK = Service(
    "Amazon Bedrock", "AmazonBedrock", "AI and Machine Learning", "Generative AI", "Other", 30
)
SAVINGS = Service(
    "Savings Plans for AWS Compute usage",
    "ComputeSavingsPlans",
    "Compute",
    "Other (Compute)",
    "Other",
    0,
)
SUPPORT = Service(
    "AWS Support (Business)",
    "AWSSupportBusiness",
    "Management and Governance",
    "Support",
    "Other",
    0,
)
MARKET = Service(
    "Lanternwatch Observability",
    "lanternwatch-saas",
    "Management and Governance",
    "Observability",
    "Other",
    0,
)
LANTERNWATCH = "Lanternwatch Inc."

PROD_API: Tags = (
    ("Team", "Platform"),
    ("env", "prod"),
    ("CostCenter", "CC-100"),
    ("app", "storefront-api"),
)
PROD_WEB: Tags = (
    ("team", "web"),
    ("Environment", "Production"),
    ("cost-center", "cc-110"),
    ("App", "storefront-web"),
)
PROD_NODE: Tags = (
    ("TEAM", "platform"), ("env", "PROD"), ("CostCenter", "CC-100"),
    ("aws:eks:cluster-name", "prod"),
)  # fmt: skip
PROD_CORE: Tags = (("TEAM", "platform"), ("env", "PROD"), ("CostCenter", "CC-100"))
DATA_ETL: Tags = (
    ("Team", "data"),
    ("Environment", "Production"),
    ("Cost-Centre", "CC-200"),
    ("Workload", "etl"),
)
DATA_AI: Tags = (
    ("team", "Data"),
    ("env", "production"),
    ("workload", "support-bot"),
    ("workload-phase", "Inference"),
)
STAGE: Tags = (("Team", "Web"), ("Environment", "Staging"), ("app", "storefront-api"))
STAGE_ODD: Tags = (("team", "platform"), ("env", "stg"))
DEV_WEB: Tags = (("owner", "web@fernlight.example"), ("env", "dev"))
DEV_DATA: Tags = (("Owner", "Data"), ("environment", "Development"))
NO_TAGS: Tags = ()

_REGION_PREFIX = {"eu-west-1": "EU-", "us-east-1": "", "eu-north-1": "EUN1-"}


def _machine(kind: str, cores: int, memory: int) -> Tags:
    return (
        ("InstanceType", kind),
        ("InstanceSeries", kind.partition(".")[0]),
        ("CoreCount", str(cores)),
        ("MemorySize", str(memory)),
        ("OperatingSystem", "Linux"),
    )


def _arn(service: str, region: Region | None, account: Account, rest: str) -> str:
    return f"arn:aws:{service}:{region.region_id if region else ''}:{account.sub_id}:{rest}"


def _instance(
    name: str,
    account: Account,
    region: Region,
    zone: str,
    machine: Tags,
    price: str,
    tags: Tags,
    *,
    shape: str = "flat",
    base: int = 1000,
    prices: Prices | None = None,
    pricing: str = "Standard",
) -> Item:
    kind = machine[0][1]
    prefix = _REGION_PREFIX[region.region_id]
    is_spot = pricing == "Dynamic"
    use = "SpotUsage" if is_spot else "BoxUsage"
    offer = "Spot" if is_spot else "On Demand"
    resource = f"i-0{zlib.crc32(name.encode()):08x}{zlib.crc32(name[::-1].encode()):08x}"
    return Item(
        key=f"aws/ec2/{account.sub_id}/{name}",
        account=account,
        service=EC2,
        region=region,
        zone=f"{region.region_id}{zone}",
        description=f"${price} per {offer} Linux {kind} Instance Hour",
        meter=f"{prefix}{use}:{kind}",
        unit="Hours",
        prices=prices or on_demand(nano(price), 4),
        base=base,
        shape=shape,
        pricing=pricing,
        resource_id=_arn("ec2", region, account, f"instance/{resource}"),
        resource_name=name,
        resource_type="instance",
        operation="RunInstances",
        tags=tags,
        details=machine,
    )


def _meter(
    name: str,
    service: Service,
    account: Account,
    region: Region | None,
    meter: str,
    unit: str,
    price: str,
    base: int,
    tags: Tags,
    *,
    shape: str = "busy",
    resource: str | None = None,
    kind: str | None = None,
    operation: str = "",
    details: Tags = (),
) -> Item:
    return Item(
        key=f"aws/{service.code}/{account.sub_id}/{name}",
        account=account,
        service=service,
        region=region,
        description=f"${price} per {unit} - {meter}",
        meter=meter,
        unit=unit,
        prices=on_demand(nano(price), 4),
        base=base,
        shape=shape,
        resource_id=resource,
        resource_name=name if resource else None,
        resource_type=kind,
        operation=operation,
        tags=tags,
        details=details,
    )


_M6I = _machine("m6i.8xlarge", 32, 128)
_C7G = _machine("c7g.4xlarge", 16, 32)
_R6G = _machine("r6g.12xlarge", 48, 384)
_M5 = _machine("m5.4xlarge", 16, 64)
_M5_BIG = _machine("m5.12xlarge", 48, 192)
_G5 = _machine("g5.12xlarge", 48, 192)


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _database(name: str, account: Account, region: Region) -> str:
    return _arn("rds", region, account, f"db:{name}")


def core_items() -> tuple[Item, ...]:
    """Return the usage items that every estate has, however small."""
    return (*_compute(), *_databases(), *_storage(), *_network(), *_rest())


def _compute() -> tuple[Item, ...]:
    return (
        _instance("api-3", PROD, VIRGINIA, "a", _M6I, "1.536", PROD_API),
        _instance("search-1", PROD, IRELAND, "b", _R6G, "2.7216", PROD_NODE),
        _instance("search-2", PROD, VIRGINIA, "b", _R6G, "2.4192", PROD_CORE),
        _instance(
            "etl-spot",
            DATA,
            IRELAND,
            "a",
            _M5_BIG,
            "0.9347",
            DATA_ETL,
            shape="bursty",
            base=3000,
            pricing="Dynamic",
        ),
        _instance("reco-serving", DATA, VIRGINIA, "c", _G5, "5.672", DATA_AI),
        _instance("stage-api", STAGING, IRELAND, "a", _M6I, "1.712", STAGE),
        _instance("stage-web", STAGING, STOCKHOLM, "a", _M5, "0.816", STAGE_ODD),
        _instance("dev-web", DEV, IRELAND, "a", _M5, "0.856", DEV_WEB),
        _instance("dev-data", DEV, IRELAND, "c", _M5_BIG, "2.568", DEV_DATA),
        _instance("dev-forgotten", DEV, VIRGINIA, "a", _M5, "0.768", NO_TAGS),
    )


def _databases() -> tuple[Item, ...]:
    def instance(
        name: str, account: Account, kind: str, cores: int, memory: int, price: str, tags: Tags
    ) -> Item:
        return _meter(
            name,
            RDS,
            account,
            IRELAND,
            f"EU-Multi-AZUsage:{kind}",
            "Hours",
            price,
            1000,
            tags,
            shape="flat",
            resource=_database(name, account, IRELAND),
            kind="db",
            operation="CreateDBInstance:0014",
            details=_machine(kind, cores, memory),
        )

    return (
        instance("orders", PROD, "db.r6g.4xlarge", 16, 128, "3.808", PROD_CORE),
        instance("stage-orders", STAGING, "db.r6g.2xlarge", 8, 64, "1.904", STAGE),
        instance("dev-orders", DEV, "db.m6g.2xlarge", 8, 32, "1.408", DEV_WEB),
        _meter(
            "orders-storage",
            RDS,
            PROD,
            IRELAND,
            "EU-RDS:Multi-AZ-GP3-Storage",
            "GB-Months",
            "0.254",
            6849,
            PROD_CORE,
            shape="flat",
            resource=_database("orders", PROD, IRELAND),
            kind="db",
            details=(("DiskType", "SSD"),),
        ),
        _meter(
            "sessions",
            CACHE,
            PROD,
            IRELAND,
            "EU-NodeUsage:cache.r6g.4xlarge",
            "Hours",
            "1.832",
            2000,
            PROD_WEB,
            shape="flat",
            resource=_arn("elasticache", IRELAND, PROD, "cluster:sessions"),
            kind="cluster",
            details=_machine("cache.r6g.4xlarge", 16, 106),
        ),
        _meter(
            "carts",
            DYNAMO,
            PROD,
            VIRGINIA,
            "WriteRequestUnits",
            "WriteRequestUnits",
            "0.00000125",
            900_000_000,
            PROD_WEB,
            resource=_arn("dynamodb", VIRGINIA, PROD, "table/carts"),
            kind="table",
            operation="PayPerRequestThroughput",
        ),
    )


def _storage() -> tuple[Item, ...]:
    standard: Tags = (("StorageClass", "Standard"),)
    glacier: Tags = (("StorageClass", "Glacier"),)
    return (
        _meter(
            "fernlight-media",
            S3,
            PROD,
            IRELAND,
            "EU-TimedStorage-ByteHrs",
            "GB-Months",
            "0.023",
            164_384,
            PROD_WEB,
            shape="flat",
            resource=_bucket("fernlight-media"),
            kind="bucket",
            operation="StandardStorage",
            details=standard,
        ),
        _meter(
            "fernlight-media-requests",
            S3,
            PROD,
            IRELAND,
            "EU-Requests-Tier2",
            "Requests",
            "0.0000004",
            900_000_000,
            PROD_WEB,
            resource=_bucket("fernlight-media"),
            kind="bucket",
            operation="GetObject",
        ),
        _meter(
            "fernlight-lake",
            S3,
            DATA,
            IRELAND,
            "EU-TimedStorage-ByteHrs",
            "GB-Months",
            "0.0222",
            109_589,
            DATA_ETL,
            shape="flat",
            resource=_bucket("fernlight-lake"),
            kind="bucket",
            operation="StandardStorage",
            details=standard,
        ),
        _meter(
            "fernlight-archive",
            S3,
            DATA,
            STOCKHOLM,
            "EUN1-TimedStorage-GlacierByteHrs",
            "GB-Months",
            "0.0036",
            205_479,
            NO_TAGS,
            shape="flat",
            resource=_bucket("fernlight-archive"),
            kind="bucket",
            operation="GlacierStorage",
            details=glacier,
        ),
        _meter(
            "vol-api",
            EBS,
            PROD,
            IRELAND,
            "EU-EBS:VolumeUsage.gp3",
            "GB-Months",
            "0.088",
            5479,
            PROD_API,
            shape="flat",
            resource=_arn("ec2", IRELAND, PROD, "volume/vol-0a1b2c3d4e5f60718"),
            kind="volume",
            operation="CreateVolume-Gp3",
            details=(("DiskType", "SSD"),),
        ),
        _meter(
            "vol-orphan",
            EBS,
            DEV,
            IRELAND,
            "EU-EBS:VolumeUsage.gp2",
            "GB-Months",
            "0.11",
            2740,
            NO_TAGS,
            shape="flat",
            resource=_arn("ec2", IRELAND, DEV, "volume/vol-0ffb2c3d4e5f60718"),
            kind="volume",
            operation="CreateVolume-Gp2",
            details=(("DiskType", "SSD"),),
        ),
    )


def _network() -> tuple[Item, ...]:
    distribution = "arn:aws:cloudfront::310000000017:distribution/E1FERNLIGHT01"
    return (
        _meter(
            "cdn-bytes",
            CLOUDFRONT,
            PROD,
            None,
            "EU-DataTransfer-Out-Bytes",
            "GB",
            "0.085",
            42_000,
            PROD_WEB,
            resource=distribution,
            kind="distribution",
        ),
        _meter(
            "cdn-requests",
            CLOUDFRONT,
            PROD,
            None,
            "EU-Requests-Tier2-HTTPS",
            "Requests",
            "0.0000012",
            300_000_000,
            PROD_WEB,
            resource=distribution,
            kind="distribution",
        ),
        _meter(
            "egress-ireland",
            TRANSFER,
            PROD,
            IRELAND,
            "EU-DataTransfer-Out-Bytes",
            "GB",
            "0.09",
            18_000,
            PROD_API,
        ),
        _meter(
            "egress-virginia",
            TRANSFER,
            PROD,
            VIRGINIA,
            "DataTransfer-Out-Bytes",
            "GB",
            "0.09",
            11_000,
            NO_TAGS,
        ),
        _meter(
            "between-zones",
            TRANSFER,
            DATA,
            IRELAND,
            "EU-DataTransfer-Regional-Bytes",
            "GB",
            "0.01",
            77_123,
            DATA_ETL,
        ),
        _meter(
            "nat-ireland",
            VPC,
            PROD,
            IRELAND,
            "EU-NatGateway-Hours",
            "Hours",
            "0.048",
            3000,
            PROD_CORE,
            shape="flat",
            resource=_arn("ec2", IRELAND, PROD, "natgateway/nat-0fe12ab34cd56ef78"),
            kind="natgateway",
        ),
    )


def _rest() -> tuple[Item, ...]:
    return (
        _meter(
            "checkout",
            LAMBDA,
            PROD,
            IRELAND,
            "EU-Lambda-GB-Second-ARM",
            "GB-Seconds",
            "0.000013334",
            91_234_567,
            PROD_API,
            resource=_arn("lambda", IRELAND, PROD, "function:checkout"),
            kind="function",
        ),
        _meter(
            "thumbnails",
            LAMBDA,
            PROD,
            STOCKHOLM,
            "EUN1-Lambda-GB-Second",
            "GB-Seconds",
            "0.000016667",
            41_234_567,
            PROD_WEB,
            resource=_arn("lambda", STOCKHOLM, PROD, "function:thumbnails"),
            kind="function",
        ),
        _meter(
            "cluster-prod",
            EKS,
            PROD,
            IRELAND,
            "EU-AmazonEKS-Hours:perCluster",
            "Hours",
            "0.10",
            2000,
            PROD_CORE,
            shape="flat",
            resource=_arn("eks", IRELAND, PROD, "cluster/prod"),
            kind="cluster",
        ),
        _meter(
            "cluster-dev",
            EKS,
            DEV,
            IRELAND,
            "EU-AmazonEKS-Hours:perCluster",
            "Hours",
            "0.10",
            1000,
            DEV_WEB,
            shape="flat",
            resource=_arn("eks", IRELAND, DEV, "cluster/dev"),
            kind="cluster",
        ),
        _meter(
            "logs", LOGS, PROD, IRELAND, "EU-DataProcessing-Bytes", "GB", "0.57", 2_113, PROD_CORE
        ),
        _meter(
            "support-bot",
            BEDROCK,
            DATA,
            VIRGINIA,
            "USE1-Claude4.5Sonnet-output-tokens",
            "1K tokens",
            "0.015",
            92_417,
            DATA_AI,
        ),
        _meter(
            "support-bot-prompts",
            BEDROCK,
            DATA,
            VIRGINIA,
            "USE1-Claude4.5Sonnet-input-tokens",
            "1K tokens",
            "0.003",
            361_204,
            DATA_AI,
        ),
    )


SAVINGS_PLAN = Commitment(
    f"arn:aws:savingsplans::{PAYER}:savingsplan/3f6d1c5e-9a55-4b0b-8f1e-6a8f7f0f2b11",
    "Compute Savings Plan, 1 year, partial upfront",
    "Spend",
    "Compute Savings Plan",
    "USD",
)


def _pledge() -> Pledge:
    def item(
        name: str,
        region: Region,
        zone: str,
        machine: Tags,
        price: str,
        effective: str,
        tags: Tags,
        shape: str,
    ) -> Item:
        plain = _instance(
            name,
            PROD,
            region,
            zone,
            machine,
            price,
            tags,
            shape=shape,
            prices=covered(nano(price), nano(effective)),
            pricing="Committed",
        )
        return replace(plain, commitment=SAVINGS_PLAN, status="Used")

    unused = Item(
        key="aws/sp/unused",
        account=MANAGEMENT,
        service=SAVINGS,
        region=None,
        description="Unused hourly commitment of a Compute Savings Plan",
        meter="ComputeSP:1yrPartialUpfront",
        unit="Hours",
        prices=unit_of_money(),
        pricing="Committed",
        frequency="Recurring",
        commitment=SAVINGS_PLAN,
        status="Unused",
        operation="",
    )
    purchase = replace(
        unused,
        key="aws/sp/purchase",
        description="Compute Savings Plan, 1 year, partial upfront: hourly commitment",
        category="Purchase",
        pricing="Standard",
        status=None,
    )
    return Pledge(
        pico("3.25"),
        (
            item("api-1", IRELAND, "a", _M6I, "1.712", "1.24120001", PROD_API, "flat"),
            item("api-2", IRELAND, "b", _M6I, "1.712", "1.24120001", PROD_API, "office"),
            item("web-1", STOCKHOLM, "a", _C7G, "0.6152", "0.446021357", PROD_WEB, "flat"),
        ),
        unused,
        purchase,
        upfront_percent=50,
        upfront_month=4,
    )


RESERVATION = Commitment(
    f"arn:aws:rds:{IRELAND.region_id}:{PROD.sub_id}:ri:ri-2026-03-02-08-15-44-210",
    "Reserved database instances, 1 year, no upfront",
    "Usage",
    "Reserved Instance",
    "Hours",
)
_RESERVED = "db.r6g.2xlarge"


def _reservation() -> Pledge:
    """Two databases under two reserved instances; one of them rests at night."""

    def item(name: str, tags: Tags, shape: str) -> Item:
        plain = _meter(
            name,
            RDS,
            PROD,
            IRELAND,
            f"EU-InstanceUsage:{_RESERVED}",
            "Hours",
            "0.952",
            1000,
            tags,
            shape=shape,
            resource=_database(name, PROD, IRELAND),
            kind="db",
            operation="CreateDBInstance:0014",
            details=_machine(_RESERVED, 8, 64),
        )
        return replace(
            plain,
            prices=covered(nano("0.952"), nano("0.657413")),
            pricing="Committed",
            commitment=RESERVATION,
            status="Used",
        )

    unused = Item(
        key="aws/ri/unused",
        account=PROD,
        service=RDS,
        region=IRELAND,
        description=f"Unused reserved database instances, {_RESERVED}",
        meter=f"EU-HeavyUsage:{_RESERVED}",
        unit="Hours",
        prices=unit_of_money(),
        pricing="Committed",
        frequency="Recurring",
        commitment=RESERVATION,
        status="Unused",
        operation="CreateDBInstance:0014",
    )
    purchase = replace(
        unused,
        key="aws/ri/purchase",
        description=f"USD 0.657413 hourly fee per PostgreSQL, {_RESERVED} instance",
        category="Purchase",
        pricing="Standard",
        status=None,
    )
    return Pledge(
        2 * pico("0.657413"),
        (
            item("catalogue", PROD_WEB, "flat"),
            item("reporting", PROD_CORE, "office"),
        ),
        unused,
        purchase,
    )


def _money(
    key: str, account: Account, service: Service, category: str, description: str, **more: str
) -> Item:
    plain = Item(
        key=f"aws/{key}",
        account=account,
        service=service,
        region=None,
        description=description,
        meter=more.get("meter", ""),
        unit=more.get("unit", "Months"),
        prices=unit_of_money(),
        category=category,
        frequency=more.get("frequency", "One-Time"),
        pricing=more.get("pricing", "Standard"),
    )
    return plain


def _fixed() -> tuple[Fixed, ...]:
    support = _money(
        "support",
        MANAGEMENT,
        SUPPORT,
        "Purchase",
        "AWS Support (Business)",
        frequency="Recurring",
        meter="Dollar",
    )
    market = replace(
        _money(
            "market",
            PROD,
            MARKET,
            "Usage",
            "AWS Marketplace: Lanternwatch, 40 hosts",
            frequency="Recurring",
            meter="MP:hosts",
            unit="Hosts",
        ),
        publisher=LANTERNWATCH,
    )
    credit = _money("credit", PROD, EC2, "Credit", "Startup programme credit")
    sales = _money("credit-ai", DATA, BEDROCK, "Credit", "Generative AI promotional credit")
    refund = replace(
        _money(
            "refund",
            DATA,
            RDS,
            "Usage",
            "Refund: database service interruption",
            meter="EU-Multi-AZUsage:db.r6g.4xlarge",
            unit="Hours",
        ),
        charge_class="Correction",
        region=IRELAND,
    )
    return (
        once(support, pico("1950.43")),
        once(market, pico("1240")),
        once(credit, pico("-812.44713398")),
        once(sales, pico("-37.004182936415")),
        once(refund, pico("-91.392000417"), every=3, offset=2),
    )


def _tax(account: Account) -> tuple[Item, int]:
    service = Service("Tax", "Tax", "Other", "Other (Other)", "Other", 0)
    return _money(f"tax/{account.sub_id}", account, service, "Tax", "VAT on usage"), 25


def fleet_item(index: int) -> Item:
    """Return the small item number `index`: volumes, functions, requests and small machines."""
    account, tags = (
        (PROD, PROD_API),
        (DATA, DATA_ETL),
        (DEV, DEV_WEB),
        (PROD, PROD_WEB),
        (STAGING, STAGE),
        (DEV, NO_TAGS),
    )[index % 6]
    region = (IRELAND, VIRGINIA, IRELAND, STOCKHOLM)[index // 6 % 4]
    prefix = _REGION_PREFIX[region.region_id]
    name = f"fleet-{index:06d}"
    kind = index // 24 % 5
    if kind == 0:
        volume = f"vol-0{index:016x}"
        return _meter(
            name,
            EBS,
            account,
            region,
            f"{prefix}EBS:VolumeUsage.gp3",
            "GB-Months",
            "0.088",
            27 + index % 90,
            tags,
            shape="flat",
            resource=_arn("ec2", region, account, f"volume/{volume}"),
            kind="volume",
            operation="CreateVolume-Gp3",
            details=(("DiskType", "SSD"),),
        )
    if kind == 1:
        return _meter(
            name,
            LAMBDA,
            account,
            region,
            f"{prefix}Lambda-GB-Second-ARM",
            "GB-Seconds",
            "0.000013334",
            9_000 + index % 70_000,
            tags,
            resource=_arn("lambda", region, account, f"function:{name}"),
            kind="function",
        )
    if kind == 2:
        return _meter(
            name,
            S3,
            account,
            region,
            f"{prefix}Requests-Tier1",
            "Requests",
            "0.000005",
            40_000 + index % 200_000,
            tags,
            resource=_bucket(name),
            kind="bucket",
            operation="PutObject",
        )
    if kind == 3:
        machine = _machine("t4g.nano", 2, 1)
        return _instance(name, account, region, "abc"[index % 3], machine, "0.0042", tags)
    return _meter(
        name,
        TRANSFER,
        account,
        region,
        f"{prefix}DataTransfer-Regional-Bytes",
        "GB",
        "0.01",
        23 + index % 300,
        tags,
        resource=_arn("ec2", region, account, f"network-interface/eni-0{index:016x}"),
        kind="network-interface",
    )


def main_plan(slot_hours: int, fleet: int) -> Plan:
    """Return what the organisation's payer is billed; `fleet` small items make it larger."""
    core = core_items()
    return Plan(
        source="aws-main",
        usage=(*core, *(fleet_item(index) for index in range(fleet))),
        pledges=(_pledge(), _reservation()),
        fixed=_fixed(),
        late=(core[3], core[10], core[17]),
        taxes=tuple(_tax(account) for account in (MANAGEMENT, PROD, DATA, STAGING, DEV)),
        slot_hours=slot_hours,
        early_limit=len(core) + 50,
    )


def sandbox_plan(slot_hours: int) -> Plan:
    """Return what the sandbox payer is billed; it has an older export and no emissions export."""
    tags: Tags = (("Owner", "labs"), ("ENV", "Sandbox"), ("note", 'keep, "for now"'))
    return Plan(
        source="aws-sandbox",
        usage=(
            _instance("labs-notebook", SANDBOX, VIRGINIA, "a", _M5, "0.768", tags, shape="office"),
            _instance("labs-left-on", SANDBOX, IRELAND, "a", _C7G, "0.6152", NO_TAGS),
            _meter(
                "labs-scratch",
                S3,
                SANDBOX,
                VIRGINIA,
                "TimedStorage-ByteHrs",
                "GB-Months",
                "0.023",
                3_014,
                tags,
                shape="flat",
                resource=_bucket("labs-scratch"),
                kind="bucket",
                operation="StandardStorage",
            ),
            _meter(
                "labs-fn",
                LAMBDA,
                SANDBOX,
                VIRGINIA,
                "Lambda-GB-Second",
                "GB-Seconds",
                "0.000016667",
                7_077,
                tags,
                resource=_arn("lambda", VIRGINIA, SANDBOX, "function:labs-fn"),
                kind="function",
            ),
        ),
        fixed=(
            once(
                _money("labs/credit", SANDBOX, EC2, "Credit", "Activate credit"),
                pico("-25.123456789012"),
            ),
        ),
        taxes=(_tax(SANDBOX),),
        slot_hours=slot_hours,
    )
