"""What the reader of the tie-out with invoices may rely on."""

from collections.abc import Sequence

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
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider

RELATION = "mart_invoice_reconciliation"
GRAIN = (
    "billing_month",
    "invoice_issuer_name",
    "billing_account_id",
    "invoice_id",
    "billing_currency",
)
BRIDGE = (
    "bridge_tax",
    "bridge_rounding",
    "bridge_fx",
    "bridge_credits",
    "bridge_refunds",
    "bridge_commitments",
    "bridge_support",
    "bridge_marketplace",
    "bridge_corrections",
    "bridge_on_invoice_not_in_data",
    "bridge_in_data_not_invoiced",
)
COLUMNS = (
    "billing_month",
    "provider",
    *GRAIN[1:],
    "tie_key",
    "control_total",
    "fact_total",
    "invoice_total",
    "difference",
    *BRIDGE,
    "unexplained",
    "tolerance",
    "outcome",
    "outcome_reason",
    "variance_lines",
    "counterparts",
    "fact_net_total",
    "invoice_net_total",
    "net_difference",
    "net_outcome",
    "invoice_total_minus_lines",
    "ledger_total",
    "invoice_count",
    "charge_lines",
    "invoice_due_on",
)
OUTCOMES = ("match", "within_tolerance", "variance", "pending", "not_reconcilable")


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_bridge(), *_verdicts())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_invoice", GRAIN, "An invoice is one row: no amount is tied twice."
        ),
        all_filled(
            ("billing_month", "billing_currency", "tie_key", "outcome", "net_outcome"),
            "Every row says month, currency, what it ties by, and how that ended.",
        ),
        first_of_month("billing_month"),
        known_provider(),
    )


def _bridge() -> Sequence[Promise]:
    return (
        never(
            "difference_is_invoice_minus_charges",
            """
            select * from batch
            where difference <> coalesce(invoice_total, 0) - coalesce(fact_total, 0)
            """,
            "The difference is the invoice minus the charges, to the last digit.",
        ),
        never(
            "bridge_adds_up",
            f"""
            select * from batch
            where difference is not null
                and coalesce(difference <> {" + ".join(BRIDGE)} + unexplained, true)
            """,
            "The lines of the bridge and what is unexplained add up to the difference, to the "
            "last digit.",
        ),
        never(
            "rounding_is_small",
            "select * from batch where abs(bridge_rounding) > tolerance",
            "Rounding is never more than the tolerance: it hides nothing.",
        ),
    )


def _verdicts() -> Sequence[Promise]:
    return (
        one_of("outcome_known", "outcome", OUTCOMES, "An outcome is one of five words."),
        one_of("net_outcome_known", "net_outcome", OUTCOMES, "So is the outcome net of tax."),
        never(
            "match_leaves_nothing",
            """
            select * from batch
            where outcome = 'match'
                and (
                    unexplained <> 0
                    or bridge_on_invoice_not_in_data <> 0
                    or bridge_in_data_not_invoiced <> 0
                    or invoice_total_minus_lines <> 0
                )
            """,
            "What matches has nothing unexplained and nothing on one side only.",
        ),
        never(
            "tolerance_is_kept",
            """
            select * from batch
            where outcome = 'within_tolerance' and abs(unexplained) > tolerance
            """,
            "What is within the tolerance is within the tolerance shown beside it.",
        ),
        never(
            "verdicts_explained",
            """
            select * from batch
            where outcome in ('variance', 'pending', 'not_reconcilable')
                and nullif(trim(outcome_reason), '') is null
            """,
            "Whatever doesn't match says why in words.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For finance, who ask whether the charges are what was invoiced, and why not.",
    promises=_promises,
    month_column="billing_month",
)
