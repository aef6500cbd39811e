"""Azure cost details: the pair of ActualCost and AmortizedCost exports of one scope.

Each of the two tells half of a month: what is invoiced, and what usage under reservations and
savings plans cost those who used it. A delivery is the newest pair of runs that cover the same
days. The store has the two exports as its folders `actual` and `amortized`; both may be one
container.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.azure.cost_exports import (
    Days,
    ExportType,
    Run,
    one_export_a_month,
    runs_of,
    without_manifest,
)
from dagster_project.exports.base import (
    PAIR,
    Candidate,
    ColumnKind,
    DeclaredExport,
    Found,
    Held,
    Listing,
    Measure,
    Schema,
    Twins,
    Unreadable,
    unreadable,
)
from dagster_project.months import Month
from dagster_project.stores.base import ObjectStore

ACTUAL, AMORTIZED = "actual", "amortized"
DATASET = "dataset"
HALF = "CT-LAND-HALF"

TYPES = {
    ACTUAL: ExportType("ActualCost", "Cost and usage details (actual)", "actual_export_name"),
    AMORTIZED: ExportType(
        "AmortizedCost", "Cost and usage details (amortized)", "amortized_export_name"
    ),
}

_ALONE = {
    ACTUAL: "There is an export of actual cost for this month and none of amortised cost. The "
    "actual one alone still says what is invoiced, by day, subscription and meter, purchases of "
    "reservations and savings plans included. It can't say what usage under a commitment cost "
    "those who used it, nor what stayed unused, so there would be no effective cost.",
    AMORTIZED: "There is an export of amortised cost for this month and none of actual cost. The "
    "amortised one alone still says what usage cost, with commitments spread over their term, and "
    "what stayed unused. It can't say what is invoiced: purchases and refunds of reservations and "
    "savings plans are not in it.",
}


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every pair of runs of every month, and what makes no pair.

    Options `actual_export_name` and `amortized_export_name` pick one export where a location holds
    several of the type.
    """
    halves: dict[str, dict[Month, list[_Half]]] = {}
    broken: set[Month] = set()
    for dataset, kind in TYPES.items():
        listing = Listing(store.list(f"{dataset}/"), root=f"{dataset}/")
        runs = list(one_export_a_month(runs_of(store, listing, kind, options), kind))
        lost = [run.found for run in runs if isinstance(run.found, Unreadable)]
        lost += without_manifest(listing, {run.found.month for run in runs})
        broken |= {found.month for found in lost}
        halves[dataset] = _by_month(runs)
        yield from lost
    for month in sorted(halves[ACTUAL].keys() | halves[AMORTIZED].keys()):
        actual, amortized = (halves[dataset].get(month, []) for dataset in TYPES)
        yield from _pairs(month, actual, amortized, month in broken)


@dataclass(frozen=True)
class _Half:
    """One readable run of one of the two exports."""

    run: Run
    candidate: Candidate
    days: Days


def _by_month(runs: Sequence[Run]) -> dict[Month, list[_Half]]:
    """Return readable runs by month, newest first."""
    months: dict[Month, list[_Half]] = defaultdict(list)
    for run in runs:
        if isinstance(run.found, Candidate) and run.days is not None:
            months[run.found.month].append(_Half(run, run.found, run.days))
    for halves in months.values():
        halves.sort(key=lambda half: half.candidate.order, reverse=True)
    return months


def _pairs(
    month: Month, actual: Sequence[_Half], amortized: Sequence[_Half], is_explained: bool
) -> Iterator[Found]:
    """Yield the pairs of a month; runs without a partner are reported unless they may get one.

    The two exports never run at the same moment, so one run more on one side is no fault.
    """
    pairs = [
        _pair(one, other)
        for days in {half.days for half in actual}
        for one, other in zip(
            [half for half in actual if half.days == days],
            [half for half in amortized if half.days == days],
            strict=False,
        )
    ]
    yield from pairs
    newest = max((pair.order for pair in pairs), default="")
    waiting = [
        [half for half in halves if half.candidate.order > newest] for halves in (actual, amortized)
    ]
    is_late = all(waiting) or max(map(len, waiting)) > 1
    if not is_explained and (is_late or not pairs):
        infos = [half.run.info for half in (*actual, *amortized)]
        yield unreadable(month, infos, _no_pair(actual, amortized))


def _pair(actual: _Half, amortized: _Half) -> Candidate:
    one, other = actual.candidate, amortized.candidate
    documents = {
        ACTUAL: json.loads(one.manifest_bytes.decode("utf-8-sig")),
        AMORTIZED: json.loads(other.manifest_bytes.decode("utf-8-sig")),
    }
    rows = None if one.rows is None or other.rows is None else one.rows + other.rows
    return replace(
        one,
        native_id=f"{one.native_id} + {other.native_id}",
        order=max(one.order, other.order),
        manifest_bytes=json.dumps(documents, sort_keys=True).encode(),
        parts=tuple(
            replace(part, name=f"{dataset}/{part.name}", constants={DATASET: dataset})
            for dataset, candidate in ((ACTUAL, one), (AMORTIZED, other))
            for part in candidate.parts
        ),
        rows=rows,
        note={"days": str(actual.days)},
        version="",
    )


def _no_pair(actual: Sequence[_Half], amortized: Sequence[_Half]) -> CloudtallyError:
    if not actual or not amortized:
        there, lacking = (ACTUAL, AMORTIZED) if actual else (AMORTIZED, ACTUAL)
        kind = TYPES[lacking]
        return CloudtallyError(
            HALF,
            f"{_ALONE[there]} Nothing of it is counted.",
            where={"there": there, "missing": lacking},
            next_step=f"Create an export of type {kind.name} for the same scope and months "
            f"(Cost Management > Exports > {kind.template}) and name its place as `{lacking}:`, "
            "or wait for its run of this month.",
        )
    one, other = actual[0], amortized[0]
    first = min(one.days.last, other.days.last) + dt.timedelta(days=1)
    return CloudtallyError(
        PAIR,
        "The newest actual and the newest amortised export don't cover the same days: actual "
        f"{one.days}, amortised {other.days}.",
        where={"first day": first},
        next_step="Give both exports the same time frame and schedule, and have both run again.",
    )


_TEXTS = """
AccountName AccountOwnerId AvailabilityZone BenefitId BenefitName BillingAccountId
BillingAccountName BillingCurrency BillingProfileId BillingProfileName ChargeType ConsumedService
CostAllocationRuleName CostCenter Frequency InvoiceId InvoiceSectionId InvoiceSectionName
IsAzureCreditEligible Location MeterCategory MeterId MeterName MeterRegion MeterSubCategory OfferId
PartNumber PartnerName PlanName PreviousInvoiceId PricingCurrency PricingModel ProductId ProductName
ProductOrderId ProductOrderName Provider PublisherId PublisherName PublisherType ResellerMpnId
ReservationId ReservationName ResourceGroup ResourceId ResourceLocation ResourceName ResourceType
ServiceFamily ServiceInfo1 ServiceInfo2 ServiceName ServiceTier SubscriptionId SubscriptionName Tags
Term UnitOfMeasure
""".split()  # noqa: SIM905
_AMOUNTS = """
CostInPricingCurrency CostInUsd EffectivePrice ExchangeRatePricingToBilling
PaygCostInBillingCurrency PaygCostInUsd PayGPrice Quantity UnitPrice
""".split()  # noqa: SIM905
_DATES = """
BillingPeriodEndDate BillingPeriodStartDate Date ExchangeRateDate ServicePeriodEndDate
ServicePeriodStartDate
""".split()  # noqa: SIM905
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "BillingCurrency": ("BillingCurrencyCode", "Currency"),
    "Cost": ("CostInBillingCurrency",),
    "Date": ("UsageDateTime", "UsageDate"),
    "EffectivePrice": ("ResourceRate",),
    "ExchangeRatePricingToBilling": ("ExchangeRate",),
    "InvoiceSectionName": ("InvoiceSection",),
    "PartnerName": ("ResellerName",),
    "PricingCurrency": ("PricingCurrencyCode",),
    "ProductName": ("Product",),
    "Quantity": ("UsageQuantity",),
    "ResourceGroup": ("ResourceGroupName",),
    "ResourceId": ("InstanceId", "InstanceName"),
    "SubscriptionId": ("SubscriptionGuid",),
}
"""What each column is called in the files of some kind of account, whatever its case."""

_MANDATORY = frozenset(
    {"BillingCurrency", "Date", "MeterCategory", "Quantity", "SubscriptionId", "UnitOfMeasure"}
)
_COMMITMENTS = frozenset({"reservation", "savingsplan"})


def _schema(version: str, cost: str, more: frozenset[str]) -> Schema:
    """Declare the columns of a kind of file; the three kinds of account differ in spelling."""
    kinds = {
        **dict.fromkeys(_TEXTS, ColumnKind.TEXT),
        **dict.fromkeys([cost, *_AMOUNTS], ColumnKind.DECIMAL),
        **dict.fromkeys(_DATES, ColumnKind.DAY),
        "AdditionalInfo": ColumnKind.JSON,
    }
    return Schema(
        version=version,
        columns=kinds,
        mandatory=_MANDATORY | more | {cost},
        never_null=frozenset({cost, "Date", "BillingCurrency"}),
        totals=(),
        measures=(
            Measure("BilledCost", first_of=(cost,), constants={DATASET: ACTUAL}),
            Measure("EffectiveCost", first_of=(cost,), constants={DATASET: AMORTIZED}),
        ),
        period="Date",
        billed="BillingPeriodStartDate",
        days="Date",
        accounts=("BillingAccountId", "SubscriptionId"),
        spellings={name: others for name, others in _SPELLINGS.items() if name in kinds},
        twins=Twins(
            constant=DATASET,
            first=ACTUAL,
            second=AMORTIZED,
            day="Date",
            amount=(cost,),
            apart=(
                (
                    Held.FIRST,
                    {
                        "ChargeType": frozenset({"purchase", "refund"}),
                        "PricingModel": _COMMITMENTS,
                    },
                ),
                (Held.SECOND, {"PricingModel": _COMMITMENTS}),
                (
                    Held.SECOND,
                    {"ChargeType": frozenset({"unusedreservation", "unusedsavingsplan"})},
                ),
            ),
        ),
    )


# The older files of pay-as-you-go accounts don't say what kind of charge a line is.
EXPORT = DeclaredExport(
    is_emissions=False,
    finder=find,
    declared=(
        _schema("cost-details", "Cost", frozenset({"ChargeType", "PricingModel"})),
        _schema("usage-details", "PreTaxCost", frozenset()),
    ),
)
