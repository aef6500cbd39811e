"""What the reader of restatements may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    none_negative,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    CARBON_STATES,
    COLUMNS_FIXED,
    COST_STATES,
    first_of_month,
    known_provider,
)

RELATION = "fct_restatement"
CLOCKS = ("cost", "carbon")
CAUSES = (
    "late_usage", "late_charge", "credit", "correction", "price", "tag", "re_export", "withdrawn",
    "rules", "our_code", "configuration", "carbon_method", "carbon_factor", "allocation", "unknown",
)  # fmt: skip
GRAIN = ("PreviousPublicationId", "Clock", "Provider", "PeriodMonth", "BillingCurrency")
MONEY = ("BilledCostDifference", "EffectiveCostDifference")
KILOGRAMS = (
    "CarbonLocationKgDifference",
    "CarbonMarketKgDifference",
    "CarbonUnspecifiedKgDifference",
)
ROWS = ("RowsAdded", "RowsChanged", "RowsRemoved")
COLUMNS = (
    "RestatementId",
    "Clock",
    "Provider",
    "PeriodMonth",
    "BillingCurrency",
    "StateBefore",
    "Cause",
    "ChangedInputs",
    "Natures",
    "DifferenceStatus",
    *ROWS,
    *MONEY,
    *KILOGRAMS,
    "DeliveriesBefore",
    "DeliveriesAfter",
    "LargestContributors",
    "PreviousPublicationId",
    "DetectedAt",
    "AcknowledgedBy",
    "AcknowledgedAt",
    "AcknowledgementReason",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_clocks_apart(), _closed_periods_are_acknowledged())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_change",
            GRAIN,
            "One row per changed period, currency and publication: sums count no change twice.",
        ),
        all_filled(
            ("RestatementId", "Clock", "Provider", "PeriodMonth", "StateBefore", "Cause",
             "DetectedAt"),
            "Every row says what changed, when that was found, why, and how final it had been.",
        ),
        one_of("clock_known", "Clock", CLOCKS, "A period is of the cost or of the carbon clock."),
        one_of("cause_known", "Cause", CAUSES, "The cause is one of the documented words."),
        one_of(
            "state_before_known",
            "StateBefore",
            tuple(dict.fromkeys((*COST_STATES, *CARBON_STATES))),
            "The state before is one that a period can have.",
        ),
        none_negative("rows_counted", ROWS, "No fewer than zero lines changed."),
        never(
            "differences_known_or_said_lost",
            f"""
            select * from batch
            where DifferenceStatus = 'computed'
                and (RowsAdded is null or RowsChanged is null or RowsRemoved is null)
                or DifferenceStatus <> 'computed'
                and coalesce({", ".join((*ROWS, *MONEY, *KILOGRAMS))}) is not null
            """,
            "By how much a period changed is known, or the row says that the version before is "
            "lost: no difference is made up.",
        ),
        first_of_month("PeriodMonth"),
        known_provider("Provider"),
    )  # fmt: skip


def _clocks_apart() -> Sequence[Promise]:
    return (
        never(
            "money_has_a_currency",
            f"select * from batch where coalesce({', '.join(MONEY)}) is not null"
            " and BillingCurrency is null",
            "An amount of money names its currency.",
        ),
        never(
            "clocks_share_no_measure",
            f"""
            select * from batch
            where Clock = 'cost' and coalesce({", ".join(KILOGRAMS)}) is not null
                or Clock = 'carbon' and coalesce({", ".join(MONEY)}) is not null
            """,
            "Carbon that changes never shows as a change of cost, nor the other way round.",
        ),
    )


def _closed_periods_are_acknowledged() -> Promise:
    return never(
        "closed_periods_are_acknowledged",
        """
        select * from batch
        where StateBefore in ('closed', 'restated')
            and (AcknowledgedBy is null or nullif(trim(AcknowledgementReason), '') is null)
        """,
        "A closed period changed only after somebody had accepted the change, with a reason.",
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever signed a number and asks whether it has moved since.",
    promises=_promises,
)
