"""Which columns of the fact belong to which clock.

Lineage belongs to neither: an identical re-delivery, or a rule that moves no row, is no change.
"""

from collections.abc import Iterable

from dagster_project.ledger.store import Clock

FACT = "fct_cost_and_carbon"
LINEAGE = frozenset({"x_DeliveryId", "x_CarbonDeliveryId", "x_RuleSetId", "x_EstimateRateId"})
KILOGRAMS = ("x_CarbonLocationKg", "x_CarbonMarketKg", "x_CarbonUnspecifiedKg")
SCOPES = (
    "x_CarbonProviderScope1Kg",
    "x_CarbonProviderScope2LocationKg",
    "x_CarbonProviderScope2MarketKg",
    "x_CarbonProviderScope2UnspecifiedKg",
    "x_CarbonProviderScope3LocationKg",
    "x_CarbonProviderScope3MarketKg",
    "x_CarbonProviderScope3UnspecifiedKg",
)
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
PRICES = (*COSTS, "ListUnitPrice", "ContractedUnitPrice", "PricingCurrencyListUnitPrice",
          "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost")  # fmt: skip
QUANTITIES = ("ConsumedQuantity", "PricingQuantity")
DELIVERED_TAGS = ("Tags",)
VIRTUAL_TAGS = ("x_Owner", "x_CostCenter", "x_Environment", "x_Workload", "x_WorkloadPhase")

_CARBON = ("x_Carbon", "x_Estimate")
_CARBON_WORDS = frozenset({"x_UnallocatedReason", "x_FactorSetId"})


def columns_of(clock: Clock, columns: Iterable[str]) -> list[str]:
    """Return the columns whose contents a clock watches, in alphabetical order."""
    wanted = clock is Clock.CARBON
    return sorted(name for name in columns if name not in LINEAGE and _is_carbon(name) is wanted)


def counted_rows(clock: Clock) -> str:
    """Return the SQL condition of the rows that a clock watches.

    Cost: charges. Carbon: rows that hold any carbon, so that a charge without any, such as one that
    came after the close, moves nothing.
    """
    if clock is Clock.COST:
        return "x_RecordKind = 'Charge'"
    has_any = " or ".join(f"{name} is not null" for name in (*KILOGRAMS, "x_EstimatedCarbonKg"))
    return f"({has_any}) and x_CarbonReportedStatus <> 'LateAfterClose'"


def month_column(clock: Clock) -> str:
    """Return SQL for the month that a row belongs to: billed in, for carbon used in."""
    if clock is Clock.COST:
        return "x_BillingMonth"
    return "cast(date_trunc('month', ChargePeriodStart) as date)"


def _is_carbon(name: str) -> bool:
    return name.startswith(_CARBON) or name in _CARBON_WORDS
