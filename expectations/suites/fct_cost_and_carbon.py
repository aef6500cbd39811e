"""What the reader of the fact table may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_present,
    never,
    not_empty,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    CARBON_STATUSES,
    ESTIMATE_STATUSES,
    RECORD_KINDS,
    WORKLOAD_PHASES,
    first_of_month,
    known_environment,
    known_provider,
)

RELATION = "fct_cost_and_carbon"
FOCUS_COLUMNS = (
    "AllocatedMethodDetails",
    "AllocatedMethodId",
    "AllocatedResourceId",
    "AllocatedResourceName",
    "AllocatedTags",
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "CommitmentProgramEligibilityDetails",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractApplied",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceDetailId",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
)
EXTENSION_COLUMNS = (
    "x_RecordKind",
    "x_ChargeKey",
    "x_Provider",
    "x_BillingMonth",
    "x_SourceName",
    "x_DeliveryId",
    "x_CarbonDeliveryId",
    "x_SourceChanges",
    "x_SourceValues",
    "x_CarbonReportedStatus",
    "x_CarbonLocationKg",
    "x_CarbonMarketKg",
    "x_CarbonUnspecifiedKg",
    "x_CarbonProviderScope1Kg",
    "x_CarbonProviderScope2LocationKg",
    "x_CarbonProviderScope2MarketKg",
    "x_CarbonProviderScope2UnspecifiedKg",
    "x_CarbonProviderScope3LocationKg",
    "x_CarbonProviderScope3MarketKg",
    "x_CarbonProviderScope3UnspecifiedKg",
    "x_CarbonMethod",
    "x_CarbonModelVersion",
    "x_UnallocatedReason",
    "x_EstimateStatus",
    "x_EstimatedEnergyKwh",
    "x_EstimatedOperationalKg",
    "x_EstimatedFeraKg",
    "x_EstimatedEmbodiedKg",
    "x_EstimatedCarbonKg",
    "x_EstimatedCarbonLowKg",
    "x_EstimatedCarbonHighKg",
    "x_EstimatedWaterL",
    "x_EstimateQuality",
    "x_FactorSetId",
    "x_EstimateRateId",
    "x_Owner",
    "x_CostCenter",
    "x_Environment",
    "x_Workload",
    "x_WorkloadPhase",
    "x_RuleSetId",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_words(), *_money(), *_carbon())


def _shape() -> Sequence[Promise]:
    return (
        columns_present(
            (*FOCUS_COLUMNS, *EXTENSION_COLUMNS),
            "Every column of the FOCUS union and every documented extension is there. Later "
            "releases may add extensions, none goes away.",
        ),
        not_empty(RELATION, "There are charges: an empty fact is never published."),
        one_row_per(
            "charge_key_unique",
            ("x_ChargeKey",),
            "A charge has one key and one row: nothing is counted twice.",
        ),
        all_filled(
            ("x_ChargeKey", "x_RecordKind", "x_Provider", "x_BillingMonth", "x_SourceName"),
            "Every row has a key and says what it is, whose, of which month and from where.",
        ),
        first_of_month("x_BillingMonth"),
        known_provider("x_Provider"),
    )


def _words() -> Sequence[Promise]:
    return (
        one_of(
            "record_kind_known",
            "x_RecordKind",
            RECORD_KINDS,
            "A row is a charge, or an emission that no charge could carry.",
        ),
        one_of(
            "carbon_status_known",
            "x_CarbonReportedStatus",
            CARBON_STATUSES,
            "Why a row has reported carbon, or has none, is one of seven words.",
        ),
        one_of(
            "estimate_status_known",
            "x_EstimateStatus",
            ESTIMATE_STATUSES,
            "Why a row has an estimate, or has none, is one of three words.",
        ),
        known_environment("x_Environment"),
        one_of(
            "workload_phase_known",
            "x_WorkloadPhase",
            WORKLOAD_PHASES,
            "The phase of a workload is training, fine-tuning, inference, experiment, none or "
            "unknown.",
        ),
    )


def _money() -> Sequence[Promise]:
    return (
        never(
            "charges_name_their_currency",
            """
            select x_ChargeKey, BillingCurrency, BilledCost from batch
            where x_RecordKind = 'Charge'
                and (BillingCurrency is null or not regexp_matches(BillingCurrency, '^[A-Z]{3}$'))
            """,
            "Every charge names its currency in three letters: two currencies are never added.",
        ),
        never(
            "charges_have_costs",
            """
            select x_ChargeKey, BilledCost, EffectiveCost from batch
            where x_RecordKind = 'Charge' and (BilledCost is null or EffectiveCost is null)
            """,
            "Every charge has a billed and an effective cost.",
        ),
        never(
            "unallocated_emissions_cost_nothing",
            """
            select x_ChargeKey, BilledCost, EffectiveCost, ListCost, ContractedCost from batch
            where x_RecordKind = 'UnallocatedEmissions'
                and (BilledCost is distinct from 0 or EffectiveCost is distinct from 0
                    or ListCost is distinct from 0 or ContractedCost is distinct from 0)
            """,
            "An emission that no charge could carry costs nothing: the invoice isn't touched.",
        ),
    )


def _carbon() -> Sequence[Promise]:
    return (
        never(
            "unallocated_emissions_say_why",
            """
            select x_ChargeKey, x_UnallocatedReason from batch
            where x_RecordKind = 'UnallocatedEmissions'
                and nullif(trim(x_UnallocatedReason), '') is null
            """,
            "An emission that no charge could carry says why.",
        ),
        never(
            "unknown_carbon_is_not_a_number",
            """
            select
                x_ChargeKey,
                x_CarbonReportedStatus,
                x_CarbonLocationKg,
                x_CarbonMarketKg,
                x_CarbonUnspecifiedKg
            from batch
            where x_RecordKind = 'Charge'
                and coalesce(x_CarbonReportedStatus, '') not in ('Reported', 'BelowThreshold')
                and (x_CarbonLocationKg is not null or x_CarbonMarketKg is not null
                    or x_CarbonUnspecifiedKg is not null)
            """,
            "Carbon that wasn't reported is unknown, not zero: only reported rows have kilograms.",
        ),
        never(
            "estimate_within_its_interval",
            """
            select
                x_ChargeKey,
                x_EstimatedCarbonLowKg,
                x_EstimatedCarbonKg,
                x_EstimatedCarbonHighKg
            from batch
            where x_EstimatedCarbonLowKg > x_EstimatedCarbonKg
                or x_EstimatedCarbonKg > x_EstimatedCarbonHighKg
            """,
            "An estimate lies between its low and its high bound.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For analysts: every charge line with its cost, its carbon and where both come from.",
    promises=_promises,
    month_column="x_BillingMonth",
)
