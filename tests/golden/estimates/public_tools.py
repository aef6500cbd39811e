"""What public tools say of the lines that `by_hand.py` works out, and why they differ.

CCF was run: `getCostAndUsageReportsDataFromInputData` of @cloud-carbon-footprint/aws 0.15.0 and
`getDataFromConsumptionManagementInputData` of @cloud-carbon-footprint/azure 1.8.0, Node 20, in
November 2026; its figures are for one unit and are multiplied here. SPRUCE 1.2 and EcoLogits 0.9.3
were not: their rules are written out with the figures of their own tables. Google's lines are
missing because the part of CCF that reads them isn't published, and the others don't read them.
"""

from dataclasses import dataclass
from fractions import Fraction

from tests.golden.estimates.by_hand import (
    A10G,
    A100,
    AWS_MEAN,
    AZURE_MEAN,
    CASES,
    IRELAND,
    MEMORY,
    VIRGINIA,
    WEST_EUROPE,
    Case,
)

F = Fraction


@dataclass(frozen=True)
class Figure:
    """What a tool says of a line.

    Attributes:
        tool: Which tool.
        line: Key of the line in `CASES`.
        kwh: Energy as the tool counts it; None where it gives the line none.
        kg: Operational emissions, location-based.
        made: kg of making the hardware; None where the tool gives none by itself.
        why: Keys of `REASONS`.
        ratio: kg of the tool over kg of ours, where the reasons are factors and are all there is.
    """

    tool: str
    line: str
    kwh: Fraction | None
    kg: Fraction | None
    why: tuple[str, ...]
    made: Fraction | None = None
    ratio: Fraction | None = None

    @property
    def case(self) -> Case:
        return CASES[self.line]


CCF, SPRUCE, ECOLOGITS = "CCF", "SPRUCE", "EcoLogits"

REASONS = {
    "grid": "**Grid.** CCF has a factor of its own for each region and no year: 279 g/kWh in"
    " Ireland (ours 257), 379 in Virginia (384), 322 in Oregon (184), 708 in Mumbai (659), 8.8 in"
    " Stockholm (35). Ours are Ember's of 2025.",
    "overhead": "**Overhead.** CCF has one for all regions of a provider: 1.135 for AWS, 1.185 for"
    " Azure. Ours are what the providers publish for each region.",
    "region": "**Region.** CCF's lookup of Azure's lines loses the region: all of them have 351"
    " g/kWh, the mean of all regions that it knows.",
    "supply": "**Supply and losses.** SPRUCE multiplies operational emissions by 1.04 for power"
    " supplies and by 1.08 for losses in the grid. Ours keeps losses out of scope 2, in"
    " `x_EstimatedFeraKg`, and has no supply beside watts and PUE.",
    "energy": "**Energy.** SPRUCE's kWh are those of the equipment: its PUE is in the emissions"
    " alone.",
    "processor": "**Processor.** CCF, of 2024, takes 2.12 W per vCPU of AWS and 2.14 W of Azure"
    " where it doesn't know the machine, and has rounded watts for families. Ours are those of"
    " ccf-coefficients of April 2026.",
    "memory": "**Memory.** CCF takes from a machine's memory what its chips hold on average and"
    " counts the rest at 0.392 W per GB. Ours takes off what the power of the vCPU holds in the"
    " same benchmark, 1.2 to 2.2 GiB for each.",
    "machine": "**Machine.** SPRUCE has kWh per hour and grams of making it from Boavizta's model"
    " of the machine. Ours has watts per vCPU of measured servers and memory beyond those, and"
    " what was emitted for the host in the list of ccf-coefficients, over four years.",
    "month": "**Month.** SPRUCE and CCF give every month 30.42 days, SPRUCE 30 to a disk of Azure."
    " Ours has 744 hours in October.",
    "day": "**Day.** CCF's lookup counts a month of storage in Azure as a day.",
    "terabyte": "**Terabyte.** CCF's has 1,000 GB, SPRUCE's and ours 1,024.",
    "medium": "**Medium.** Both take Azure's blobs for solid-state drives, 1.2 W per TB. Ours takes"
    " them for hard disks, 0.65, as all three do with S3.",
    "burst": "**Burstable.** CCF takes a t3.medium for 0.8 vCPU, its baseline over all its vCPU."
    " Ours counts the two that are held.",
    "standby": "**Standby.** SPRUCE takes a Multi-AZ database for one machine. Ours counts two, as"
    " CCF does.",
    "replicas": "**Replicas.** CCF counts a vCore of SQL Database three times. Ours counts it"
    " once.",
    "accelerator": "**Accelerator.** CCF's lookup counts no GPU of an Azure machine.",
    "app": "**Size of a plan.** CCF reads none out of the meter of App Service and counts one vCPU;"
    " this one has eight.",
    "function": "**Lambda.** CCF's lookup takes a GB-second for a second of a whole vCPU. It is"
    " 1,024/1,792 of one.",
    "as-storage": "**Memory of Fargate.** CCF takes a GB-hour for one on a solid-state drive.",
    "fargate": "**Fargate.** SPRUCE takes 8.8 W per vCPU, four times as much as CCF and ours, and"
    " 0.06 W per GB of memory, a seventh.",
    "bytes": "**Unit.** CCF's lookup takes GB-months of S3 for byte-hours: next to nothing is"
    " left.",
    "network": "**Network.** CCF counts 1 Wh per GB, whatever the way. Ours and SPRUCE take 59 Wh"
    " to a user and 1.5 Wh to another region.",
    "twice": "**Tokens.** EcoLogits' energy of a token is that of the data centre. SPRUCE"
    " multiplies it by the PUE once more.",
    "zone": "**Place.** EcoLogits isn't told where a request ran and takes the provider's country:"
    " the United States, 383.55 g/kWh.",
    "unknown": "**None.** The tool has no rule for the line.",
}

# --------------------------------------------------------------------------------------- CCF, run

CCF_OVERHEAD = F("1.135") / IRELAND.pue
CCF_GRID = F("0.2786") / IRELAND.grid
CCF_MONTH = F("730.08") / 744 * F(1024, 1000)
CCF_AZURE_OVERHEAD = F("1.185") / WEST_EUROPE.pue
CCF_REGION = F("0.35127996") / WEST_EUROPE.grid
CCF_DAY = F(24, 744) * F(1024, 1000)
CCF_BLOBS = CCF_DAY * F("1.2") / F("0.65") * CCF_AZURE_OVERHEAD * CCF_REGION


def ccf(line: str, kwh: str, kg: str, *why: str, ratio: Fraction | None = None) -> Figure:
    return Figure(CCF, line, F(kwh), F(kg), why, ratio=ratio)


CCF_FIGURES = [
    # 32 x 2.12 W, and 17.18 W of memory.
    ccf("aws/machine", "0.97928963", "0.27283009", "processor", "memory", "overhead", "grid"),
    ccf("aws/machine-arm", "0.9239808", "0.00813103", "processor", "memory", "overhead", "grid"),
    ccf("aws/machine-with-memory", "0.18836696", "0.07140408", "memory", "overhead", "grid"),
    ccf("aws/spot", "0.34372941", "0.09576301", "processor", "memory", "overhead", "grid"),
    # The GPUs have the same watts here and there.
    ccf("aws/gpu-machine", "3.81305458", "1.44541079", "memory", "overhead", "grid"),
    ccf(
        "aws/gpu-machine-large",
        "1.39048971",
        "0.44796990",
        "processor",
        "memory",
        "overhead",
        "grid",
    ),
    ccf("aws/machine-described", "0.02040951", "0.01445402", "burst", "memory", "overhead", "grid"),
    ccf("aws/database-with-standby", "1.52347042", "0.42443886", "memory", "overhead", "grid"),
    ccf("aws/database-reserved", "0.13506069", "0.03762791", "memory", "overhead", "grid"),
    ccf("aws/cache", "0.12965747", "0.03612257", "memory", "overhead", "grid"),
    ccf("aws/objects", "4.0259e-12", "1.1216e-12", "bytes"),
    ccf("aws/objects-in-one-zone", "6.7098e-13", "1.8693e-13", "bytes"),
    ccf(
        "aws/volume",
        "0.39774758",
        "0.11081248",
        "month",
        "terabyte",
        "overhead",
        "grid",
        ratio=CCF_MONTH * CCF_OVERHEAD * CCF_GRID,
    ),
    ccf(
        "aws/volume-hdd",
        "0.21544661",
        "0.06002342",
        "month",
        "terabyte",
        "overhead",
        "grid",
        ratio=CCF_MONTH * CCF_OVERHEAD * CCF_GRID,
    ),
    ccf(
        "aws/snapshot",
        "0.08079248",
        "0.02250878",
        "month",
        "terabyte",
        "overhead",
        "grid",
        ratio=CCF_MONTH * CCF_OVERHEAD * CCF_GRID,
    ),
    Figure(CCF, "aws/database-storage", None, None, ("unknown",)),
    ccf("aws/function", "2.4062", "0.02117456", "function", "memory", "overhead", "grid"),
    ccf("aws/function-arm", "1.2258", "0.34150788", "function", "overhead", "grid"),
    ccf(
        "aws/container",
        "0.0168434",
        "0.00469257",
        "overhead",
        "grid",
        ratio=CCF_OVERHEAD * CCF_GRID,
    ),
    ccf("aws/container-memory", "0.000019068", "0.0000053123", "as-storage", "overhead", "grid"),
    ccf(
        "aws/to-the-internet",
        "0.1135",
        "0.0316211",
        "network",
        "overhead",
        "grid",
        ratio=CCF_OVERHEAD * CCF_GRID / 59,
    ),
    ccf(
        "aws/between-zones",
        "1.135",
        "0.316211",
        "overhead",
        "grid",
        ratio=CCF_OVERHEAD * CCF_GRID,
    ),
    ccf(
        "aws/between-regions",
        "1.135",
        "0.316211",
        "network",
        "overhead",
        "grid",
        ratio=CCF_OVERHEAD * CCF_GRID / F("1.5"),
    ),
    # 16 x 2.14 W, and 19.83 W of memory.
    ccf("azure/machine", "0.65351906", "0.22956815", "processor", "memory", "overhead", "region"),
    ccf(
        "azure/machine-with-memory",
        "3.06862271",
        "1.07794567",
        "processor",
        "memory",
        "overhead",
        "region",
    ),
    ccf("azure/spot", "0.09994518", "0.03510874", "processor", "memory", "overhead", "region"),
    ccf(
        "azure/gpu-machine",
        "0.24871168",
        "0.08736743",
        "accelerator",
        "processor",
        "memory",
        "overhead",
        "region",
    ),
    ccf(
        "azure/database",
        "0.1217232",
        "0.04275892",
        "replicas",
        "processor",
        "overhead",
        "region",
        ratio=3 * F("2.14") / AZURE_MEAN * CCF_AZURE_OVERHEAD * CCF_REGION,
    ),
    ccf(
        "azure/web-app",
        "0.0126795",
        "0.00445405",
        "app",
        "processor",
        "memory",
        "overhead",
        "region",
    ),
    ccf(
        "azure/objects",
        "0.102384",
        "0.03596545",
        "day",
        "medium",
        "terabyte",
        "overhead",
        "region",
        ratio=CCF_BLOBS,
    ),
    ccf(
        "azure/objects-in-two-regions",
        "0.204768",
        "0.0719309",
        "day",
        "medium",
        "terabyte",
        "overhead",
        "region",
        ratio=CCF_BLOBS,
    ),
    ccf(
        "azure/disk",
        "0.00655258",
        "0.00230179",
        "day",
        "terabyte",
        "overhead",
        "region",
        ratio=CCF_DAY * CCF_AZURE_OVERHEAD * CCF_REGION,
    ),
    ccf(
        "azure/to-the-internet",
        "0.0474",
        "0.01665067",
        "network",
        "overhead",
        "region",
        ratio=CCF_AZURE_OVERHEAD * CCF_REGION / 59,
    ),
    Figure(CCF, "azure/tokens", None, None, ("unknown",)),
]

# -------------------------------------------------------------------------- SPRUCE, by its rules

SUPPLY, LOSSES = F("1.04"), F("1.08")
AVERAGE_MONTH = 24 * F("30.42")
SPRUCE_SUPPLY = SUPPLY * LOSSES


def spruce(
    line: str,
    kwh: Fraction,
    *why: str,
    grams: Fraction | None = None,
    ratio: Fraction | None = None,
) -> Figure:
    """Return what SPRUCE makes of energy before overhead and of grams of making the hardware."""
    place = CASES[line].place
    if place is None:
        raise ValueError(line)
    kg = kwh * place.grid * place.pue * SPRUCE_SUPPLY
    made = None if grams is None else grams / 1000
    return Figure(SPRUCE, line, kwh, kg, ("energy", "supply", *why), made, ratio)


def spruce_machine(
    line: str,
    hours: str,
    kwh: str,
    grams: str,
    *why: str,
    accelerator_watts: Fraction | None = None,
) -> Figure:
    energy = F(hours) * (F(kwh) + (accelerator_watts or F(0)) / 1000)
    return spruce(line, energy, "machine", *why, grams=F(hours) * F(grams))


def spruce_storage(
    line: str, gb_months: int, copies: int, watts: str, *why: str, our_watts: str | None = None
) -> Figure:
    kwh = gb_months * AVERAGE_MONTH * copies * F(watts) / 1024 / 1000
    ratio = SPRUCE_SUPPLY * AVERAGE_MONTH / 744 * F(watts) / F(our_watts or watts)
    return spruce(line, kwh, "month", *why, ratio=ratio)


SPRUCE_FIGURES = [
    spruce_machine("aws/machine", "10", "0.0555556", "6.6"),
    spruce_machine("aws/machine-arm", "24", "0.018611126", "3"),
    spruce_machine("aws/machine-with-memory", "1", "0.07222228", "20"),
    spruce_machine("aws/spot", "5", "0.0277778", "3.7"),
    spruce_machine("aws/gpu-machine", "8", "0.05833338", "21", accelerator_watts=4 * A10G),
    spruce_machine("aws/gpu-machine-large", "0.5", "0.25277798", "106", accelerator_watts=8 * A100),
    spruce_machine("aws/machine-described", "2", "0.003055558", "0.31"),
    spruce_machine("aws/database-with-standby", "12", "0.023888908", "6.5", "standby"),
    spruce_machine("aws/database-reserved", "4", "0.011944454", "3.3"),
    Figure(SPRUCE, "aws/cache", None, None, ("unknown",)),
    spruce_storage("aws/objects", 1000, 6, "0.65"),
    spruce_storage("aws/objects-in-one-zone", 500, 2, "0.65"),
    spruce_storage("aws/volume", 200, 2, "1.2"),
    spruce_storage("aws/volume-hdd", 200, 2, "0.65"),
    spruce_storage("aws/snapshot", 50, 3, "0.65"),
    Figure(SPRUCE, "aws/database-storage", None, None, ("unknown",)),
    Figure(SPRUCE, "aws/function", None, None, ("unknown",)),
    spruce(
        "aws/container",
        7 * F("0.0088121875"),
        "fargate",
        ratio=SPRUCE_SUPPLY * F("8.8121875") / AWS_MEAN,
    ),
    spruce(
        "aws/container-memory",
        14 * F("0.0000598"),
        "fargate",
        ratio=SPRUCE_SUPPLY * F("0.0598") / MEMORY,
    ),
    spruce("aws/to-the-internet", 100 * F("0.059"), ratio=SPRUCE_SUPPLY),
    spruce("aws/between-zones", 1000 * F("0.001"), ratio=SPRUCE_SUPPLY),
    spruce("aws/between-regions", 1000 * F("0.0015"), ratio=SPRUCE_SUPPLY),
    spruce(
        "aws/tokens",
        1000 * F("0.001840338"),
        "twice",
        grams=1000 * F("0.03647679"),
        ratio=VIRGINIA.pue * SPRUCE_SUPPLY,
    ),
    spruce(
        "aws/tokens-of-an-open-model",
        2000 * F("0.00005090966"),
        "twice",
        grams=2000 * F("0.00000001627604"),
        ratio=VIRGINIA.pue * SPRUCE_SUPPLY,
    ),
    spruce_machine("azure/machine", "10", "0.02500002", "3.6"),
    spruce_machine("azure/machine-with-memory", "24", "0.06388894", "12"),
    Figure(SPRUCE, "azure/spot", None, None, ("unknown",)),
    Figure(SPRUCE, "azure/gpu-machine", None, None, ("unknown",)),
    spruce_storage("azure/objects", 1000, 3, "1.2", "medium", our_watts="0.65"),
    spruce_storage("azure/objects-in-two-regions", 1000, 6, "1.2", "medium", our_watts="0.65"),
    spruce(
        "azure/disk",
        F("0.5") * 720 * 128 * 3 * F("1.2") / 1024 / 1000,
        "month",
        ratio=SPRUCE_SUPPLY * F(720, 744),
    ),
    Figure(SPRUCE, "azure/to-the-internet", None, None, ("unknown",)),
    Figure(SPRUCE, "azure/tokens", None, None, ("unknown",)),
]

# ----------------------------------------------------------------------- EcoLogits, by its rules

UNITED_STATES = F("0.38355")


def ecologits(line: str, thousands: int, wh: str, made_kg: str) -> Figure:
    place = CASES[line].place
    if place is None:
        raise ValueError(line)
    kwh = thousands * F(wh) / 1000
    made = thousands * F(made_kg)
    ratio = UNITED_STATES / place.grid
    return Figure(ECOLOGITS, line, kwh, kwh * UNITED_STATES, ("zone",), made, ratio)


ECOLOGITS_FIGURES = [
    ecologits("aws/tokens", 1000, "1.840338", "0.00003647679"),
    ecologits("azure/tokens", 500, "2.53898", "0.00006618652"),
    ecologits("gcp/tokens", 500, "0.0718778", "0.000002367515"),
]

FIGURES = [*CCF_FIGURES, *SPRUCE_FIGURES, *ECOLOGITS_FIGURES]
