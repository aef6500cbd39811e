"""One suite per published relation, written for the person who reads it.

Belongs here: the list of suites. Adding a mart is one new module and one line below.
"""

from expectations.promises import Suite
from expectations.suites import (
    bridge_estimate_factor,
    dimensions,
    dq_result,
    fct_cost_and_carbon,
    fct_emissions_reported,
    fct_restatement,
    focus_datasets,
    mart_accrual,
    mart_ai_workload,
    mart_carbon_bridge,
    mart_carbon_budget,
    mart_carbon_coverage,
    mart_carbon_intensity,
    mart_carbon_nowcast,
    mart_carbon_reconciliation,
    mart_carbon_restatement,
    mart_chargeback_month,
    mart_commitment_rollforward,
    mart_data_calendar,
    mart_ghg_inventory,
    mart_hotspot,
    mart_invoice_reconciliation,
    mart_kubernetes_carbon,
    mart_spend_carbon_daily,
    mart_spend_carbon_monthly,
    mart_spend_postings,
    mart_spend_reporting_month,
)

ALL_SUITES: tuple[Suite, ...] = (
    fct_cost_and_carbon.SUITE,
    fct_emissions_reported.SUITE,
    fct_restatement.SUITE,
    mart_spend_carbon_daily.SUITE,
    mart_spend_carbon_monthly.SUITE,
    mart_spend_reporting_month.SUITE,
    mart_chargeback_month.SUITE,
    mart_hotspot.SUITE,
    mart_ghg_inventory.SUITE,
    mart_ai_workload.SUITE,
    mart_kubernetes_carbon.SUITE,
    mart_carbon_coverage.SUITE,
    mart_carbon_reconciliation.SUITE,
    mart_carbon_nowcast.SUITE,
    mart_carbon_bridge.SUITE,
    mart_carbon_restatement.SUITE,
    *mart_carbon_intensity.SUITES,
    mart_carbon_budget.SUITE,
    mart_commitment_rollforward.SUITE,
    mart_accrual.SUITE,
    *mart_spend_postings.SUITES,
    mart_invoice_reconciliation.SUITE,
    mart_data_calendar.SUITE,
    dq_result.SUITE,
    *focus_datasets.SUITES,
    *dimensions.SUITES,
    bridge_estimate_factor.SUITE,
)
"""Every suite, in the order in which a reader would ask."""


def suites_for(relations: frozenset[str] | set[str]) -> tuple[Suite, ...]:
    """Return the suites of these relations, in the usual order."""
    return tuple(suite for suite in ALL_SUITES if suite.relation in relations)
