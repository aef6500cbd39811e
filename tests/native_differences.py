"""Where native bills and FOCUS exports of the same months differ, and why.

The one table behind `docs/native_vs_focus.md` and `tests/integration/test_native_equals_focus.py`:
the test fails for a difference that isn't declared here and for one that no longer occurs.
Write the page anew with `python -m tests.native_differences docs/native_vs_focus.md`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CUR2, CUR, AZURE, GCP = "aws-main", "aws-sandbox", "azure-legacy", "gcp-ml"
EXPORTS = {
    CUR2: "AWS CUR 2.0",
    CUR: "AWS legacy CUR",
    AZURE: "Azure cost details",
    GCP: "Google Cloud detailed billing export",
}
ALL = ("*",)
"""Every kind of line that the source has; at least one of them has to differ."""


@dataclass(frozen=True)
class Difference:
    """One explained difference.

    Attributes:
        sources: Sources of the sample estate that show it.
        columns: Columns of the fact.
        reason: Why both are right, or why one can't say it.
        scopes: Kinds of lines that show it; `ALL` for any.
    """

    sources: tuple[str, ...]
    columns: tuple[str, ...]
    reason: str
    scopes: tuple[str, ...] = ALL


@dataclass(frozen=True)
class Recut:
    """Lines that a native format cuts otherwise: sums are compared, lines are not."""

    source: str
    scope: str
    reason: str


CORRECTIONS: tuple[tuple[str, str, str], ...] = (
    (
        "AWS CUR 2.0, AWS legacy CUR",
        "`line_item_usage_end_date` is not later than the first instant of the billed month",
        "refunds",
    ),
    (
        "Azure cost details",
        "`Date` lies before `BillingPeriodStartDate`, or before the month of the delivery in a "
        "file without it",
        "refunds; no column marks any other",
    ),
    (
        "Google Cloud detailed billing export",
        "`usage_end_time` is not later than the beginning of the invoice's month in California, "
        "where Google's months begin",
        "lines whose `adjustment_info.type` is a usage, price or metadata correction and whose "
        "usage began before the invoice's month; goodwill and payment credits correct no charge",
    ),
)
"""Per export: what is late usage, and what else is a correction."""

AWS = (CUR2, CUR)
UNUSED_PLAN, USED_PLAN = "unused spend commitment", "used spend commitment"
UNUSED, USED = "unused usage commitment", "used usage commitment"
PLAN_BOUGHT, BOUGHT = "spend commitment purchase", "usage commitment purchase"
USAGE, LATE, REFUND = "usage", "late usage", "refund"
OWN = "credit or adjustment"
ESTIMATED = (
    "x_EstimateStatus", "x_EstimatedEnergyKwh", "x_EstimatedOperationalKg", "x_EstimatedFeraKg",
    "x_EstimatedEmbodiedKg", "x_EstimatedCarbonKg", "x_EstimatedCarbonLowKg",
    "x_EstimatedCarbonHighKg", "x_EstimatedWaterL", "x_EstimateQuality", "x_FactorSetId",
)  # fmt: skip
"""Everything that estimates say of a line."""

RECUT: tuple[Recut, ...] = (
    Recut(
        CUR2,
        PLAN_BOUGHT,
        "The bill has a fee line for every hour or day of a savings plan; FOCUS has one line a "
        "month.",
    ),
    Recut(
        CUR2,
        UNUSED,
        "The fee line of a reservation says what a month left unused: one line a month. FOCUS "
        "states it for every period.",
    ),
    Recut(
        GCP,
        BOUGHT,
        "The export has a fee line for every period of a commitment; FOCUS has one line a month.",
    ),
    Recut(
        GCP,
        UNUSED,
        "What is unused is what a month's fee leaves after a month's covered usage: one line a "
        "month. FOCUS states it for every period.",
    ),
    Recut(
        GCP,
        OWN,
        "A promotion is credited on the usage lines that it pays for, and each credit becomes a "
        "line; FOCUS has one line for the promotion.",
    ),
)
DIFFERENCES: tuple[Difference, ...] = (
    # AWS
    Difference(
        (CUR2,),
        ("BillingAccountType", "SubAccountType"),
        "The bill doesn't say what kind of account it names.",
    ),
    Difference(
        (CUR,),
        ("BillingAccountName", "SubAccountName"),
        "The legacy report has numbers of accounts and no names.",
    ),
    Difference(
        (CUR,),
        ("x_Environment",),
        "The rule that tells this account's environment goes by its name.",
    ),
    Difference(
        AWS,
        ("PublisherName",),
        "The bill names the legal entity that sells; FOCUS its brand.",
    ),
    Difference(
        AWS,
        ("ResourceName", "ResourceType"),
        "The bill has ids of resources, and neither names nor types.",
    ),
    Difference(
        AWS,
        ("ResourceId",),
        "The bill names machines, volumes, interfaces and buckets by plain ids; the FOCUS export "
        "of the sample estate by ARN.",
    ),
    Difference(
        (CUR2,),
        ("Tags",),
        "CUR 2.0 spells the keys of tags in lower case with underscores. The legacy report keeps "
        "them as people typed them.",
    ),
    Difference(
        (CUR2,),
        ("ServiceName",),
        "Names come from `seeds/maps`; volumes and snapshots are products of EC2 in the bill.",
        (USAGE,),
    ),
    Difference(
        (CUR2,),
        ("ServiceCategory",),
        "The bill has no category for products of AWS Marketplace.",
        (USAGE,),
    ),
    Difference(
        (CUR2,),
        ("ServiceSubcategory",),
        "Sub-categories come from `seeds/maps`, which see data transfer as connectivity; products "
        "of AWS Marketplace have none.",
        (USAGE,),
    ),
    Difference(
        (CUR2,),
        ("SkuPriceDetails",),
        "The bill's product attributes are fewer than those of the FOCUS export, and others.",
        (USAGE, LATE, USED_PLAN, USED),
    ),
    Difference(
        (CUR2,),
        ("CommitmentDiscountName",),
        "Commitments have no names in the bill.",
        (USED_PLAN, UNUSED_PLAN, USED, BOUGHT),
    ),
    Difference(
        (CUR2,),
        ("ChargeDescription", "ChargeFrequency", "PricingQuantity", "PricingUnit"),
        "The bill has no line for what is unused. It is made from the fee line, whose words it "
        "keeps; its quantity is money.",
        (UNUSED_PLAN,),
    ),
    Difference(
        (CUR2,),
        ("PricingQuantity", "CommitmentDiscountQuantity"),
        "The fee line of a reservation counts the hours of all instances.",
        (BOUGHT,),
    ),
    Difference(
        (CUR2,),
        ("ChargeFrequency",),
        "A subscription sold on AWS Marketplace is a line of usage in the bill.",
        (USAGE,),
    ),
    Difference(
        (CUR2,),
        (
            "ContractedUnitPrice",
            "ListUnitPrice",
            "PricingCurrencyContractedUnitPrice",
            "PricingCurrencyListUnitPrice",
        ),
        "The bill states no rate for products of AWS Marketplace, for refunds, for fees and for "
        "what is unused.",
        (USAGE, REFUND, "purchase", UNUSED_PLAN, BOUGHT),
    ),
    Difference(
        (CUR2,),
        ("ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit", *ESTIMATED),
        "A refund gives money back; nothing is metered.",
        (REFUND,),
    ),
    Difference(
        (CUR,),
        (
            "InvoiceId",
            "PricingCurrency",
            "PricingCurrencyContractedUnitPrice",
            "PricingCurrencyEffectiveCost",
            "PricingCurrencyListUnitPrice",
            "ServiceSubcategory",
            "SkuMeter",
            "SkuPriceDetails",
        ),
        "The other export of this account is FOCUS 1.0, which has no such column; the bill has it.",
    ),
    # Azure
    Difference(
        (AZURE,),
        ("InvoiceIssuerName",),
        "Cost details of an enrollment don't name the legal entity that writes the invoice.",
    ),
    Difference(
        (AZURE,),
        ("ChargeCategory",),
        "Cost details know a credit only as an adjustment.",
        (OWN,),
    ),
    Difference(
        (AZURE,),
        ("ChargePeriodEnd",),
        "A line of cost details has a date, and a purchase, a credit or a rounding no period.",
        (BOUGHT, OWN),
    ),
    Difference(
        (AZURE,),
        ("ConsumedQuantity",),
        "What is priced by ten thousand is consumed by one.",
        (USAGE, LATE),
    ),
    Difference(
        (AZURE,),
        ("ConsumedUnit",),
        "What is priced by ten thousand is consumed by one.",
        (USAGE, LATE),
    ),
    Difference(
        (AZURE,),
        ("PricingQuantity",),
        "Cost details count reserved machines when they are bought and their hours when they are "
        "unused.",
        (BOUGHT, UNUSED),
    ),
    Difference(
        (AZURE,),
        ("ContractedUnitPrice",),
        "Cost details state the price of a reservation, and none of what is unused.",
        (BOUGHT, UNUSED),
    ),
    Difference(
        (AZURE,),
        ("ListUnitPrice",),
        "Cost details have no list price of reservations.",
        (BOUGHT, UNUSED),
    ),
    Difference(
        (AZURE,),
        (
            "PricingCurrencyContractedUnitPrice",
            "PricingCurrencyListUnitPrice",
        ),
        "Azure's FOCUS export leaves these columns out; an enrollment is priced in the currency "
        "that it pays.",
    ),
    Difference(
        (AZURE,),
        ("ResourceType",),
        "Types are read from resource ids, in lower case.",
        (USAGE, LATE, USED, UNUSED, BOUGHT),
    ),
    Difference(
        (AZURE,),
        ("ServiceName",),
        "Names come from `seeds/maps`; a reservation belongs to Azure Reservations.",
        (USAGE, LATE, UNUSED, BOUGHT),
    ),
    Difference(
        (AZURE,),
        ("ServiceCategory",),
        "A reservation that nobody uses belongs to Azure Reservations.",
        (UNUSED, BOUGHT),
    ),
    Difference(
        (AZURE,),
        ("ServiceSubcategory",),
        "Sub-categories come from `seeds/maps`, which see a storage account as a platform.",
        (USAGE, LATE, UNUSED, BOUGHT),
    ),
    Difference(
        (AZURE,),
        ("SkuId", "SkuPriceId"),
        "Cost details have the meter's id, and no id of its price.",
        (USAGE, LATE, USED, UNUSED, BOUGHT),
    ),
    # Google
    Difference(
        (GCP,),
        ("BillingAccountName", "PricingCurrency", "SkuPriceId"),
        "The detailed export has no such column.",
    ),
    Difference(
        (GCP,),
        (
            "PricingCurrencyContractedUnitPrice",
            "PricingCurrencyEffectiveCost",
            "PricingCurrencyListUnitPrice",
        ),
        "The detailed export has prices in the currency of the bill only.",
    ),
    Difference(
        (GCP,),
        ("InvoiceIssuerName",),
        "The detailed export doesn't name the legal entity that writes the invoice.",
    ),
    Difference(
        (GCP,),
        ("BillingPeriodEnd", "BillingPeriodStart"),
        "FOCUS as Google writes it begins a billing month at midnight in California; a conversion "
        "begins it at midnight UTC, as for all providers.",
    ),
    Difference(
        (GCP,),
        ("CommitmentDiscountName", "CommitmentDiscountType"),
        "Credits name the kind of discount, not the commitment.",
        (USED,),
    ),
    Difference(
        (GCP,),
        ("ConsumedQuantity", "ConsumedUnit"),
        "The detailed export measures in base units (seconds, bytes); FOCUS in units of the price.",
        (USAGE, LATE, USED),
    ),
    Difference(
        (GCP,),
        ("RegionName",),
        "Names come from `seeds/maps`.",
    ),
    Difference(
        (GCP,),
        ("ResourceType",),
        "Types are read from global names of resources.",
        (USAGE, LATE, USED),
    ),
    Difference(
        (GCP,),
        ("SkuPriceDetails",),
        "The detailed export has machine types as labels, and no details of prices.",
        (USAGE, LATE, USED),
    ),
    Difference(
        (GCP,),
        ("Tags",),
        "Google's own labels of machines join the tags, under a prefix.",
        (USAGE, LATE, USED),
    ),
    Difference(
        (GCP,),
        ("(lines)",),
        "Google writes no line for hours in which covered machines rest; FOCUS has lines of "
        "nothing.",
        (USED,),
    ),
)


def render() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Native bills against FOCUS exports"
    yield ""
    yield "The sample estate writes the same months twice from one book: as FOCUS exports, and as"
    yield "the providers' own formats (`cloudtally sample --format native`). A test builds the fact"
    yield "from both. Billed, effective, list and contracted cost have equal sums by month, sub"
    yield "account and kind of line. Every other column is equal, line by line, except for what"
    yield "stands here. The test fails for a difference that isn't listed, and for one that is"
    yield "listed and no longer occurs."
    yield ""
    yield "Reported emissions are shared over lines to 18 decimals of a kilogram. Which line of a"
    yield "group bears the last unit of a scope depends on the key of the line, and keys differ; a"
    yield "total adds three scopes up."
    yield ""
    yield "## Late usage and corrections"
    yield ""
    yield "FOCUS calls a charge a correction when it changes a billing period that is invoiced,"
    yield "late usage included. It is in the billing period that bills it, with its own charge"
    yield "period. Native lines don't say what is invoiced; that a provider bills usage with a"
    yield "later period says it. A correction within its own period has no class."
    yield ""
    yield "| export | late usage, marked `LateUsage` | other corrections |"
    yield "|---|---|---|"
    for row in CORRECTIONS:
        yield f"| {' | '.join(row)} |"
    yield ""
    yield "## Lines that are cut otherwise"
    yield ""
    yield "| export | lines | why |"
    yield "|---|---|---|"
    for recut in RECUT:
        yield f"| {EXPORTS[recut.source]} | {recut.scope} | {recut.reason} |"
    for source, title in EXPORTS.items():
        yield ""
        yield f"## {title}"
        yield ""
        yield "| columns | lines | why |"
        yield "|---|---|---|"
        for difference in DIFFERENCES:
            if source in difference.sources:
                columns = ", ".join(difference.columns)
                scopes = "all" if difference.scopes == ALL else ", ".join(difference.scopes)
                yield f"| {columns} | {scopes} | {difference.reason} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
