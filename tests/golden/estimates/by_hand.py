"""Usage lines and what they come to, worked out with figures written out here.

No figure is read from the seeds: a changed seed shows as a difference. Sums are of fractions, so
that nothing is rounded before the comparison. October 2026 has 744 hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

Line = Mapping[str, Any]
F = Fraction

LIFE = 4 * 8760
"""Hours over which what was emitted in making hardware is spread."""


def half_load(idle: str, full: str) -> Fraction:
    """Return the watts at half load."""
    return F(idle) + (F(full) - F(idle)) / 2


# Watts of a vCPU at half load, and the GiB of memory that they hold.
ICE_LAKE = half_load("0.766797", "3.758203")  # 2.2625
SKYLAKE = half_load("0.612989", "4.10417")  # 2.3585795
CASCADE_LAKE = half_load("0.690298", "4.063194")  # 2.376746
EPYC_2 = half_load("0.474262", "1.692962")  # 1.083612
GRAVITON = half_load("0.474262", "1.692962")  # taken as EPYC 2nd Gen
AWS_MEAN = half_load("0.74", "3.5")  # 2.12
AZURE_MEAN = half_load("0.78", "3.76")  # 2.27
GOOGLE_MEAN = half_load("0.71", "4.26")  # 2.485
A10G = half_load("18", "153")  # 85.5
A100 = half_load("46", "407")  # 226.5
L4 = half_load("8", "72")  # 40
SERVER = half_load("65.8", "367")  # 216.4
MEMORY = F("0.392")  # W per GiB beyond what the processor's watts hold
HDD = F("0.65") / 1024  # W per GB
SSD = F("1.2") / 1024
HDD_MADE = F("3.125") / 1024 / LIFE  # kg per GB and hour
SSD_MADE = F("26.041667") / 1024 / LIFE
GPU_MADE = F(150) / LIFE  # kg per accelerator and hour


@dataclass(frozen=True)
class Place:
    """A region: overhead, kg per kWh, share of losses and upstream, litres at site and source."""

    pue: Fraction
    grid: Fraction
    fera: Fraction
    site_water: Fraction | None
    source_water: Fraction | None


def place(pue: str, grams: str, fera: str, site: str | None, source: str | None) -> Place:
    return Place(
        F(pue), F(grams) / 1000, F(fera), F(site) if site else None, F(source) if source else None
    )


# Ember counts the life cycle of the electricity: 8 % is lost on the way. Google counts what leaves
# the stacks: 22 % are upstream of them, and 8 % are lost.
IRELAND = place("1.11", "256.54", "0.08", "0.03", "1.47693")
STOCKHOLM = place("1.1", "35.26", "0.08", "0.02", "6.03151")
VIRGINIA = place("1.15", "384.4", "0.08", "0.12", "2.312704")
OREGON = place("1.12", "184.02", "0.08", "0.16", "9.48246")
MUMBAI = place("1.42", "658.97", "0.08", "0.98", "3.436844")
WEST_EUROPE = place("1.16", "253.56", "0.08", "0.03", "3.43304")
NORTH_EUROPE = place("1.16", "256.54", "0.08", "0.03", "1.47693")
EAST_US = place("1.16", "327.17", "0.08", "0.34", "2.312704")
IOWA = place("1.1", "412.72", "0.3", None, "3.101684")
IOWA_2023 = place("1.1", "430", "0.3", None, "3.101684")
NETHERLANDS = place("1.1", "208.81", "0.3", None, "3.43304")
SWEDEN = place("1.58", "35.26", "0.08", None, None)


@dataclass(frozen=True)
class Case:
    """A line with its estimate.

    Args:
        line: Columns of the charge line.
        place: Where it ran; None for a line that draws no power of its own.
        wh: Watt-hours of the equipment.
        made: kg of making it that fall on the line; None where nobody states any.
        of_facility: Whether the watt-hours are those of the data centre already.
    """

    line: Line
    place: Place | None = None
    wh: Fraction | None = None
    made: Fraction | None = None
    of_facility: bool = False
    status: str = "Estimated"
    key: str = field(default="", compare=False)

    @property
    def measures(self) -> dict[str, Fraction | None]:
        """Return the measures of the line, None where there is none."""
        kwh = operational = fera = water = None
        if self.place is not None and self.wh is not None:
            equipment = self.wh / 1000
            kwh = equipment if self.of_facility else equipment * self.place.pue
            operational = kwh * self.place.grid
            fera = operational * self.place.fera
            site, source = self.place.site_water, self.place.source_water
            if site is not None and source is not None and not self.of_facility:
                water = equipment * site + kwh * source
        parts = [part for part in (operational, self.made) if part is not None]
        return {
            "x_EstimatedEnergyKwh": kwh,
            "x_EstimatedOperationalKg": operational,
            "x_EstimatedFeraKg": fera,
            "x_EstimatedEmbodiedKg": self.made,
            "x_EstimatedCarbonKg": sum(parts, F(0)) if parts else None,
            "x_EstimatedWaterL": water,
        }


EC2 = "Amazon Elastic Compute Cloud"
RDS = "Amazon Relational Database Service"
S3 = "Amazon Simple Storage Service"


def aws(
    service: str, meter: str | None, unit: str, quantity: Any, region: str, **more: Any
) -> Line:
    return _line("aws", service, meter, unit, quantity, region, more)


def azure(service: str, meter: str, unit: str, quantity: Any, region: str, **more: Any) -> Line:
    return _line("azure", service, meter, unit, quantity, region, more)


def gcp(service: str, meter: str, unit: str, quantity: Any, region: str, **more: Any) -> Line:
    return _line("gcp", service, meter, unit, quantity, region, more)


def onprem(service: str, meter: str, unit: str, quantity: Any, **more: Any) -> Line:
    return _line("onprem", service, meter, unit, quantity, more.pop("site", "se-lund-1"), more)


def _line(
    provider: str,
    service: str,
    meter: str | None,
    unit: str,
    quantity: Any,
    region: str,
    more: Mapping[str, Any],
) -> Line:
    return {
        "x_Provider": provider,
        "ServiceName": service,
        "SkuMeter": meter,
        "ConsumedUnit": unit,
        "ConsumedQuantity": None if quantity is None else Decimal(str(quantity)),
        "RegionId": region,
        **more,
    }


AWS_LINES = {
    # 32 vCPU hold 32 x 2.125 = 68 of the 128 GiB. Host: 128 vCPU, 1788.46 kg.
    "machine": Case(
        aws(EC2, "EU-BoxUsage:m6i.8xlarge", "Hours", 10, "eu-west-1"),
        IRELAND,
        10 * (32 * ICE_LAKE + (128 - 68) * MEMORY),
        10 * 32 * F("1788.46") / 128 / LIFE,
    ),
    # 16 x 2.0278 GiB are more than the 32 that it has.
    "machine-arm": Case(
        aws(EC2, "EUN1-BoxUsage:c7g.4xlarge", "Hours", 24, "eu-north-1"),
        STOCKHOLM,
        24 * 16 * GRAVITON,
        24 * 16 * F(630) / 64 / LIFE,
    ),
    "machine-with-memory": Case(
        aws(EC2, "BoxUsage:r6g.12xlarge", "Hours", 1, "us-east-1"),
        VIRGINIA,
        48 * GRAVITON + (384 - 48 * F("2.0278")) * MEMORY,
        48 * F("1688.46") / 64 / LIFE,
    ),
    "spot": Case(
        aws(EC2, "EU-SpotUsage:m5.4xlarge", "Hours", 5, "eu-west-1"),
        IRELAND,
        5 * (16 * SKYLAKE + (64 - 16 * F("1.5646")) * MEMORY),
        5 * 16 * F("1610.79") / 96 / LIFE,
    ),
    "gpu-machine": Case(
        aws(EC2, "BoxUsage:g5.12xlarge", "Hours", 8, "us-east-1"),
        VIRGINIA,
        8 * (48 * EPYC_2 + (192 - 48 * F("1.3519")) * MEMORY + 4 * A10G),
        8 * (48 * F(1000) / 192 / LIFE + 4 * GPU_MADE),
    ),
    "gpu-machine-large": Case(
        aws(EC2, "USW2-BoxUsage:p4d.24xlarge", "Hours", "0.5", "us-west-2"),
        OREGON,
        F("0.5") * (96 * CASCADE_LAKE + (1152 - 96 * F("2.2078")) * MEMORY + 8 * A100),
        F("0.5") * (96 * F("3476.79") / 96 / LIFE + 8 * GPU_MADE),
    ),
    # An export without meters: the description names the machine.
    "machine-described": Case(
        aws(
            EC2,
            None,
            "Hours",
            2,
            "ap-south-1",
            ChargeDescription="$0.0448 per On Demand Linux t3.medium Instance Hour",
        ),
        MUMBAI,
        2 * (2 * SKYLAKE + (4 - 2 * F("1.5646")) * MEMORY),
        2 * 2 * F("1610.79") / 96 / LIFE,
    ),
    # Not in the list; its price says 8 cores and 32 GiB, of which 8 x 1.5 are held.
    "machine-of-known-size": Case(
        aws(
            EC2,
            "EU-BoxUsage:x99.2xlarge",
            "Hours",
            3,
            "eu-west-1",
            SkuPriceDetails='{"CoreCount":"8","InstanceType":"x99.2xlarge","MemorySize":"32"}',
        ),
        IRELAND,
        3 * (8 * AWS_MEAN + (32 - 12) * MEMORY),
        3 * 8 * F(17) / LIFE,
    ),
    # Two of them: the standby runs as well.
    "database-with-standby": Case(
        aws(RDS, "EU-Multi-AZUsage:db.r6g.4xlarge", "Hours", 12, "eu-west-1"),
        IRELAND,
        12 * 2 * (16 * GRAVITON + (128 - 16 * F("2.0278")) * MEMORY),
        12 * 2 * 16 * F("1688.46") / 64 / LIFE,
    ),
    "database-reserved": Case(
        aws(
            RDS,
            "EU-InstanceUsage:db.r6g.2xlarge",
            "Hours",
            4,
            "eu-west-1",
            CommitmentDiscountStatus="Used",
        ),
        IRELAND,
        4 * (8 * GRAVITON + (64 - 8 * F("2.0278")) * MEMORY),
        4 * 8 * F("1688.46") / 64 / LIFE,
    ),
    "cache": Case(
        aws("Amazon ElastiCache", "EU-NodeUsage:cache.r6g.4xlarge", "Hours", 2, "eu-west-1"),
        IRELAND,
        2 * (16 * GRAVITON + (128 - 16 * F("2.0278")) * MEMORY),
        2 * 16 * F("1688.46") / 64 / LIFE,
    ),
    "objects": Case(
        aws(S3, "EU-TimedStorage-ByteHrs", "GB-Months", 1000, "eu-west-1"),
        IRELAND,
        1000 * 744 * 6 * HDD,
        1000 * 744 * 6 * HDD_MADE,
    ),
    "objects-in-one-zone": Case(
        aws(S3, "EU-TimedStorage-ZIA-ByteHrs", "GB-Months", 500, "eu-west-1"),
        IRELAND,
        500 * 744 * 2 * HDD,
        500 * 744 * 2 * HDD_MADE,
    ),
    "volume": Case(
        aws(EC2, "EU-EBS:VolumeUsage.gp3", "GB-Months", 200, "eu-west-1"),
        IRELAND,
        200 * 744 * 2 * SSD,
        200 * 744 * 2 * SSD_MADE,
    ),
    "volume-hdd": Case(
        aws(EC2, "EU-EBS:VolumeUsage.st1", "GB-Months", 200, "eu-west-1"),
        IRELAND,
        200 * 744 * 2 * HDD,
        200 * 744 * 2 * HDD_MADE,
    ),
    "snapshot": Case(
        aws(EC2, "EU-EBS:SnapshotUsage", "GB-Months", 50, "eu-west-1"),
        IRELAND,
        50 * 744 * 3 * HDD,
        50 * 744 * 3 * HDD_MADE,
    ),
    "database-storage": Case(
        aws(RDS, "EU-RDS:Multi-AZ-GP3-Storage", "GB-Months", 100, "eu-west-1"),
        IRELAND,
        100 * 744 * 4 * SSD,
        100 * 744 * 4 * SSD_MADE,
    ),
    # 1 GB is 1024/1792 of a vCPU, which holds less than the GB.
    "function": Case(
        aws("AWS Lambda", "EUN1-Lambda-GB-Second", "GB-Seconds", 3_600_000, "eu-north-1"),
        STOCKHOLM,
        1000 * (F(4, 7) * AWS_MEAN + (1 - F(4, 7) * F("1.5")) * MEMORY),
        1000 * F(4, 7) * F(17) / LIFE,
    ),
    "function-arm": Case(
        aws("AWS Lambda", "EU-Lambda-GB-Second-ARM", "GB-Seconds", 3_600_000, "eu-west-1"),
        IRELAND,
        1000 * F(4, 7) * GRAVITON,
        1000 * F(4, 7) * F(17) / LIFE,
    ),
    "container": Case(
        aws(
            "Amazon Elastic Container Service",
            "EU-Fargate-vCPU-Hours:perCPU",
            "Hours",
            7,
            "eu-west-1",
        ),
        IRELAND,
        7 * AWS_MEAN,
        7 * F(17) / LIFE,
    ),
    "container-memory": Case(
        aws("Amazon Elastic Container Service", "EU-Fargate-GB-Hours", "GB-Hours", 14, "eu-west-1"),
        IRELAND,
        14 * MEMORY,
    ),
    "to-the-internet": Case(
        aws("AWS Data Transfer", "EU-DataTransfer-Out-Bytes", "GB", 100, "eu-west-1"),
        IRELAND,
        100 * F(59),
    ),
    "between-zones": Case(
        aws("AWS Data Transfer", "EU-DataTransfer-Regional-Bytes", "GB", 1000, "eu-west-1"),
        IRELAND,
        1000 * F(1),
    ),
    "between-regions": Case(
        aws("AWS Data Transfer", "EU-USE1-AWS-Out-Bytes", "GB", 1000, "eu-west-1"),
        IRELAND,
        1000 * F("1.5"),
    ),
    "tokens": Case(
        aws("Amazon Bedrock", "USE1-Claude3Haiku-output-tokens", "1000 Tokens", 1000, "us-east-1"),
        VIRGINIA,
        1000 * F("1.840338"),
        1000 * F("0.0000364768"),
        of_facility=True,
    ),
    # 1.5 million tokens.
    "tokens-of-december": Case(
        aws(
            "Amazon Bedrock",
            "EUN1-Claude4.6Sonnet-output-tokens",
            "1K Tokens",
            1500,
            "eu-north-1",
            billing_month="2026-12-01",
        ),
        STOCKHOLM,
        1500 * F("2.419805"),
        1500 * F("0.0000678913"),
        of_facility=True,
    ),
    # Its embodied emissions in the public table are a millionth of the others': left out.
    "tokens-of-an-open-model": Case(
        aws("Amazon Bedrock", "USE1-Mistral7B-output-tokens", "1M Tokens", 2, "us-east-1"),
        VIRGINIA,
        2000 * F("0.05091"),
        of_facility=True,
    ),
    # 2 hours of an m5.large at idle: 2 vCPU and (8 - 2 x 1.5646) GiB are switched on for somebody.
    "held-idle": Case(
        aws(
            EC2,
            "EU-UnusedBox:m5.large",
            "Hours",
            2,
            "eu-west-1",
            CapacityReservationStatus="Unused",
        ),
        IRELAND,
        2 * (2 * F("0.612989") + (8 - 2 * F("1.5646")) * MEMORY),
        2 * 2 * F("1610.79") / 96 / LIFE,
    ),
    # The same of a commitment that nobody used: FOCUS wants no consumed quantity there.
    "held-idle-and-committed": Case(
        aws(
            EC2,
            "EU-HeavyUsage:m5.large",
            "",
            None,
            "eu-west-1",
            PricingQuantity=Decimal(2),
            PricingUnit="Hours",
            CapacityReservationStatus="Unused",
            CommitmentDiscountStatus="Unused",
        ),
        IRELAND,
        2 * (2 * F("0.612989") + (8 - 2 * F("1.5646")) * MEMORY),
        2 * 2 * F("1610.79") / 96 / LIFE,
    ),
    "held-idle-without-any-quantity": Case(
        aws(
            EC2,
            "EU-HeavyUsage:m5.large",
            "",
            None,
            "eu-west-1",
            PricingUnit="Hours",
            CapacityReservationStatus="Unused",
            CommitmentDiscountStatus="Unused",
        ),
        status="NotCovered",
    ),
    # The host is the hardware, used or not; what runs on it is counted there.
    "dedicated-host": Case(
        aws(EC2, "EU-HostUsage:m5", "Hours", 1, "eu-west-1"),
        IRELAND,
        96 * SKYLAKE,
        96 * F(17) / LIFE,
    ),
    "machine-on-that-host": Case(
        aws(EC2, "EU-HostBoxUsage:m5.large", "Hours", 1, "eu-west-1"), status="NotApplicable"
    ),
    # Two pods and the remainder of one machine hour, as the conversion of a native bill makes them.
    "pod-one": Case(
        aws(EC2, "EU-BoxUsage:m6i.8xlarge", "Hours", "0.25", "eu-west-1", ResourceId="pod/one"),
        IRELAND,
        F("0.25") * (32 * ICE_LAKE + (128 - 68) * MEMORY),
        F("0.25") * 32 * F("1788.46") / 128 / LIFE,
    ),
}

AZURE_LINES = {
    "machine": Case(
        azure("Virtual Machines", "D16s v5", "Hours", 10, "westeurope"),
        WEST_EUROPE,
        10 * (16 * ICE_LAKE + (64 - 16 * F("2.125")) * MEMORY),
        10 * 16 * F("1838.46") / 128 / LIFE,
    ),
    "machine-with-memory": Case(
        azure("Virtual Machines", "E32s v5", "Hours", 24, "northeurope"),
        NORTH_EUROPE,
        24 * (32 * ICE_LAKE + (256 - 68) * MEMORY),
        24 * 32 * F("1838.46") / 128 / LIFE,
    ),
    "spot": Case(
        azure("Virtual Machines", "D8s v5 Spot", "Hours", 3, "westeurope"),
        WEST_EUROPE,
        3 * (8 * ICE_LAKE + (32 - 17) * MEMORY),
        3 * 8 * F("1838.46") / 128 / LIFE,
    ),
    "gpu-machine": Case(
        azure("Virtual Machines", "NC24ads A100 v4", "Hours", 2, "eastus"),
        EAST_US,
        2 * (24 * AZURE_MEAN + (220 - 36) * MEMORY + A100),
        2 * (24 * F("1749.62") / 96 / LIFE + GPU_MADE),
    ),
    "database": Case(
        azure("SQL Database", "vCore - Gen5", "Hours", 16, "westeurope"),
        WEST_EUROPE,
        16 * AZURE_MEAN,
        16 * F(19) / LIFE,
    ),
    "web-app": Case(
        azure("App Service", "P3 v3 App", "Hours", 5, "westeurope"),
        WEST_EUROPE,
        5 * (8 * AZURE_MEAN + (32 - 12) * MEMORY),
        5 * 8 * F("1483.12") / 64 / LIFE,
    ),
    "objects": Case(
        azure("Storage Accounts", "Hot LRS Data Stored", "GB/Month", 1000, "westeurope"),
        WEST_EUROPE,
        1000 * 744 * 3 * HDD,
        1000 * 744 * 3 * HDD_MADE,
    ),
    "objects-in-two-regions": Case(
        azure("Storage Accounts", "Cool GRS Data Stored", "GB/Month", 1000, "westeurope"),
        WEST_EUROPE,
        1000 * 744 * 6 * HDD,
        1000 * 744 * 6 * HDD_MADE,
    ),
    "disk": Case(
        azure("Virtual Machines", "P10 LRS Disk", "Units/Month", "0.5", "westeurope"),
        WEST_EUROPE,
        F("0.5") * 744 * 128 * 3 * SSD,
        F("0.5") * 744 * 128 * 3 * SSD_MADE,
    ),
    "to-the-internet": Case(
        azure("Bandwidth", "Standard Data Transfer Out", "GB", 40, "westeurope"),
        WEST_EUROPE,
        40 * F(59),
    ),
    "tokens": Case(
        azure("Azure OpenAI", "gpt-4o-0806-Outp-glbl Tokens", "1000 Tokens", 500, "eastus"),
        EAST_US,
        500 * F("2.53898"),
        500 * F("0.0000661865"),
        of_facility=True,
    ),
    # Cost details count them one by one.
    "tokens-one-by-one": Case(
        azure(
            "Azure OpenAI",
            "gpt-4o-mini-0718-Outp-glbl Tokens",
            "Units",
            250_000,
            "eastus",
            billing_month="2026-12-01",
        ),
        EAST_US,
        250 * F("0.090811"),
        250 * F("0.0000048007"),
        of_facility=True,
    ),
    # 2 million tokens, in millions.
    "tokens-in-millions": Case(
        azure(
            "Azure OpenAI",
            "GPT 5 Mini outpt Glbl 1M Tokens",
            "1M",
            2,
            "westeurope",
            billing_month="2026-12-01",
        ),
        WEST_EUROPE,
        2000 * F("0.460553"),
        2000 * F("0.0000155603"),
        of_facility=True,
    ),
}

GCP_LINES = {
    "cores": Case(
        gcp("Compute Engine", "A2 Instance Core running in Iowa", "Hours", 96, "us-central1"),
        IOWA,
        96 * CASCADE_LAKE,
        96 * F(26) / LIFE,
    ),
    "cores-amd": Case(
        gcp("Compute Engine", "N2D AMD Instance Core running in Iowa", "Hours", 8, "us-central1"),
        IOWA,
        8 * EPYC_2,
        8 * F(26) / LIFE,
    ),
    "cores-of-another-family": Case(
        gcp("Compute Engine", "E2 Instance Core running in Iowa", "Hours", 8, "us-central1"),
        IOWA,
        8 * GOOGLE_MEAN,
        8 * F(26) / LIFE,
    ),
    "memory": Case(
        gcp("Compute Engine", "A2 Instance Ram running in Iowa", "GiB-Hours", 680, "us-central1"),
        IOWA,
        680 * MEMORY,
    ),
    "gpu": Case(
        gcp("Compute Engine", "Nvidia Tesla A100 GPU running in Iowa", "Hours", 8, "us-central1"),
        IOWA,
        8 * A100,
        8 * GPU_MADE,
    ),
    "gpu-small": Case(
        gcp("Compute Engine", "Nvidia L4 GPU running in Netherlands", "Hours", 4, "europe-west4"),
        NETHERLANDS,
        4 * L4,
        4 * GPU_MADE,
    ),
    "gpu-spot": Case(
        gcp(
            "Compute Engine",
            "Spot Preemptible Nvidia Tesla A100 GPU running in Iowa",
            "Hours",
            2,
            "us-central1",
        ),
        IOWA,
        2 * A100,
        2 * GPU_MADE,
    ),
    # The grid of the year of use.
    "cores-of-2023": Case(
        gcp(
            "Compute Engine",
            "A2 Instance Core running in Iowa",
            "Hours",
            96,
            "us-central1",
            billing_month="2023-10-01",
        ),
        IOWA_2023,
        96 * CASCADE_LAKE,
        96 * F(26) / LIFE,
    ),
    # Google counts tokens one by one; Lite is a model of its own, at a thirtieth of the other.
    "tokens": Case(
        gcp(
            "Vertex AI",
            "Gemini 2.5 Flash Lite Text Output - Predictions",
            "Count",
            500_000,
            "europe-west4",
            billing_month="2026-12-01",
        ),
        NETHERLANDS,
        500 * F("0.071878"),
        500 * F("0.0000023675"),
        of_facility=True,
    ),
    "prediction": Case(
        gcp(
            "Vertex AI",
            "Online prediction g2-standard-12 in europe-west4",
            "Hours",
            3,
            "europe-west4",
        ),
        NETHERLANDS,
        3 * (12 * CASCADE_LAKE + (48 - 12 * F("2.2078")) * MEMORY + L4),
        3 * (12 * F("1888.46") / 96 / LIFE + GPU_MADE),
    ),
    "service": Case(
        gcp("Cloud Run", "Services CPU Tier 1 in europe-west4", "Seconds", 36_000, "europe-west4"),
        NETHERLANDS,
        10 * GOOGLE_MEAN,
        10 * F(26) / LIFE,
    ),
    "objects": Case(
        gcp("Cloud Storage", "Standard Storage US Regional", "GiB-Months", 1000, "us-central1"),
        IOWA,
        1000 * 744 * 2 * HDD,
        1000 * 744 * 2 * HDD_MADE,
    ),
    "disk": Case(
        gcp(
            "Compute Engine",
            "SSD backed PD Capacity in Netherlands",
            "GiB-Months",
            100,
            "europe-west4",
        ),
        NETHERLANDS,
        100 * 744 * 2 * SSD,
        100 * 744 * 2 * SSD_MADE,
    ),
    # 1,000 GiB for the month in byte-seconds: the priced quantity says it in gibibytes.
    "objects-in-byte-seconds": Case(
        gcp(
            "Cloud Storage",
            "Standard Storage US Regional",
            "byte-seconds",
            1000 * 2**30 * 744 * 3600,
            "us-central1",
            PricingQuantity=Decimal(1000),
            PricingUnit="gibibyte month",
        ),
        IOWA,
        1000 * 744 * 2 * HDD,
        1000 * 744 * 2 * HDD_MADE,
    ),
    "objects-in-B-Seconds": Case(
        gcp(
            "Cloud Storage",
            "Standard Storage US Regional",
            "B-Seconds",
            1000 * 2**30 * 744 * 3600,
            "us-central1",
            PricingQuantity=Decimal(1000),
            PricingUnit="GiB-Months",
        ),
        IOWA,
        1000 * 744 * 2 * HDD,
        1000 * 744 * 2 * HDD_MADE,
    ),
    "tables": Case(
        gcp("BigQuery", "Active Logical Storage (europe-west4)", "GiB-Months", 300, "europe-west4"),
        NETHERLANDS,
        300 * 744 * 2 * HDD,
        300 * 744 * 2 * HDD_MADE,
    ),
    "to-the-internet": Case(
        gcp(
            "Networking",
            "Network Internet Data Transfer Out from Netherlands",
            "GiB",
            20,
            "europe-west4",
        ),
        NETHERLANDS,
        20 * F(59),
    ),
    "sole-tenancy-premium": Case(
        gcp(
            "Compute Engine", "Sole Tenancy Premium for N2 Instance Core", "Hours", 1, "us-central1"
        ),
        status="NotApplicable",
    ),
}

ONPREM_LINES = {
    "power": Case(onprem("On-Premises Servers", "Power", "kWh", "310.5"), SWEDEN, 310_500 * F(1)),
    # 1,000 kg over four years, of which this month is 744 hours.
    "depreciation": Case(
        onprem("On-Premises Servers", "Depreciation", "Months", 1), made=744 * F(1000) / LIFE
    ),
    "server": Case(
        onprem("Dedicated Servers", "dc-server-hour", "Hours", 24),
        SWEDEN,
        24 * SERVER,
        24 * F(1000) / LIFE,
    ),
    "storage": Case(
        onprem("Block Storage", "dc-san-hour", "GB-Hours", 18_000),
        SWEDEN,
        18_000 * HDD,
        18_000 * HDD_MADE,
    ),
    # The room's share of power is the overhead on every kWh.
    "space": Case(
        onprem("On-Premises Servers", "Space", "Rack Unit-Months", 2), status="NotApplicable"
    ),
    "site-of-no-country": Case(
        onprem("On-Premises Servers", "Power", "kWh", 10, site="FRA1"), status="NotCovered"
    ),
}

UNKNOWN_LINES = {
    "no-region": Case(
        aws("Amazon CloudFront", "EU-DataTransfer-Out-Bytes", "GB", 5, ""), status="NotCovered"
    ),
    "region-without-factor": Case(
        aws(EC2, "BoxUsage:m5.large", "Hours", 1, "moon-base-1"), status="NotCovered"
    ),
    "requests": Case(aws(S3, "EU-Requests-Tier2", "Requests", 9, "eu-west-1"), status="NotCovered"),
    "model-not-named": Case(
        aws("Amazon Bedrock", "USE1-OutputTokenCount", "1000 Tokens", 9, "us-east-1"),
        status="NotCovered",
    ),
    "input-tokens": Case(
        aws("Amazon Bedrock", "USE1-Claude3Haiku-input-tokens", "1000 Tokens", 9, "us-east-1"),
        status="NotCovered",
    ),
    "model-without-a-figure": Case(
        azure(
            "Azure OpenAI",
            "GPT 5.1 Codex opt Gl 1M Tokens",
            "1M",
            3,
            "eastus",
            billing_month="2026-12-01",
        ),
        status="NotCovered",
    ),
    "machine-not-known": Case(
        aws(EC2, "EU-BoxUsage:x99.2xlarge", "Hours", 1, "eu-west-1"), status="NotCovered"
    ),
    "gpu-machine-not-known": Case(
        aws(
            EC2,
            "EU-BoxUsage:x99.2xlarge",
            "Hours",
            1,
            "eu-west-1",
            SkuPriceDetails='{"CoreCount":"8","GpuCount":"2","MemorySize":"32"}',
        ),
        status="NotCovered",
    ),
    "seller": Case(
        aws("Lanternwatch Observability", "USE1-MP:m5.2xlarge", "Hours", 1, "us-east-1"),
        status="NotCovered",
    ),
    "another-provider": Case(
        _line("generic", "Snowpeak Warehouse", "warehouse.Hours", "Hours", 2, "eu-central-1", {}),
        status="NotCovered",
    ),
    "unit-that-says-nothing": Case(
        aws(EC2, "EU-BoxUsage:m5.large", "Requests", 2, "eu-west-1"), status="NotCovered"
    ),
    "beyond-counting": Case(
        aws(EC2, "EU-BoxUsage:m5.large", "Hours", 10**17, "eu-west-1"), status="NotCovered"
    ),
}

CASES = {
    f"{provider}/{name}": case
    for provider, cases in {
        "aws": AWS_LINES,
        "azure": AZURE_LINES,
        "gcp": GCP_LINES,
        "onprem": ONPREM_LINES,
        "unknown": UNKNOWN_LINES,
    }.items()
    for name, case in cases.items()
}
