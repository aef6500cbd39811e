with restatements as (
    select * from {{ source('ledger', 'restatements') }}
)

select
    restatement_id as RestatementId,
    period_clock as Clock,
    period_provider as Provider,
    period_month as PeriodMonth,
    billing_currency as BillingCurrency,
    state_before as StateBefore,
    main_cause as Cause,
    changed_inputs as ChangedInputs,
    change_natures as Natures,
    difference_status as DifferenceStatus,
    rows_added as RowsAdded,
    rows_changed as RowsChanged,
    rows_removed as RowsRemoved,
    billed_difference as BilledCostDifference,
    effective_difference as EffectiveCostDifference,
    carbon_location_difference as CarbonLocationKgDifference,
    carbon_market_difference as CarbonMarketKgDifference,
    carbon_unspecified_difference as CarbonUnspecifiedKgDifference,
    deliveries_before as DeliveriesBefore,
    deliveries_after as DeliveriesAfter,
    largest_contributors as LargestContributors,
    previous_publication_id as PreviousPublicationId,
    detected_at as DetectedAt,
    acknowledged_by as AcknowledgedBy,
    acknowledged_at as AcknowledgedAt,
    acknowledgement_reason as AcknowledgementReason
from restatements
