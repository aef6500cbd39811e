"""What readers of the FOCUS datasets beside Cost and Usage may rely on.

None of them promises rows: a dataset that nothing supplies is published empty, and `dq_result` says
so.
"""

from collections.abc import Mapping, Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    one_of,
    one_row_per,
)

STANDARD_COLUMNS = "The columns are those of FOCUS 1.4, in its order, and no others."
NAMED_ONCE = "A row stands once: sums and joins count nothing twice."
FILLED = "What the standard demands of every row is there; a row without it was left out."

BILLING_PERIOD_COLUMNS = (
    "BillingPeriodCreated",
    "BillingPeriodEnd",
    "BillingPeriodLastUpdated",
    "BillingPeriodStart",
    "BillingPeriodStatus",
    "InvoiceIssuerName",
)
CONTRACT_COMMITMENT_COLUMNS = (
    "BillingCurrency",
    "ContractCommitmentApplicability",
    "ContractCommitmentBenefitCategory",
    "ContractCommitmentCategory",
    "ContractCommitmentCost",
    "ContractCommitmentCreated",
    "ContractCommitmentDescription",
    "ContractCommitmentDiscountPercentage",
    "ContractCommitmentDurationType",
    "ContractCommitmentFulfillmentInterval",
    "ContractCommitmentId",
    "ContractCommitmentLastUpdated",
    "ContractCommitmentLifecycleStatus",
    "ContractCommitmentModel",
    "ContractCommitmentOfferCategory",
    "ContractCommitmentPaymentInterval",
    "ContractCommitmentPaymentModel",
    "ContractCommitmentPaymentUpfrontPercentage",
    "ContractCommitmentPeriodEnd",
    "ContractCommitmentPeriodStart",
    "ContractCommitmentQuantity",
    "ContractCommitmentType",
    "ContractCommitmentUnit",
    "ContractId",
    "ContractPeriodEnd",
    "ContractPeriodStart",
    "InvoiceIssuerName",
    "PricingCurrency",
    "PricingCurrencyContractCommitmentCost",
    "ServiceProviderName",
)
CONTRACT_COMMITMENT_OPTIONAL = (
    "BillingCurrency",
    "ContractCommitmentCost",
    "ContractCommitmentDescription",
    "ContractCommitmentDiscountPercentage",
    "ContractCommitmentPaymentUpfrontPercentage",
    "ContractCommitmentQuantity",
    "ContractCommitmentUnit",
    "PricingCurrency",
    "PricingCurrencyContractCommitmentCost",
)
INVOICE_DETAIL_COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "InvoiceDetailCreated",
    "InvoiceDetailDescription",
    "InvoiceDetailGrain",
    "InvoiceDetailId",
    "InvoiceDetailLastUpdated",
    "InvoiceId",
    "InvoiceIssueDate",
    "InvoiceIssueStatus",
    "InvoiceIssuerName",
    "PaymentCurrency",
    "PaymentCurrencyBilledCost",
    "PaymentCurrencyInvoiceDetailId",
    "PaymentDueDate",
    "PaymentTerms",
    "PurchaseOrderNumber",
    "ReferenceInvoiceId",
)
INVOICE_DETAIL_OPTIONAL = (
    "InvoiceDetailDescription",
    "InvoiceDetailGrain",
    "InvoiceIssueDate",
    "PaymentCurrency",
    "PaymentCurrencyBilledCost",
    "PaymentCurrencyInvoiceDetailId",
    "PaymentDueDate",
    "PurchaseOrderNumber",
)
CONTRACT_COMMITMENT_WORDS: Mapping[str, Sequence[str]] = {
    "ContractCommitmentBenefitCategory": ("Discount", "Entitlement", "Availability", "Other"),
    "ContractCommitmentCategory": ("Spend", "Usage"),
    "ContractCommitmentFulfillmentInterval": (
        "Hourly",
        "Daily",
        "Weekly",
        "Monthly",
        "Quarterly",
        "Semi-Annual",
        "Annual",
        "Full Period",
        "Transactional",
        "Custom",
    ),
    "ContractCommitmentLifecycleStatus": (
        "Proposed",
        "Pending",
        "Active",
        "Exhausted",
        "Expired",
        "Canceled",
        "Superseded",
    ),
    "ContractCommitmentModel": ("Continuous", "Discontinuous"),
    "ContractCommitmentOfferCategory": ("Negotiated", "Public"),
    "ContractCommitmentPaymentInterval": (
        "One-Time",
        "Monthly",
        "Quarterly",
        "Semi-Annual",
        "Annual",
        "Custom",
    ),
    "ContractCommitmentPaymentModel": ("No Upfront", "Partial Upfront", "All Upfront"),
}


def _shape(
    columns: Sequence[str], key: Sequence[str], optional: Sequence[str] = ()
) -> tuple[Promise, ...]:
    return (
        columns_in_order(columns, STANDARD_COLUMNS),
        all_filled([column for column in columns if column not in optional], FILLED),
        one_row_per("row_named_once", key, NAMED_ONCE),
    )


def _ends_after_start(begin: str, end: str) -> Promise:
    return never(
        "ends_after_its_start",
        f"select {begin}, {end} from batch where {end} <= {begin}",
        "A period ends after its start; its end is the first instant that it no longer holds.",
        "warning",
    )


def _updated_after_created(prefix: str) -> Promise:
    created, updated = f"{prefix}Created", f"{prefix}LastUpdated"
    return never(
        "updated_after_created",
        f"select {created}, {updated} from batch where {updated} < {created}",
        "A record is not updated before it came into being.",
        "warning",
    )


def _words(values: Mapping[str, Sequence[str]]) -> list[Promise]:
    return [
        one_of(
            f"{column}_allowed",
            column,
            allowed,
            f"{column} is one of the standard's words: {', '.join(allowed)}.",
        )
        for column, allowed in values.items()
    ]


def _billing_period(_: Scope) -> Sequence[Promise]:
    return (
        *_shape(BILLING_PERIOD_COLUMNS, ("InvoiceIssuerName", "BillingPeriodStart")),
        *_words({"BillingPeriodStatus": ("Open", "Closed")}),
        _ends_after_start("BillingPeriodStart", "BillingPeriodEnd"),
        _updated_after_created("BillingPeriod"),
    )


def _contract_commitment(_: Scope) -> Sequence[Promise]:
    return (
        *_shape(
            CONTRACT_COMMITMENT_COLUMNS,
            ("ContractId", "ContractCommitmentId"),
            CONTRACT_COMMITMENT_OPTIONAL,
        ),
        *_words(CONTRACT_COMMITMENT_WORDS),
        _ends_after_start("ContractCommitmentPeriodStart", "ContractCommitmentPeriodEnd"),
        _updated_after_created("ContractCommitment"),
        never(
            "shares_between_none_and_all",
            """
            select * from batch
            where ContractCommitmentDiscountPercentage not between 0 and 1
                or ContractCommitmentPaymentUpfrontPercentage not between 0 and 1
            """,
            "A discount and a share paid upfront lie between 0 and 1.",
            "warning",
        ),
    )


def _invoice_detail(_: Scope) -> Sequence[Promise]:
    return (
        *_shape(
            INVOICE_DETAIL_COLUMNS,
            ("InvoiceIssuerName", "InvoiceId", "InvoiceDetailId"),
            INVOICE_DETAIL_OPTIONAL,
        ),
        *_words(
            {
                "ChargeCategory": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
                "InvoiceIssueStatus": ("Open", "Issued", "Voided"),
            }
        ),
        _ends_after_start("BillingPeriodStart", "BillingPeriodEnd"),
        _updated_after_created("InvoiceDetail"),
    )


SUITES: tuple[Suite, ...] = (
    Suite(
        name="focus_v1_4_billing_period",
        relation="focus_v1_4_billing_period",
        reader="For whoever asks which billing periods an issuer has closed.",
        promises=_billing_period,
    ),
    Suite(
        name="focus_v1_4_contract_commitment",
        relation="focus_v1_4_contract_commitment",
        reader="For whoever asks what was promised to a provider, for how long and for how much.",
        promises=_contract_commitment,
    ),
    Suite(
        name="focus_v1_4_invoice_detail",
        relation="focus_v1_4_invoice_detail",
        reader="For whoever holds charges against what the invoices say, line by line.",
        promises=_invoice_detail,
    ),
)
