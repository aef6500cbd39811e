"""The suites on a tiny published file: they hold, and each fault breaks the promise it should."""

import datetime as dt
import html
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pytest

from expectations import results as result_types
from expectations.dialect import BoundedBuffer, TruncatedResultError
from expectations.engine import run_suites
from expectations.promises import EXISTS, Promise, Scope, Suite, never
from expectations.results import SuiteResult
from expectations.suites import ALL_SUITES, suites_for
from expectations.suites import bridge_estimate_factor as factors
from expectations.suites import dimensions as dims
from expectations.suites import dq_result as dq
from expectations.suites import fct_cost_and_carbon as fct
from expectations.suites import fct_emissions_reported as emissions
from expectations.suites import fct_restatement as restatement
from expectations.suites import focus_datasets as datasets
from expectations.suites import mart_accrual as accrual
from expectations.suites import mart_ai_workload as ai
from expectations.suites import mart_carbon_bridge as bridge
from expectations.suites import mart_carbon_budget as budget
from expectations.suites import mart_carbon_coverage as coverage
from expectations.suites import mart_carbon_intensity as intensity
from expectations.suites import mart_carbon_nowcast as nowcast
from expectations.suites import mart_carbon_reconciliation as comparison
from expectations.suites import mart_carbon_restatement as restated_carbon
from expectations.suites import mart_chargeback_month as chargeback
from expectations.suites import mart_commitment_rollforward as rollforward
from expectations.suites import mart_data_calendar as calendar
from expectations.suites import mart_ghg_inventory as inventory
from expectations.suites import mart_hotspot as hotspot
from expectations.suites import mart_invoice_reconciliation as reconciliation
from expectations.suites import mart_kubernetes_carbon as kubernetes
from expectations.suites import mart_spend_carbon_daily as daily
from expectations.suites import mart_spend_carbon_monthly as monthly
from expectations.suites import mart_spend_postings as postings
from expectations.suites import mart_spend_reporting_month as reporting

JANUARY = dt.date(2026, 1, 1)
FEBRUARY = dt.date(2026, 2, 1)

AMOUNT = "decimal(38, 18)"
TYPES = {
    "charge_date": "date",
    "billing_month": "date",
    "usage_month": "date",
    "posting_month": "date",
    "month": "date",
    "x_BillingMonth": "date",
    "is_current": "boolean",
    "expected": "boolean",
    "passed": "boolean",
    "carbon_is_modelled": "boolean",
    "is_term_loaded": "boolean",
    "charge_lines": "bigint",
    "eligible_lines": "bigint",
    "covered_lines": "bigint",
    "estimable_lines": "bigint",
    "estimated_lines": "bigint",
    "awaited_lines": "bigint",
    **dict.fromkeys(("tokens_in", "tokens_out", "accelerator_hours"), AMOUNT),
    **dict.fromkeys(("energy_kwh", "functional_units"), AMOUNT),
    "sci_kg_per_million_units_ratio": "double",
    "reported_kg_per_cost_ratio": "double",
    "estimated_kg_per_cost_ratio": "double",
    **dict.fromkeys(("internal_carbon_price", "equivalent_units", "kg_per_unit"), AMOUNT),
    "year": "integer",
    "used_ratio": "double",
    **dict.fromkeys(kubernetes.RATIOS, "double"),
    "estimated_energy_kwh": AMOUNT,
    "reportable_lines": "bigint",
    **dict.fromkeys(
        (
            "line_ratio",
            "effective_cost_ratio",
            "reported_to_estimated_ratio",
            "compared_reported_ratio",
            "usual_low_ratio",
            "usual_high_ratio",
            "trailing_ratio",
        ),
        "double",
    ),
    **dict.fromkeys(("reported_lines", "compared_lines", "usual_months", "basis_months"), "bigint"),
    **dict.fromkeys(("basis_from", "basis_to", "earlier_month"), "date"),
    **dict.fromkeys(bridge.COLUMNS[16:20], "bigint"),
    "part_order": "integer",
    "is_outside_usual": "boolean",
    "changed_at": "timestamp",
    "difference_ratio": "double",
    "kg": AMOUNT,
    "rows": "bigint",
    "RowsAdded": "bigint",
    "RowsChanged": "bigint",
    "RowsRemoved": "bigint",
    "PeriodMonth": "date",
    "DetectedAt": "timestamp",
    "AcknowledgedAt": "timestamp",
    "late_days": "bigint",
    "missing_days": "bigint",
    "estimated_from_days": "bigint",
    "invoice_count": "bigint",
    "cost_rank": "bigint",
    "carbon_rank": "bigint",
    "combined_rank": "bigint",
    "data_as_of": "timestamp",
    "arrived_at": "timestamp",
    "refreshed_at": "timestamp",
    "carbon_coverage_ratio": AMOUNT,
    "utilisation_ratio": AMOUNT,
    "opening_balance": AMOUNT,
    "closing_balance": AMOUNT,
    "measured": AMOUNT,
}

PLACE = {
    "provider": "aws",
    "billing_account_id": "111",
    "sub_account_id": "222",
    "service_category": "Compute",
    "region_id": "eu-west-1",
    "environment": "production",
    "owner": "web",
    "billing_currency": "USD",
}
COSTS = {"billed_cost": 10, "effective_cost": 9, "list_cost": 12, "contracted_cost": 11}

DAILY = [
    {
        **PLACE,
        **COSTS,
        "charge_date": day,
        "billing_month": day[:8] + "01",
        "carbon_location_kg": "1.5",
        "estimated_carbon_kg": "1.4",
        "carbon_is_modelled": True,
        "charge_lines": 3,
    }
    for day in ("2026-01-05", "2026-01-06", "2026-02-05")
]
SCOPES = {
    "carbon_location_kg": "3.000000000000000001",
    "carbon_market_kg": "2",
    "carbon_scope1_kg": "0.5",
    "carbon_scope2_location_kg": "1.5",
    "carbon_scope2_market_kg": "0.5",
    "carbon_scope3_location_kg": "1",
    "carbon_scope3_market_kg": "1",
}
STATES = {"cost_state": "open", "carbon_state": "pending", "data_as_of": "2026-02-10 06:00:00"}
MONTHLY = [
    {
        **PLACE,
        **COSTS,
        **SCOPES,
        **STATES,
        "billing_month": month,
        "usage_month": month,
        "billed_cost": billed,
        "estimated_carbon_kg": "2.8",
        "carbon_covered_list_cost": 12,
        "carbon_eligible_list_cost": 12,
        "carbon_coverage_ratio": 1,
        "charge_lines": 6,
    }
    for month, billed in (("2026-01-01", 20), ("2026-02-01", 10))
] + [
    # An emission that no charge could carry: no currency, no service, nothing billed.
    {
        **STATES,
        "billing_currency": "XXX",
        "provider": "azure",
        "billing_month": "2026-01-01",
        "usage_month": "2026-01-01",
        "carbon_unspecified_kg": "7",
        **dict.fromkeys(COSTS, 0),
        "charge_lines": 0,
    }
]
HOTSPOTS = [
    {
        **{key: PLACE[key] for key in hotspot.GRAIN if key in PLACE},
        "billing_month": "2026-01-01",
        "service_name": "EC2",
        "resource_id": f"i-{rank}",
        "effective_cost": 100 - rank,
        "list_cost": 100,
        "carbon_location_kg": rank,
        "cost_rank": rank,
        "carbon_rank": 4 - rank,
        "combined_rank": rank,
    }
    for rank in (1, 2, 3)
]
CATEGORY = {
    "provider": "aws",
    "hosting": "cloud",
    "reporter_scope": 3,
    "ghg_category": "3.1 Purchased goods and services",
    "eligible_lines": 6,
    "covered_lines": 6,
}
INVENTORY = (
    [
        {
            **CATEGORY,
            "usage_month": month,
            "method": method,
            "source_kind": "reported",
            "kg": kg,
            "lacks_providers": "azure, own",
            "carbon_state": "pending",
        }
        for month in ("2026-01-01", "2026-02-01")
        for method, kg in (("location", "3.000000000000000001"), ("market", 2))
    ]
    + [
        {
            **CATEGORY,
            "usage_month": month,
            "method": "estimated-location",
            "source_kind": "estimated",
            "kg": "2.9",
            "estimated_operational_kg": 2,
            "estimated_embodied_kg": "0.8",
            "estimated_fera_kg": "0.1",
        }
        for month in ("2026-01-01", "2026-02-01")
    ]
    + [
        {
            **CATEGORY,
            "usage_month": "2026-01-01",
            "provider": "azure",
            "method": "unspecified",
            "source_kind": "reported",
            "kg": 7,
            "lacks_providers": "aws",
            "carbon_state": "pending",
        },
        {
            **CATEGORY,
            "usage_month": "2026-01-01",
            "hosting": "own_site",
            "reporter_scope": 2,
            "ghg_category": "2 Purchased electricity",
            "method": "market",
            "source_kind": "estimated",
            "kg_reason": "no_market_based_factor_stated",
            "gaps": "no_market_based_factor_stated",
        },
    ]
)
WORKLOAD = {
    "usage_month": "2026-01-01",
    "provider": "aws",
    "workload": "bot",
    "billing_currency": "USD",
    "effective_cost": 9,
    "energy_kwh": 2,
    "operational_kg": "0.5",
    "embodied_kg": "0.25",
    "sci_kg": "0.75",
    "charge_lines": 4,
    "estimable_lines": 3,
    "estimated_lines": 3,
}
WORKLOADS = [
    {
        **WORKLOAD,
        "workload_phase": "inference",
        "tokens_in": 1000000,
        "tokens_out": 500000,
        "sci_boundary": "consumer",
        "functional_unit": "token",
        "functional_units": 1500000,
        "sci_kg_per_million_units_ratio": "0.5",
        "sci_status": "estimated",
    },
    {
        **WORKLOAD,
        "workload_phase": "training",
        "accelerator_hours": 8,
        "sci_boundary": "provider",
        "sci_status": "no_functional_unit",
    },
]
CLUSTERS = [
    {
        "billing_month": month,
        "usage_month": month,
        "provider": "aws",
        "sub_account_id": "222",
        "cluster_name": "shop",
        "namespace": namespace,
        "namespace_kind": kind,
        "billing_currency": "USD",
        "effective_cost": 10,
        "estimated_energy_kwh": 4,
        "estimated_operational_kg": "1.5",
        "estimated_embodied_kg": "0.5",
        "estimated_carbon_kg": 2,
        "carbon_location_kg": reported,
        **dict.fromkeys(kubernetes.COUNTS, 1),
        "reported_lines": lines,
        **dict.fromkeys(kubernetes.RATIOS, ratio),
    }
    for month, namespace, kind, reported, lines, ratio in (
        ("2026-01-01", "web", "namespace", 3, 1, 1),
        ("2026-02-01", None, "unallocated", None, 0, None),
    )
]
COVERED = {
    "provider": "aws",
    "service_name": "Machines",
    "billing_currency": "USD",
}
COVERAGE = [
    {
        **COVERED,
        "billing_month": month,
        "source_kind": kind,
        "status": status,
        "charge_lines": lines,
        "effective_cost": 1.5 * lines,
        "line_ratio": ratio,
        "effective_cost_ratio": ratio,
    }
    for month in ("2026-01-01", "2026-02-01")
    for kind, status, lines, ratio in (
        ("reported", "Reported", 3, "0.75"),
        ("reported", "NotCovered", 1, "0.25"),
        ("reported", "NotApplicable", 2, None),
        ("estimated", "Estimated", 4, "1"),
        ("estimated", "NotApplicable", 2, None),
    )
]
COMPARISON = [
    {
        "usage_month": month,
        "provider": "aws",
        "service_name": "Machines",
        "region_id": "west",
        "method": "location",
        "scope": scope,
        "reported_kg": "3.000000000000000001",
        "compared_reported_kg": "1.5",
        "compared_estimated_kg": 1,
        "reported_lines": 3,
        "compared_lines": 2,
        "compared_reported_ratio": "0.5",
        "reported_to_estimated_ratio": "1.5",
        "usual_low_ratio": low,
        "usual_high_ratio": high,
        "usual_months": 4 if low else 1,
        "is_outside_usual": False if low else None,
        "comparison_gap": None if low else "too_few_months",
    }
    for month in ("2026-01-01", "2026-02-01")
    for scope, low, high in (("total", "1", "2"), ("scope2", None, None))
]
NOWCAST = [
    {
        "usage_month": month,
        "provider": "aws",
        "service_name": "Machines",
        "region_id": "west",
        "awaited_lines": 3,
        "estimated_lines": 2,
        "estimated_kg": 4,
        "basis": "provider, service and region",
        "carbon_state": "provisional",
        **more,
    }
    for month, more in (
        ("2026-01-01", {"basis_months": 0, "nowcast_gap": "too_few_reported_months"}),
        (
            "2026-02-01",
            {
                "carbon_nowcast_location_kg": 6,
                "carbon_nowcast_location_low_kg": 4,
                "carbon_nowcast_location_high_kg": 8,
                "trailing_ratio": "1.5",
                "basis_months": 3,
                "basis_from": "2025-11-01",
                "basis_to": "2026-01-01",
                "reported_location_kg": 5,
                "nowcast_error_kg": 1,
            },
        ),
    )
]
BRIDGES = [
    {
        "usage_month": "2026-02-01",
        "comparison": "previous_month",
        "earlier_month": "2026-01-01",
        "provider": "aws",
        "source_kind": kind,
        "method": method,
        "figure": figure,
        "part": part,
        "part_order": place,
        "kg": amount,
        "first_reported_earlier_kg": ends if kind == "reported" else None,
        "earlier_kg": ends,
        "later_kg": ends,
        "difference_kg": 0,
        "earlier_version": "v3",
        "later_version": "v3",
        **dict.fromkeys(bridge.COLUMNS[16:18], 6),
        **dict.fromkeys(bridge.COLUMNS[18:20], 5),
        "earlier_state": "closed",
        "later_state": "provisional",
    }
    for kind, method, figure, ends in (
        ("reported", "location", "total", "3.000000000000000001"),
        ("reported", "market", "total", 2),
        ("estimated", "estimated-location", "operational", 2),
        ("estimated", "estimated-location", "embodied", "0.8"),
    )
    for place, (part, amount) in enumerate(
        (
            *(() if kind == "estimated" else (("restatement", 0),)),
            ("activity", "0.25"),
            ("region", "-0.25"),
            *((("method", 0),) if kind == "estimated" else (("provider_intensity", 0),)),
            ("not_decomposed", 0),
        )
    )
]
SERVICE = {
    "provider": "aws",
    "service_name": "EC2",
    "billing_currency": "USD",
    "effective_cost": 9,
    "covered_effective_cost": 8,
    "internal_carbon_price": 100,
    "internal_carbon_currency": "EUR",
    "internal_carbon_price_kind": "shadow",
    "internal_carbon_price_owner": "board",
    "internal_carbon_price_source": "decision 7",
}
INTENSITIES = [
    {
        **SERVICE,
        "usage_month": month,
        "method": method,
        f"{kind}_kg": kg,
        f"{kind}_kg_per_cost_ratio": ratio,
        "internal_carbon_cost": cost,
    }
    for month in ("2026-01-01", "2026-02-01")
    for method, kind, kg, ratio, cost in (
        ("location", "reported", "3.000000000000000001", "0.375", "0.3000000000000000001"),
        ("market", "reported", 2, "0.25", "0.2"),
        ("estimated-location", "estimated", "2.8", "0.35", "0.28"),
    )
] + [
    {
        **SERVICE,
        "usage_month": "2026-01-01",
        "provider": "azure",
        "billing_currency": "XXX",
        "effective_cost": 0,
        "covered_effective_cost": 0,
        "method": "unspecified",
        "reported_kg": 7,
        "intensity_reason": "no_covered_cost",
        "internal_carbon_cost": "0.7",
    }
]
EQUIVALENCES = [
    {
        "usage_month": "2026-01-01",
        "provider": "aws",
        "method": "market",
        "equivalence": name,
        "kg": 2,
        "equivalent_units": units,
        "unit": "km",
        "kg_per_unit": figure,
        "source": "a table",
        "licence": "MIT",
        "year": 2025,
    }
    for name, units, figure in (("car", 8, "0.25"), ("phone", 200, "0.01"))
]
BUDGETS = [
    {
        "usage_month": "2026-01-01",
        "budget": name,
        "measure": "carbon_market_kg",
        "budget_kg": 4,
        "actual_kg": actual,
        "remaining_kg": remaining,
        "used_ratio": ratio,
        "budget_status": status,
        "lacks_providers": lacks,
    }
    for name, actual, remaining, ratio, status, lacks in (
        ("all", 5, -1, "1.25", "over", "azure"),
        ("web", 2, 2, "0.5", "within", None),
        ("data", 2, 2, "0.5", "within_so_far", "azure"),
        ("new", None, None, None, "no_figure", None),
    )
]
TIES = [
    {
        **dict.fromkeys((*reconciliation.BRIDGE, "unexplained", "invoice_total_minus_lines"), 0),
        "billing_month": month,
        "provider": "aws",
        "invoice_issuer_name": "AWS Inc.",
        "billing_account_id": "111",
        "invoice_id": f"INV-{month}",
        "billing_currency": "USD",
        "tie_key": "invoice",
        "fact_total": 10,
        "invoice_total": "12.25",
        "difference": "2.25",
        "bridge_tax": "2.5",
        "unexplained": "-0.25",
        "tolerance": 1,
        "outcome": "within_tolerance",
        "net_outcome": "within_tolerance",
    }
    for month in ("2026-01-01", "2026-02-01")
] + [
    {
        "billing_month": "2026-01-01",
        "billing_account_id": "own",
        "billing_currency": "USD",
        "tie_key": "account_and_month",
        "fact_total": 5,
        "outcome": "not_reconcilable",
        "net_outcome": "not_reconcilable",
        "outcome_reason": "internal",
    }
]
CALENDAR = [
    {
        "source_name": "aws-main",
        "provider": "aws",
        "export": "focus",
        "month": month,
        "expected": True,
        "state": "arrived",
        "delivery_id": "d1",
        "rows": 3,
        "arrived_at": "2026-02-02 00:00:00",
    }
    for month in ("2026-01-01", "2026-02-01")
] + [
    {
        "source_name": "azure-carbon",
        "provider": "azure",
        "export": "carbon",
        "month": "2026-02-01",
        "expected": True,
        "state": "missing",
        "late_days": 3,
    }
]
CHECKS = [
    {
        "check_id": "control_totals_equal",
        "severity": "error",
        "passed": True,
        "source_name": "aws-main",
        "provider": "aws",
        "billing_month": "2026-01-01",
        "delivery_id": "d1",
        "column_name": "BilledCost",
        "measured": 0,
        "unit": "USD",
    },
    {"check_id": "seed_is_fresh", "severity": "warn", "passed": False, "detail": "a year old"},
]
EMISSIONS = [
    {
        "source_name": "aws-carbon",
        "provider": "aws",
        "delivery_id": f"c{version}",
        "usage_month": "2026-01-01",
        "sub_account_id": "222",
        "model_version": f"v{version}",
        "is_current": version == 3,
        "scope1_kg": 1,
        "scope2_location_kg": 2,
        "scope2_market_kg": 0,
        "scope3_location_kg": 3,
        "scope3_market_kg": 3,
        "total_location_kg": 6,
        "total_market_kg": 4,
    }
    for version in (2, 3)
]
CHARGE = {
    "x_Provider": "aws",
    "x_BillingMonth": "2026-01-01",
    "x_SourceName": "aws-main",
    "x_RecordKind": "Charge",
    "x_CarbonReportedStatus": "Reported",
    "x_EstimateStatus": "Estimated",
    "x_Environment": "production",
    "x_WorkloadPhase": "none",
    "x_CarbonLocationKg": 3,
    "x_EstimatedCarbonLowKg": 1,
    "x_EstimatedCarbonKg": 2,
    "x_EstimatedCarbonHighKg": 3,
    "BillingCurrency": "USD",
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), 10),
}
OF_CLUSTER = {
    **CHARGE,
    "SubAccountId": "222",
    "ResourceId": "i-1",
    "x_EstimatedEnergyKwh": 4,
    "x_EstimatedOperationalKg": "1.5",
    "x_EstimatedEmbodiedKg": "0.5",
}
FACT = [
    {
        **OF_CLUSTER,
        "x_ChargeKey": "a1",
        "AllocatedTags": '{"aws:eks:cluster-name":"shop","aws:eks:namespace":"web"}',
    },
    {
        **OF_CLUSTER,
        "x_ChargeKey": "a2",
        "Tags": '{"aws:eks:cluster-name":"shop"}',
        "x_BillingMonth": "2026-02-01",
        "x_CarbonReportedStatus": "Pending",
        "x_CarbonLocationKg": None,
    },
    *(
        {
            **CHARGE,
            "x_ChargeKey": key,
            "x_BillingMonth": month,
            "x_CarbonReportedStatus": "NotApplicable",
            "x_CarbonLocationKg": None,
            "CommitmentDiscountId": "plan",
            "BilledCost": billed,
            "EffectiveCost": effective,
        }
        for key, month, billed, effective in (
            ("p1", "2026-01-01", 96, 0),
            ("p2", "2026-01-01", 0, 8),
            ("p3", "2026-02-01", 0, 8),
        )
    ),
    {
        "x_ChargeKey": "u1",
        "x_Provider": "azure",
        "x_BillingMonth": "2026-01-01",
        "x_SourceName": "azure-carbon",
        "x_RecordKind": "UnallocatedEmissions",
        "x_CarbonReportedStatus": "Reported",
        "x_CarbonUnspecifiedKg": 7,
        "x_UnallocatedReason": "no charge in the subscription",
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), 0),
    },
]


STANDARD = {
    "BillingPeriodStart": "2026-01-01",
    "BillingPeriodEnd": "2026-02-01",
    "InvoiceIssuerName": "AWS Inc.",
}
PERIODS = [
    {
        **STANDARD,
        "BillingPeriodCreated": "2026-01-01",
        "BillingPeriodLastUpdated": "2026-02-06",
        "BillingPeriodStatus": "Closed",
    }
]
INVOICES = [
    {
        **dict.fromkeys(datasets.INVOICE_DETAIL_COLUMNS, "x"),
        **dict.fromkeys(datasets.INVOICE_DETAIL_OPTIONAL),
        **STANDARD,
        "BilledCost": 10,
        "ChargeCategory": category,
        "InvoiceDetailCreated": "2026-02-05",
        "InvoiceDetailLastUpdated": "2026-02-06",
        "InvoiceDetailId": category,
        "InvoiceIssueStatus": "Issued",
    }
    for category in ("Usage", "Tax")
]

COMMITMENT = {
    "provider": "aws",
    "commitment_discount_id": "plan",
    "billing_currency": "USD",
    "balance_status": "known",
    "is_term_loaded": False,
    "utilisation_ratio": "0.75",
    "cost_state": "closed",
    **dict.fromkeys(rollforward.COLUMNS[9:12], 0),
    **dict.fromkeys(("other_billed_cost", "other_effective_cost", "billed_cost"), 0),
    "used_effective_cost": 6,
    "unused_effective_cost": 2,
    "effective_cost": 8,
    "effective_minus_billed_cost": 8,
}
COMMITMENTS = [
    {
        **COMMITMENT,
        "billing_month": "2026-01-01",
        "opening_balance": 0,
        "purchases_billed_cost": 96,
        "closing_balance": 88,
        "billed_cost": 96,
        "effective_minus_billed_cost": -88,
    },
    {
        **COMMITMENT,
        "billing_month": "2026-02-01",
        "opening_balance": 88,
        "closing_balance": 80,
    },
]
ACCRUALS = [
    {
        "provider": "aws",
        "billing_account_id": account,
        "billing_currency": "USD",
        "billing_month": "2026-02-01",
        "posting_month": posted,
        "entry": entry,
        "estimate_status": "estimated" if amount else "too_few_days",
        "missing_days": 3,
        "estimated_from_days": 28,
        "billed_so_far_cost": 10 if entry == "accrual" else None,
        "cost_state": "open",
        **{
            f"accrual_{end}": sign * (amount + wide) if amount else None
            for end, wide in (("low_cost", -2), ("cost", 0), ("high_cost", 3))
        },
        **{
            f"expected_{end}": 10 + amount + wide if amount and entry == "accrual" else None
            for end, wide in (("low_cost", -2), ("cost", 0), ("high_cost", 3))
        },
    }
    for account, amount in (("111", 7), ("222", 0))
    for entry, posted, sign in (("accrual", "2026-02-01", 1), ("reversal", "2026-03-01", -1))
]
CHANGES = [
    {
        "RestatementId": f"{provider}-{clock}",
        "Clock": clock,
        "Provider": provider,
        "PeriodMonth": "2026-01-01",
        "StateBefore": state,
        "Cause": "unknown" if status == "baseline_missing" else "correction",
        "ChangedInputs": "[]",
        "Natures": "{}",
        "DifferenceStatus": status,
        "DeliveriesBefore": "[]",
        "DeliveriesAfter": "[]",
        "LargestContributors": "[]",
        "PreviousPublicationId": "p1",
        "DetectedAt": "2026-02-20 06:00:00",
        **measures,
    }
    for provider, clock, state, status, measures in (
        (
            "aws", "cost", "closed", "computed",
            {
                "BillingCurrency": "USD", "BilledCostDifference": "0.01",
                "EffectiveCostDifference": 0, "RowsAdded": 0, "RowsChanged": 1, "RowsRemoved": 0,
                "AcknowledgedBy": "ada", "AcknowledgedAt": "2026-02-21 06:00:00",
                "AcknowledgementReason": "the meter was read wrongly",
            },
        ),
        (
            "aws", "carbon", "provisional", "computed",
            {"CarbonLocationKgDifference": "-1.5", "RowsAdded": 2, "RowsChanged": 0,
             "RowsRemoved": 0},
        ),
        ("azure", "cost", "open", "baseline_missing", {}),
    )
]  # fmt: skip
# Both versions of EMISSIONS come to the same, and CHANGES restates 1.5 kg.
RESTATED_CARBON: list[dict[str, object]] = [
    {
        "usage_month": "2026-01-01",
        "provider": "aws",
        "source_name": "aws-carbon",
        "basis": "provider_versions",
        "method": method,
        "model_version_from": "v2",
        "model_version_to": "v3",
        "is_current": True,
        "cause": "carbon_method",
        "reported_before_kg": kg,
        "reported_after_kg": kg,
        **dict.fromkeys(("difference_kg", "difference_ratio"), 0),
        **dict.fromkeys(("same_accounts_kg", "new_accounts_kg", "lost_accounts_kg"), 0),
    }
    for method, kg in (("location", 6), ("market", 4))
]
RESTATED_CARBON.append(
    {
        "usage_month": "2026-01-01",
        "provider": "aws",
        "basis": "publications",
        "method": "location",
        "restatement_id": "aws-carbon",
        "changed_at": "2026-02-20 06:00:00",
        "state_before": "provisional",
        "cause": "correction",
        "difference_kg": "-1.5",
    }
)
RESTATED = [
    {
        **{key: PLACE[key] for key in postings.RESTATED_GRAIN if key in PLACE},
        "billing_month": month,
        "charge_category": "Usage",
        "billed_cost": billed,
        "effective_cost": 18,
        "charge_lines": 3,
        "cost_state": "open",
    }
    for month, billed in (("2026-01-01", 106), ("2026-02-01", 10))
]
BOOKED = [{**row, "posting_month": row["billing_month"], "entry": "spend"} for row in RESTATED] + [
    {
        "posting_month": posted,
        "billing_month": "2026-01-01",
        "provider": "aws",
        "entry": entry,
        "restatement_id": "r1",
        "billing_currency": "USD",
        "billed_cost": amount,
        "effective_cost": amount,
    }
    for entry, posted, amount in (("moved_out", "2026-01-01", -4), ("moved_in", "2026-02-01", 4))
]


CHARGED = {
    "billing_month": "2026-01-01",
    "provider": "aws",
    "billing_currency": "USD",
    "movement": "own",
    "charge_lines": 0,
}


def _amounts(*amounts: object) -> dict[str, object]:
    return dict(zip(chargeback.MEASURES, amounts, strict=False))


CHARGEBACK = [
    {**CHARGED, "owner": "web", "line_kind": "owned", "charge_lines": 5,
     **_amounts(6, 12, "2.000000000000000001", 1, None, "1.8")},
    {**CHARGED, "line_kind": "support", "pool": "support", "charge_lines": 1,
     **_amounts(3, 8, 1, 1, None, 1)},
    {**CHARGED, "line_kind": "support", "pool": "support", "movement": "out",
     **_amounts(-3, -8, -1, -1, None, -1)},
    {**CHARGED, "owner": "web", "line_kind": "shared", "pool": "support", "movement": "in",
     "driver": "equal", "driver_weight": 1, "driver_weight_total": 1,
     **_amounts(3, 8, 1, 1, None, 1)},
    {**CHARGED, "billing_month": "2026-02-01", "owner": "web", "line_kind": "owned",
     "charge_lines": 6, **_amounts(9, 10, "3.000000000000000001", 2, None, "2.8")},
    {**CHARGED, "provider": "azure", "billing_currency": "XXX",
     "line_kind": "unallocated_emissions", **_amounts(0, 0, None, None, 7)},
]  # fmt: skip
REPORTING = [
    {
        "billing_month": month,
        "provider": "aws",
        "billing_account_id": "111",
        "billing_currency": "USD",
        "reporting_currency": "USD",
        "billed_cost": billed,
        "effective_cost": 9,
        "fx_rate": 1,
        "fx_rate_source": "identity",
        "reporting_billed_cost": billed,
        "reporting_effective_cost": 9,
        "fx_rate_before": 1,
        **(dict.fromkeys(reporting.CHANGES) | changes),
        "change_reason": None if changes else "no_month_before",
        "charge_lines": 6,
    }
    for month, billed, changes in (
        ("2026-01-01", 20, {}),
        (
            "2026-02-01",
            10,
            {
                **dict.fromkeys(reporting.CHANGES, 0),
                "billed_cost_change": -10,
                "billed_cost_change_by_amount": -10,
            },
        ),
    )
]
FACTOR_OF_RATE = {"estimate_rate_key": "m1", "carbon_factor_key": "m1"}
RATE = {
    "fx_rate_key": "EUR|USD|2026-01-01",
    "month": "2026-01-01",
    "from_currency": "EUR",
    "to_currency": "USD",
    "rate": "1.1",
}


def _type(column: str) -> str:
    if column in TYPES:
        return TYPES[column]
    if re.search(r"_change|^driver_weight|^rate$|^fx_rate(?:_before)?$", column):
        return AMOUNT
    if re.search(r"(?:Start|End|Created|LastUpdated|Date)$", column):
        return "timestamp"
    if column in {*reconciliation.BRIDGE, "difference", "unexplained", "tolerance"}:
        return AMOUNT
    if re.search(r"_total$|_minus_lines$|_difference$|Difference$", column):
        return AMOUNT
    amounts = r"_cost$|_kg$|Cost$|Kg$|_(?:scope\d)|Quantity$|Percentage$|UnitPrice$|Kwh$|WaterL$"
    return AMOUNT if re.search(amounts, column) else "varchar"


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def _create(relation: str, columns: Sequence[str], rows: Iterable[dict[str, object]]) -> str:
    typed = ", ".join(f'"{column}" {_type(column)}' for column in columns)
    values = ", ".join(
        "(" + ", ".join(_literal(row.get(column)) for column in columns) + ")" for row in rows
    )
    table = f"create table {relation} ({typed});"
    return f"{table} insert into {relation} values {values};" if values else table


def _build(path: Path) -> None:
    statements = [
        _create(daily.RELATION, daily.COLUMNS, DAILY),
        _create(monthly.RELATION, monthly.COLUMNS, MONTHLY),
        _create(hotspot.RELATION, hotspot.COLUMNS, HOTSPOTS),
        _create(inventory.RELATION, inventory.COLUMNS, INVENTORY),
        _create(ai.RELATION, ai.COLUMNS, WORKLOADS),
        _create(kubernetes.RELATION, kubernetes.COLUMNS, CLUSTERS),
        _create(coverage.RELATION, coverage.COLUMNS, COVERAGE),
        _create(comparison.RELATION, comparison.COLUMNS, COMPARISON),
        _create(nowcast.RELATION, nowcast.COLUMNS, NOWCAST),
        _create(bridge.RELATION, bridge.COLUMNS, BRIDGES),
        _create(restated_carbon.RELATION, restated_carbon.COLUMNS, RESTATED_CARBON),
        _create(budget.RELATION, budget.COLUMNS, BUDGETS),
        _create(intensity.INTENSITY, intensity.INTENSITY_COLUMNS, INTENSITIES),
        _create(intensity.EQUIVALENCE, intensity.EQUIVALENCE_COLUMNS, EQUIVALENCES),
        _create(reconciliation.RELATION, reconciliation.COLUMNS, TIES),
        _create(calendar.RELATION, calendar.COLUMNS, CALENDAR),
        _create(chargeback.RELATION, chargeback.COLUMNS, CHARGEBACK),
        _create(reporting.RELATION, reporting.COLUMNS, REPORTING),
        _create(rollforward.RELATION, rollforward.COLUMNS, COMMITMENTS),
        _create(accrual.RELATION, accrual.COLUMNS, ACCRUALS),
        _create(restatement.RELATION, restatement.COLUMNS, CHANGES),
        _create(postings.RESTATED, postings.RESTATED_COLUMNS, RESTATED),
        _create(postings.BOOKED, postings.BOOKED_COLUMNS, BOOKED),
        _create(dq.RELATION, dq.COLUMNS, CHECKS),
        _create(emissions.RELATION, emissions.COLUMNS, EMISSIONS),
        _create("focus_v1_4_billing_period", datasets.BILLING_PERIOD_COLUMNS, PERIODS),
        _create("focus_v1_4_invoice_detail", datasets.INVOICE_DETAIL_COLUMNS, INVOICES),
        _create("focus_v1_4_contract_commitment", datasets.CONTRACT_COMMITMENT_COLUMNS, []),
        _create(factors.RELATION, factors.COLUMNS, [FACTOR_OF_RATE]),
        _create("fact_rows", (*fct.FOCUS_COLUMNS, *fct.EXTENSION_COLUMNS), FACT),
        # Published facts are views with columns of later releases; order isn't promised.
        f"create view {fct.RELATION} as select 'new' as x_Later, * from fact_rows;",
    ]
    for relation in dims.READERS:
        key = dims.key_of(relation)
        members = ["-1", "-2", *(("aws", "azure") if relation == "dim_provider" else ("m1",))]
        rows = [{key: member, "label": f"the {member}"} for member in members]
        is_rate = relation == "dim_fx_rate"
        rows += [RATE] if is_rate else []
        statements.append(_create(relation, tuple(RATE) if is_rate else (key, "label"), rows))
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="session")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("expectations") / "valid.duckdb"
    _build(path)
    return path


@pytest.fixture
def broken(valid: Path, tmp_path: Path):
    """Return a function that breaks a copy of the valid file and runs the suites on it."""

    def run(
        sql: str,
        relations: Sequence[str] | None = None,
        months: Sequence[dt.date] | None = None,
    ) -> list[SuiteResult]:
        path = tmp_path / "broken.duckdb"
        shutil.copy(valid, path)
        with duckdb.connect(path) as connection:
            connection.execute(sql)
        suites = ALL_SUITES if relations is None else suites_for(set(relations))
        return run_suites(path, suites, docs_dir=None, months=months)

    return run


def _failed(results: Iterable[SuiteResult]) -> set[str]:
    return {
        f"{result.relation}.{promise.name}"
        for result in results
        for promise in result.promises
        if not promise.passed
    }


def test_a_valid_file_keeps_every_promise(valid: Path) -> None:
    results = run_suites(valid, ALL_SUITES, docs_dir=None)
    assert _failed(results) == set(), [p for r in results for p in r.blocking + r.warnings]
    assert [result.suite for result in results] == [suite.name for suite in ALL_SUITES]
    assert all(result.passed for result in results)


FAULTS = [
    # Restatements
    (
        "insert into fct_restatement from fct_restatement where Clock = 'carbon'",
        {"fct_restatement.one_row_per_change"},
    ),
    (
        "update fct_restatement set AcknowledgementReason = ' '",
        {"fct_restatement.closed_periods_are_acknowledged"},
    ),
    (
        "update fct_restatement set StateBefore = 'restated' where Clock = 'carbon'",
        {"fct_restatement.closed_periods_are_acknowledged"},
    ),
    (
        "update fct_restatement set CarbonMarketKgDifference = 1 where BillingCurrency = 'USD'",
        {"fct_restatement.clocks_share_no_measure"},
    ),
    (
        "update fct_restatement set BillingCurrency = null",
        {"fct_restatement.money_has_a_currency"},
    ),
    (
        "update fct_restatement set RowsChanged = 0 where Provider = 'azure'",
        {"fct_restatement.differences_known_or_said_lost"},
    ),
    (
        "update fct_restatement set RowsAdded = null where Clock = 'carbon'",
        {"fct_restatement.differences_known_or_said_lost"},
    ),
    (
        "update fct_restatement set Cause = 'because'",
        {"fct_restatement.cause_known"},
    ),
    # The inventory of greenhouse gases
    (
        "insert into mart_ghg_inventory from mart_ghg_inventory where method = 'market'",
        {
            "mart_ghg_inventory.one_row_per_category_and_method",
            "mart_ghg_inventory.holds_every_reported_kilogram",
        },
    ),
    (
        "update mart_ghg_inventory set reporter_scope = 2 where method = 'unspecified'",
        {"mart_ghg_inventory.clouds_are_scope_3"},
    ),
    (
        "update mart_ghg_inventory set ghg_category = '3.1 Purchased goods and services'",
        {"mart_ghg_inventory.own_sites_buy_no_cloud"},
    ),
    (
        "update mart_ghg_inventory set kg = 0 where kg is null",
        {
            "mart_ghg_inventory.unknown_is_explained",
            "mart_ghg_inventory.estimates_are_location_based",
        },
    ),
    (
        "update mart_ghg_inventory set method = 'location' where method = 'unspecified'",
        {
            "mart_ghg_inventory.holds_every_reported_kilogram",
            "mart_ghg_inventory.lacking_providers_have_no_figure",
        },
    ),
    (
        "update mart_ghg_inventory set kg = kg - estimated_fera_kg where source_kind = 'estimated'",
        {"mart_ghg_inventory.estimate_is_sum_of_parts"},
    ),
    (
        "update mart_ghg_inventory set kg = kg - 0.8, estimated_embodied_kg = null"
        " where source_kind = 'estimated'",
        {"mart_ghg_inventory.holds_every_estimated_kilogram"},
    ),
    (
        "update mart_ghg_inventory set estimated_fera_kg = 0 where method = 'location'",
        {"mart_ghg_inventory.reported_has_no_estimated_part"},
    ),
    (
        "update mart_ghg_inventory set lacks_providers = 'own, aws' where method = 'market'",
        {"mart_ghg_inventory.lacking_providers_have_no_figure"},
    ),
    (
        "update mart_ghg_inventory set reporter_scope = 'unassigned' where hosting = 'own_site'",
        {"mart_ghg_inventory.every_figure_has_its_scope"},
    ),
    # Coverage of carbon
    (
        "insert into mart_carbon_coverage from mart_carbon_coverage"
        " where source_kind = 'reported' and status = 'NotCovered'",
        {
            "mart_carbon_coverage.one_row_per_status",
            "mart_carbon_coverage.kinds_count_the_same_lines",
            "mart_carbon_coverage.shares_add_up",
            "mart_carbon_coverage.counts_every_line_and_cost",
        },
    ),
    (
        "update mart_carbon_coverage set status = 'unknown' where status = 'NotCovered'",
        {"mart_carbon_coverage.status_known"},
    ),
    (
        "update mart_carbon_coverage set charge_lines = 9 where status = 'Estimated'",
        {"mart_carbon_coverage.kinds_count_the_same_lines"},
    ),
    (
        "update mart_carbon_coverage set line_ratio = 0.8 where status = 'Reported'",
        {"mart_carbon_coverage.shares_add_up"},
    ),
    (
        "update mart_carbon_coverage set line_ratio = 0 where status = 'NotApplicable'",
        {"mart_carbon_coverage.not_applicable_has_no_share"},
    ),
    (
        "delete from mart_carbon_coverage where billing_month = '2026-02-01'",
        {"mart_carbon_coverage.counts_every_line_and_cost"},
    ),
    (
        "update mart_carbon_coverage set effective_cost = effective_cost + 0.000000000000000001 "
        "where status in ('Reported', 'Estimated')",
        {"mart_carbon_coverage.counts_every_line_and_cost"},
    ),
    # Reported against estimated
    (
        "insert into mart_carbon_reconciliation from mart_carbon_reconciliation "
        "where scope = 'scope2'",
        {"mart_carbon_reconciliation.one_row_per_service_region_and_scope"},
    ),
    (
        "update mart_carbon_reconciliation set method = 'market' where scope = 'total'",
        {
            "mart_carbon_reconciliation.method_comparable",
            "mart_carbon_reconciliation.holds_every_reported_kilogram",
        },
    ),
    (
        "update mart_carbon_reconciliation set compared_reported_ratio = 0.4",
        {"mart_carbon_reconciliation.compared_part_is_of_the_reported"},
    ),
    (
        "update mart_carbon_reconciliation set reported_kg = 3 where scope = 'total'",
        {"mart_carbon_reconciliation.holds_every_reported_kilogram"},
    ),
    (
        "delete from mart_carbon_reconciliation where usage_month = '2026-02-01'",
        {"mart_carbon_reconciliation.holds_every_reported_kilogram"},
    ),
    (
        "update mart_carbon_reconciliation set scope = 'scope1' where scope = 'scope2'",
        {"mart_carbon_reconciliation.scope_known"},
    ),
    (
        "update mart_carbon_reconciliation set compared_estimated_kg = 2",
        {"mart_carbon_reconciliation.ratio_is_of_the_same_lines"},
    ),
    (
        "update mart_carbon_reconciliation set comparison_gap = null where scope = 'scope2'",
        {"mart_carbon_reconciliation.no_ratio_without_a_reason"},
    ),
    (
        "update mart_carbon_reconciliation set is_outside_usual = true where scope = 'total'",
        {"mart_carbon_reconciliation.outside_is_outside"},
    ),
    (
        "update mart_carbon_reconciliation set compared_reported_kg = compared_reported_kg / 1000,"
        " compared_reported_ratio = compared_reported_ratio / 1000,"
        " reported_to_estimated_ratio = reported_to_estimated_ratio / 1000,"
        " is_outside_usual = null, comparison_gap = 'too_few_months'",
        {"mart_carbon_reconciliation.reported_in_kilograms"},
    ),
    # Nowcast
    (
        "insert into mart_carbon_nowcast from mart_carbon_nowcast limit 1",
        {"mart_carbon_nowcast.one_row_per_service_and_region"},
    ),
    (
        "update mart_carbon_nowcast set basis_to = usage_month where basis_months = 3",
        {"mart_carbon_nowcast.basis_is_past"},
    ),
    (
        "update mart_carbon_nowcast set carbon_nowcast_location_kg = 0 where basis_months = 0",
        {"mart_carbon_nowcast.nowcast_or_reason"},
    ),
    (
        "update mart_carbon_nowcast set estimated_lines = 0 where basis_months = 0",
        {"mart_carbon_nowcast.no_estimate_is_said"},
    ),
    (
        "update mart_carbon_nowcast set awaited_lines = 1 where basis_months = 0",
        {"mart_carbon_nowcast.no_estimate_is_said"},
    ),
    (
        "update mart_carbon_nowcast set carbon_nowcast_location_high_kg = 5",
        {"mart_carbon_nowcast.nowcast_is_within_its_bounds"},
    ),
    (
        "update mart_carbon_nowcast set nowcast_error_kg = 0 where basis_months = 3",
        {"mart_carbon_nowcast.error_is_the_difference"},
    ),
    # Bridges
    (
        "insert into mart_carbon_bridge from mart_carbon_bridge where part = 'activity' limit 1",
        {
            "mart_carbon_bridge.one_row_per_part",
            "mart_carbon_bridge.parts_come_to_the_difference",
        },
    ),
    (
        "update mart_carbon_bridge set kg = '0.25000000000000001' "
        "where part = 'activity' and method = 'market'",
        {"mart_carbon_bridge.parts_come_to_the_difference"},
    ),
    (
        "update mart_carbon_bridge set later_kg = 3, difference_kg = 1 "
        "where method = 'market' and part = 'activity'",
        {
            "mart_carbon_bridge.months_stand_once_per_bridge",
            "mart_carbon_bridge.parts_come_to_the_difference",
            "mart_carbon_bridge.leads_from_one_month_to_the_other",
        },
    ),
    (
        "update mart_carbon_bridge set later_kg = 3, difference_kg = 1, "
        "kg = case part when 'activity' then 1.25 else kg end where method = 'market'",
        {"mart_carbon_bridge.leads_from_one_month_to_the_other"},
    ),
    (
        "delete from mart_carbon_bridge where method = 'location'",
        {"mart_carbon_bridge.leads_from_one_month_to_the_other"},
    ),
    (
        "update mart_carbon_bridge set kg = 1 where part = 'restatement' and method = 'market'",
        {"mart_carbon_bridge.restatement_is_from_the_first_report"},
    ),
    (
        "update mart_carbon_bridge set later_version = 'v4' where method = 'market'",
        {"mart_carbon_bridge.version_steps_are_one_line"},
    ),
    (
        "update mart_carbon_bridge set part = 'intensity_and_method' "
        "where part = 'provider_intensity'",
        {"mart_carbon_bridge.version_steps_are_one_line"},
    ),
    (
        "update mart_carbon_bridge set kg = case part when 'method' then 0.25 else 0 end "
        "where figure = 'embodied' and part in ('method', 'activity')",
        {"mart_carbon_bridge.one_factor_set_is_one_method"},
    ),
    (
        "update mart_carbon_bridge set part = 'grid_factor' "
        "where part = 'region' and method = 'market'",
        {"mart_carbon_bridge.parts_belong_to_their_figure"},
    ),
    (
        "update mart_carbon_bridge set bridge_gap = 'no_activity_known' where method = 'market'",
        {"mart_carbon_bridge.unknown_is_explained"},
    ),
    (
        "update mart_carbon_bridge set kg = null where part = 'method'",
        {"mart_carbon_bridge.unknown_is_explained"},
    ),
    (
        "update mart_carbon_bridge set bridge_gap = 'no idea' "
        "where part in ('not_decomposed', 'restatement')",
        {
            "mart_carbon_bridge.gap_known",
            "mart_carbon_bridge.months_stand_once_per_bridge",
        },
    ),
    (
        "update mart_carbon_bridge set earlier_month = '2025-01-01'",
        {"mart_carbon_bridge.months_are_a_month_or_a_year_apart"},
    ),
    (
        "update mart_carbon_bridge set later_covered_lines = 7",
        {"mart_carbon_bridge.lines_covered_are_eligible"},
    ),
    # Restated carbon
    (
        "insert into mart_carbon_restatement from mart_carbon_restatement where method = 'market'",
        {"mart_carbon_restatement.one_row_per_step_and_method"},
    ),
    (
        "update mart_carbon_restatement set method = 'unspecified' where method = 'market'",
        {
            "mart_carbon_restatement.before_is_what_was_delivered",
            "mart_carbon_restatement.after_is_what_was_delivered",
        },
    ),
    (
        "update mart_carbon_restatement set restatement_id = 'x' where method = 'market'",
        {"mart_carbon_restatement.bases_are_told_apart"},
    ),
    (
        "update mart_carbon_restatement set difference_kg = 1, same_accounts_kg = 1 "
        "where method = 'market'",
        {"mart_carbon_restatement.difference_is_new_less_old"},
    ),
    (
        "update mart_carbon_restatement set lost_accounts_kg = 1 where method = 'market'",
        {"mart_carbon_restatement.accounts_add_up"},
    ),
    (
        "update mart_carbon_restatement set difference_kg = null where basis = 'publications'",
        {
            "mart_carbon_restatement.difference_or_reason",
            "mart_carbon_restatement.holds_what_was_published",
        },
    ),
    (
        "update mart_carbon_restatement set reported_before_kg = 5, reported_after_kg = 5 "
        "where method = 'location' and basis = 'provider_versions'",
        {
            "mart_carbon_restatement.before_is_what_was_delivered",
            "mart_carbon_restatement.after_is_what_was_delivered",
        },
    ),
    (
        "delete from mart_carbon_restatement where basis = 'provider_versions'",
        {"mart_carbon_restatement.every_version_is_a_step"},
    ),
    (
        "update mart_carbon_restatement set difference_kg = -1 where basis = 'publications'",
        {"mart_carbon_restatement.holds_what_was_published"},
    ),
    (
        "delete from mart_carbon_restatement where basis = 'publications'",
        {"mart_carbon_restatement.holds_what_was_published"},
    ),
    # AI workloads
    (
        "insert into mart_ai_workload from mart_ai_workload where workload_phase = 'training'",
        {"mart_ai_workload.one_row_per_workload_and_phase"},
    ),
    (
        "update mart_ai_workload set workload_phase = 'training and inference'"
        " where workload_phase = 'training'",
        {"mart_ai_workload.one_phase_per_row"},
    ),
    (
        "update mart_ai_workload set sci_boundary = 'consumer'",
        {"mart_ai_workload.boundary_follows_phase"},
    ),
    (
        "update mart_ai_workload set sci_kg_per_million_units_ratio = 0",
        {
            "mart_ai_workload.unknown_is_null",
            "mart_ai_workload.intensity_divides_by_its_units",
        },
    ),
    (
        "update mart_ai_workload set sci_kg = 3, sci_kg_per_million_units_ratio = 2"
        " where workload_phase = 'inference'",
        {"mart_ai_workload.intensity_is_of_estimates_alone"},
    ),
    (
        "update mart_ai_workload set tokens_in = 0",
        {"mart_ai_workload.functional_units_are_tokens"},
    ),
    (
        "update mart_ai_workload set estimated_lines = 2",
        {"mart_ai_workload.partial_estimates_are_said"},
    ),
    (
        "update mart_ai_workload set sci_status = 'guessed' where workload_phase = 'training'",
        {"mart_ai_workload.sci_status_known"},
    ),
    (
        "update mart_ai_workload set energy_kwh = -1",
        {"mart_ai_workload.nothing_negative"},
    ),
    # Kubernetes
    (
        "insert into mart_kubernetes_carbon from mart_kubernetes_carbon where namespace is null",
        {
            "mart_kubernetes_carbon.one_row_per_namespace",
            "mart_kubernetes_carbon.holds_every_line_of_clusters",
        },
    ),
    (
        "delete from mart_kubernetes_carbon where namespace is null",
        {"mart_kubernetes_carbon.holds_every_line_of_clusters"},
    ),
    (
        "update mart_kubernetes_carbon set estimated_energy_kwh = 4.000000000000000001",
        {"mart_kubernetes_carbon.holds_every_line_of_clusters"},
    ),
    (
        "update fact_rows set ResourceId = 'i-1', SubAccountId = '222'"
        " where x_ChargeKey in ('a1', 'p2')",
        {"mart_kubernetes_carbon.holds_every_line_of_clusters"},
    ),
    (
        "update fact_rows set Tags = null, ResourceId = '/x/providers/Microsoft.ContainerService"
        "/managedClusters/shop' where x_ChargeKey = 'a2'",
        {"mart_kubernetes_carbon.holds_every_line_of_clusters"},
    ),
    (
        "update mart_kubernetes_carbon set namespace_kind = 'idle' where namespace is null",
        {
            "mart_kubernetes_carbon.kind_known",
            "mart_kubernetes_carbon.without_a_namespace_is_unallocated",
        },
    ),
    (
        "update mart_kubernetes_carbon set estimated_operational_kg = 2.5,"
        " estimated_embodied_kg = -0.5",
        {
            "mart_kubernetes_carbon.nothing_negative",
            "mart_kubernetes_carbon.holds_every_line_of_clusters",
        },
    ),
    (
        "update mart_kubernetes_carbon set reportable_lines = 0 where namespace = 'web'",
        {"mart_kubernetes_carbon.counts_fit"},
    ),
    (
        "update mart_kubernetes_carbon set estimated_lines = 0",
        {"mart_kubernetes_carbon.unknown_is_null"},
    ),
    (
        "update mart_kubernetes_carbon set estimated_embodied_kg = 0",
        {
            "mart_kubernetes_carbon.estimate_is_sum_of_parts",
            "mart_kubernetes_carbon.holds_every_line_of_clusters",
        },
    ),
    (
        "update mart_kubernetes_carbon set effective_cost_ratio = 1",
        {"mart_kubernetes_carbon.only_namespaces_have_ratios"},
    ),
    (
        "update mart_kubernetes_carbon set effective_cost_ratio = 0.5 where namespace = 'web'",
        {"mart_kubernetes_carbon.effective_cost_ratios_come_to_one"},
    ),
    (
        "update mart_kubernetes_carbon set estimated_energy_ratio = 1.5 where namespace = 'web'",
        {
            "mart_kubernetes_carbon.energy_ratio_is_a_share",
            "mart_kubernetes_carbon.estimated_energy_ratios_come_to_one",
        },
    ),
    # Carbon per unit of spend
    (
        "insert into mart_carbon_intensity from mart_carbon_intensity where method = 'market'",
        {
            "mart_carbon_intensity.one_row_per_service_and_method",
            "mart_carbon_intensity.holds_every_kilogram",
        },
    ),
    (
        "update mart_carbon_intensity set estimated_kg = 1 where method = 'location'",
        {"mart_carbon_intensity.reported_and_estimated_stay_apart"},
    ),
    (
        "update mart_carbon_intensity set covered_effective_cost = 9",
        {"mart_carbon_intensity.ratio_is_kilograms_over_cost"},
    ),
    (
        "update mart_carbon_intensity set reported_kg_per_cost_ratio = 0 where provider = 'azure'",
        {"mart_carbon_intensity.no_ratio_is_explained"},
    ),
    (
        "update mart_carbon_intensity set internal_carbon_price_owner = null",
        {"mart_carbon_intensity.price_is_declared_whole"},
    ),
    (
        "update mart_carbon_intensity set internal_carbon_cost = 300",
        {"mart_carbon_intensity.cost_is_kilograms_at_the_price"},
    ),
    (
        "update mart_carbon_intensity set internal_carbon_price = null,"
        " internal_carbon_currency = null, internal_carbon_price_kind = null,"
        " internal_carbon_price_owner = null, internal_carbon_price_source = null",
        {"mart_carbon_intensity.no_price_no_cost"},
    ),
    (
        "update mart_carbon_intensity set internal_carbon_currency = 'USD'"
        " where method = 'location'",
        {"mart_carbon_intensity.one_price_per_month"},
    ),
    (
        "update mart_carbon_equivalence set equivalent_units = 2000 where equivalence = 'phone'",
        {"mart_carbon_equivalence.units_emit_the_kilograms"},
    ),
    (
        "update mart_carbon_equivalence set equivalence = 'car'",
        {"mart_carbon_equivalence.one_row_per_comparison"},
    ),
    (
        "update mart_carbon_equivalence set source = null",
        {"mart_carbon_equivalence.keys_filled"},
    ),
    # Carbon budgets
    (
        "insert into mart_carbon_budget from mart_carbon_budget where budget = 'new'",
        {"mart_carbon_budget.one_row_per_budget"},
    ),
    (
        "update mart_carbon_budget set remaining_kg = 0 where budget in ('all', 'new')",
        {"mart_carbon_budget.remaining_is_budget_less_actual"},
    ),
    (
        "update mart_carbon_budget set budget_status = 'within' where budget = 'data'",
        {"mart_carbon_budget.status_follows_figures"},
    ),
    (
        "update mart_carbon_budget set measure = 'carbon_kg' where budget = 'web'",
        {"mart_carbon_budget.measure_known"},
    ),
    # The FOCUS datasets
    (
        "update focus_v1_4_billing_period set BillingPeriodStatus = 'provisional'",
        {"focus_v1_4_billing_period.BillingPeriodStatus_allowed"},
    ),
    (
        "insert into focus_v1_4_billing_period from focus_v1_4_billing_period",
        {"focus_v1_4_billing_period.row_named_once"},
    ),
    (
        "update focus_v1_4_billing_period set BillingPeriodLastUpdated = '2025-01-01'",
        {"focus_v1_4_billing_period.updated_after_created"},
    ),
    (
        "update focus_v1_4_invoice_detail set InvoiceDetailId = 'Tax'",
        {"focus_v1_4_invoice_detail.row_named_once"},
    ),
    (
        "update focus_v1_4_invoice_detail set PaymentTerms = null",
        {"focus_v1_4_invoice_detail.keys_filled"},
    ),
    (
        "update focus_v1_4_invoice_detail set BillingPeriodEnd = BillingPeriodStart",
        {"focus_v1_4_invoice_detail.ends_after_its_start"},
    ),
    (
        "alter table focus_v1_4_contract_commitment drop column ContractId",
        {
            "focus_v1_4_contract_commitment.columns",
            "focus_v1_4_contract_commitment.keys_filled",
            "focus_v1_4_contract_commitment.row_named_once",
        },
    ),
    # The fact
    ("update fact_rows set x_ChargeKey = 'a1'", {"fct_cost_and_carbon.charge_key_unique"}),
    (
        "update fact_rows set x_SourceName = null where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.keys_filled"},
    ),
    (
        "update fact_rows set BillingCurrency = null where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.charges_name_their_currency"},
    ),
    (
        "update fact_rows set BillingCurrency = 'US Dollar' where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.charges_name_their_currency"},
    ),
    (
        "update fact_rows set EffectiveCost = null where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.charges_have_costs"},
    ),
    (
        "update fact_rows set x_UnallocatedReason = ' ' where x_ChargeKey = 'u1'",
        {"fct_cost_and_carbon.unallocated_emissions_say_why"},
    ),
    (
        "update fact_rows set BilledCost = 0.01 where x_ChargeKey = 'u1'",
        {"fct_cost_and_carbon.unallocated_emissions_cost_nothing"},
    ),
    (
        "update fact_rows set x_CarbonLocationKg = 0 where x_ChargeKey = 'a2'",
        {"fct_cost_and_carbon.unknown_carbon_is_not_a_number"},
    ),
    (
        "update fact_rows set x_CarbonReportedStatus = 'reported' where x_ChargeKey = 'u1'",
        {"fct_cost_and_carbon.carbon_status_known"},
    ),
    (
        "update fact_rows set x_RecordKind = 'Adjustment' where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.record_kind_known"},
    ),
    (
        "update fact_rows set x_EstimatedCarbonHighKg = 1.9 where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.estimate_within_its_interval"},
    ),
    (
        "update fact_rows set x_BillingMonth = '2026-01-02' where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.month_is_first_day"},
    ),
    (
        "update fact_rows set x_WorkloadPhase = 'guessing' where x_ChargeKey = 'a1'",
        {"fct_cost_and_carbon.workload_phase_known"},
    ),
    (
        """create or replace view fct_cost_and_carbon as
           select * exclude (ProviderName) from fact_rows""",
        {"fct_cost_and_carbon.columns"},
    ),
    # Emissions
    (
        "update fct_emissions_reported set is_current = true",
        {"fct_emissions_reported.one_current_version"},
    ),
    (
        "update fct_emissions_reported set usage_month = null where is_current",
        {"fct_emissions_reported.current_rows_have_a_month"},
    ),
    (
        "update fct_emissions_reported set total_market_kg = 7 where is_current",
        {"fct_emissions_reported.market_total_is_sum_of_scopes"},
    ),
    (
        "update fct_emissions_reported set total_location_kg = total_market_kg where is_current",
        {"fct_emissions_reported.location_total_is_sum_of_scopes"},
    ),
    (
        """update fct_emissions_reported
           set scope2_unspecified_kg = 1, scope3_unspecified_kg = 1, total_unspecified_kg = 99
           where is_current""",
        {"fct_emissions_reported.unspecified_total_is_sum_of_scopes"},
    ),
    (
        "update fct_emissions_reported set total_unspecified_kg = total_location_kg",
        {"fct_emissions_reported.methods_kept_apart"},
    ),
    # Daily
    (
        "update mart_spend_carbon_daily set environment = 'prod' where charge_date = '2026-01-05'",
        {"mart_spend_carbon_daily.environment_known"},
    ),
    (
        "update mart_spend_carbon_daily set environment = null where charge_date = '2026-01-05'",
        {"mart_spend_carbon_daily.charges_have_environment"},
    ),
    (
        "update mart_spend_carbon_daily set billing_currency = null",
        {"mart_spend_carbon_daily.currency_named"},
    ),
    (
        "update mart_spend_carbon_daily set estimated_carbon_kg = -0.000000000000000001",
        {"mart_spend_carbon_daily.estimated_kg_not_negative"},
    ),
    (
        "update mart_spend_carbon_daily set effective_cost = null where charge_date = '2026-01-05'",
        {"mart_spend_carbon_daily.costs_known"},
    ),
    (
        "update mart_spend_carbon_daily set carbon_is_modelled = null",
        {"mart_spend_carbon_daily.daily_carbon_marked_modelled"},
    ),
    (
        """update mart_spend_carbon_daily
           set charge_date = '2026-01-05', region_id = null where billing_month = '2026-01-01'""",
        {"mart_spend_carbon_daily.one_row_per_day_and_place"},  # the NULL doesn't hide the double
    ),
    (
        """create table swapped as select billing_month, charge_date,
               columns(c -> c not in ('billing_month', 'charge_date')) from mart_spend_carbon_daily;
           drop table mart_spend_carbon_daily;
           alter table swapped rename to mart_spend_carbon_daily""",
        {"mart_spend_carbon_daily.columns"},
    ),
    # Monthly
    (
        """update mart_spend_carbon_monthly set billed_cost = billed_cost + 0.000000000000000001
           where billing_month = '2026-02-01'""",
        {"mart_spend_carbon_monthly.agrees_with_daily"},
    ),
    (
        "delete from mart_spend_carbon_monthly where billing_month = '2026-02-01'",
        {"mart_spend_carbon_monthly.agrees_with_daily"},
    ),
    (
        "update mart_spend_carbon_monthly set carbon_coverage_ratio = 1.2",
        {"mart_spend_carbon_monthly.coverage_between_none_and_all"},
    ),
    (
        "update mart_spend_carbon_monthly set carbon_location_kg = 3.01 where provider = 'aws'",
        {"mart_spend_carbon_monthly.location_total_is_sum_of_scopes"},
    ),
    (
        """update mart_spend_carbon_monthly
           set carbon_location_kg = 4.5 where provider = 'aws'""",  # 0.5 + 1.5 + 1 + 0.5 + 1
        {
            "mart_spend_carbon_monthly.location_total_is_sum_of_scopes",
            "mart_spend_carbon_monthly.methods_never_added",
        },
    ),
    (
        """update mart_spend_carbon_monthly
           set carbon_covered_list_cost = carbon_covered_list_cost * 10000""",
        {"mart_spend_carbon_monthly.kilograms_are_kilograms"},
    ),
    (
        """update mart_spend_carbon_monthly
           set carbon_covered_list_cost = carbon_covered_list_cost / 10000""",
        {"mart_spend_carbon_monthly.kilograms_are_kilograms"},
    ),
    (
        """update mart_spend_carbon_monthly
           set carbon_location_kg = null, carbon_covered_list_cost = carbon_market_kg / 100
           where carbon_market_kg > 0""",
        {"mart_spend_carbon_monthly.kilograms_are_kilograms"},
    ),
    (
        "update mart_spend_carbon_monthly set cost_state = 'final'",
        {"mart_spend_carbon_monthly.cost_state_known"},
    ),
    (
        "update mart_spend_carbon_monthly set carbon_state = null",
        {"mart_spend_carbon_monthly.keys_filled"},
    ),
    (
        "update mart_spend_carbon_monthly set data_as_of = null where provider = 'aws'",
        {"mart_spend_carbon_monthly.freshness_stated"},
    ),
    (
        "update mart_spend_carbon_monthly set provider = 'gcp' where provider = 'azure'",
        {"mart_spend_carbon_monthly.provider_known"},
    ),
    (
        "insert into mart_spend_carbon_monthly from mart_spend_carbon_monthly where charge_lines=0",
        {"mart_spend_carbon_monthly.one_row_per_month_and_place"},
    ),
    (
        "alter table mart_spend_carbon_monthly add column total_kg decimal(38, 18)",
        {"mart_spend_carbon_monthly.columns"},
    ),
    # Hotspots
    (
        "update mart_hotspot set combined_rank = 4 where combined_rank = 3",
        {"mart_hotspot.ranks_have_no_gap"},
    ),
    (
        "update mart_hotspot set combined_rank = 2 where combined_rank = 3",
        {"mart_hotspot.one_hotspot_per_rank"},
    ),
    ("update mart_hotspot set cost_rank = 4 - cost_rank", {"mart_hotspot.dearest_stands_higher"}),
    # Commitments, accruals, postings
    (
        "update mart_commitment_rollforward set closing_balance = 80.000000000000000001"
        " where billing_month = date '2026-02-01'",
        {"mart_commitment_rollforward.balance_rolls_forward"},
    ),
    (
        "update mart_commitment_rollforward set opening_balance = 87, closing_balance = 79"
        " where billing_month = date '2026-02-01'",
        {"mart_commitment_rollforward.opening_is_closing_before"},
    ),
    (
        "update mart_commitment_rollforward set balance_status = 'only_use_loaded'",
        {"mart_commitment_rollforward.unknown_balance_is_null"},
    ),
    (
        "update mart_commitment_rollforward set other_effective_cost = 0.01"
        " where billing_month = date '2026-02-01'",
        {"mart_commitment_rollforward.bridge_closes"},
    ),
    (
        "update fact_rows set BilledCost = 95 where x_ChargeKey = 'p1'",
        {
            "mart_commitment_rollforward.agrees_with_the_fact",
            "mart_spend_restated.agrees_with_the_fact",
        },
    ),
    (
        "update mart_commitment_rollforward set utilisation_ratio = 1.2",
        {"mart_commitment_rollforward.utilisation_is_a_share"},
    ),
    (
        "delete from mart_accrual where entry = 'reversal' and billing_account_id = '111'",
        {"mart_accrual.accrual_is_reversed"},
    ),
    (
        "update mart_accrual set accrual_cost = accrual_cost + 0.01, expected_cost = expected_cost"
        " + 0.01 where entry = 'accrual'",
        {"mart_accrual.accrual_is_reversed"},
    ),
    (
        "update mart_accrual set cost_state = 'closed'",
        {"mart_accrual.nothing_accrued_for_a_closed_month"},
    ),
    (
        "update mart_accrual set accrual_high_cost = 6 where entry = 'accrual'"
        " and billing_account_id = '111'",
        {"mart_accrual.estimate_lies_in_its_interval"},
    ),
    (
        "update mart_accrual set accrual_cost = 0 where billing_account_id = '222'",
        {"mart_accrual.unknown_is_null"},
    ),
    (
        "update mart_accrual set expected_cost = 18 where entry = 'accrual'",
        {"mart_accrual.expected_is_billed_and_accrued"},
    ),
    (
        "update mart_accrual set billed_so_far_cost = 10",
        {"mart_accrual.everything_expected_is_said_once"},
    ),
    (
        "update mart_spend_booked set billed_cost = 4.01 where entry = 'moved_in'",
        {
            "mart_spend_booked.what_moves_out_moves_in",
            "mart_spend_booked.both_views_come_to_the_same",
        },
    ),
    (
        "update mart_spend_booked set posting_month = date '2025-12-01' where entry = 'moved_in'",
        {"mart_spend_booked.nothing_posted_before_it_was"},
    ),
    ("update mart_hotspot set billing_currency = null", {"mart_hotspot.currency_named"}),
    ("update mart_hotspot set carbon_market_kg = -1", {"mart_hotspot.reported_kg_not_negative"}),
    # Tie-out with invoices
    (
        "update mart_invoice_reconciliation set bridge_tax = bridge_tax + 0.000000000000000001",
        {"mart_invoice_reconciliation.bridge_adds_up"},
    ),
    (
        "update mart_invoice_reconciliation set bridge_fx = null where provider = 'aws'",
        {"mart_invoice_reconciliation.bridge_adds_up"},
    ),
    (
        """update mart_invoice_reconciliation
           set difference = difference + 1, bridge_fx = bridge_fx + 1""",
        {"mart_invoice_reconciliation.difference_is_invoice_minus_charges"},
    ),
    (
        """update mart_invoice_reconciliation
           set bridge_rounding = bridge_rounding + 2, bridge_tax = bridge_tax - 2""",
        {"mart_invoice_reconciliation.rounding_is_small"},
    ),
    (
        "update mart_invoice_reconciliation set outcome = 'match'",
        {"mart_invoice_reconciliation.match_leaves_nothing"},
    ),
    (
        "update mart_invoice_reconciliation set tolerance = 0.2",
        {"mart_invoice_reconciliation.tolerance_is_kept"},
    ),
    (
        "update mart_invoice_reconciliation set outcome_reason = null, outcome = 'variance'",
        {"mart_invoice_reconciliation.verdicts_explained"},
    ),
    (
        "update mart_invoice_reconciliation set net_outcome = 'good', outcome_reason = 'x'",
        {"mart_invoice_reconciliation.net_outcome_known"},
    ),
    (
        "insert into mart_invoice_reconciliation from mart_invoice_reconciliation",
        {"mart_invoice_reconciliation.one_row_per_invoice"},
    ),
    # Chargeback
    (
        "update mart_chargeback_month set effective_cost = effective_cost + 0.000000000000000001"
        " where line_kind = 'owned' and billing_month = '2026-01-01'",
        {"mart_chargeback_month.adds_up_to_spend"},
    ),
    (
        "update mart_chargeback_month set carbon_market_kg = 0.98 where movement = 'in'",
        {
            "mart_chargeback_month.adds_up_to_spend",
            "mart_chargeback_month.pools_give_what_they_take",
        },
    ),
    (
        "update mart_chargeback_month set billing_currency = 'EUR' where line_kind = 'owned'",
        {"mart_chargeback_month.adds_up_to_spend"},
    ),
    (
        """insert into mart_chargeback_month by name
           select * replace ('pooled' as line_kind, 'p' as held_in, null as owner, null as pool,
               'own' as movement, null as driver)
           from mart_chargeback_month where movement = 'in'
           union all by name
           select * replace (-effective_cost as effective_cost, -billed_cost as billed_cost,
               -carbon_location_kg as carbon_location_kg, -carbon_market_kg as carbon_market_kg,
               -estimated_carbon_kg as estimated_carbon_kg, 'x' as cost_center)
           from mart_chargeback_month where movement = 'own' and pool is not null""",
        {
            "mart_chargeback_month.nothing_vanishes_in_pools",
            "mart_chargeback_month.adds_up_to_spend",
        },
    ),
    (
        "update mart_chargeback_month set owner = 'web' where line_kind = 'support'",
        {"mart_chargeback_month.central_lines_have_no_owner"},
    ),
    (
        "update mart_chargeback_month set owner = null where line_kind = 'shared'",
        {"mart_chargeback_month.shares_have_an_owner"},
    ),
    (
        "update mart_chargeback_month set driver_weight = 2 where movement = 'in'",
        {"mart_chargeback_month.shares_show_their_driver"},
    ),
    # Reporting currency
    (
        "update mart_spend_reporting_month set fx_rate = 1.0000001",
        {"mart_spend_reporting_month.same_currency_at_one"},
    ),
    (
        "update mart_spend_reporting_month set billed_cost = 30, reporting_billed_cost = 30"
        " where billing_month = '2026-01-01'",
        {"mart_spend_reporting_month.billing_currency_untouched"},
    ),
    (
        "update mart_spend_reporting_month set billed_cost_change_by_fx = 0.01"
        " where change_reason is null",
        {"mart_spend_reporting_month.change_is_its_parts"},
    ),
    (
        "update mart_spend_reporting_month set change_reason = null",
        {"mart_spend_reporting_month.change_is_explained"},
    ),
    (
        "update mart_spend_reporting_month set reporting_billed_cost = null",
        {"mart_spend_reporting_month.missing_is_explained"},
    ),
    (
        "insert into mart_spend_reporting_month by name select * replace ('EUR' as"
        " billing_currency, 0 as billed_cost, 0 as effective_cost, 0 as charge_lines)"
        " from mart_spend_reporting_month where billing_month = '2026-01-01'",
        {"mart_spend_reporting_month.no_rate_is_made_up"},
    ),
    (
        "insert into mart_spend_reporting_month by name select * replace (0.9 as fx_rate,"
        " '222' as billing_account_id, 'CHF' as billing_currency, 'CHF' as reporting_currency,"
        " 0 as billed_cost, 0 as effective_cost, 0 as charge_lines)"
        " from mart_spend_reporting_month",
        {
            "mart_spend_reporting_month.one_reporting_currency",
            "mart_spend_reporting_month.same_currency_at_one",
        },
    ),
    # Calendar
    (
        "update mart_data_calendar set delivery_id = null",
        {"mart_data_calendar.arrived_names_its_delivery"},
    ),
    (
        "update mart_data_calendar set month = '2026-01-01'",
        {"mart_data_calendar.one_row_per_source_and_month"},
    ),
    (
        "update mart_data_calendar set expected = false where state = 'missing'",
        {"mart_data_calendar.missing_was_expected"},
    ),
    (
        "update mart_data_calendar set state = 'quarantined'",
        {"mart_data_calendar.quarantine_has_a_reason"},
    ),
    ("delete from mart_data_calendar", {"mart_data_calendar.not_empty"}),
    # Checks
    ("delete from dq_result", {"dq_result.not_empty"}),
    ("update dq_result set detail = null", {"dq_result.failures_explained"}),
    (
        "update dq_result set passed = false, detail = 'off by 1' where severity = 'error'",
        {"dq_result.no_failed_error"},
    ),
    ("update dq_result set unit = null", {"dq_result.measurements_have_units"}),
    # Dimensions
    ("delete from dim_owner where owner_key = '-1'", {"dim_owner.has_unknown_member"}),
    ("delete from dim_region where region_key = '-2'", {"dim_region.has_not_applicable_member"}),
    ("insert into dim_date values ('m1', 'again')", {"dim_date.key_unique"}),
    ("insert into dim_service values (null, 'lost')", {"dim_service.key_filled"}),
    ("insert into dim_resource values (' i-1', 'blank')", {"dim_resource.key_is_tidy"}),
    (
        "update bridge_estimate_factor set carbon_factor_key = null",
        {"bridge_estimate_factor.keys_filled"},
    ),
    (
        "insert into bridge_estimate_factor from bridge_estimate_factor",
        {"bridge_estimate_factor.one_row_per_factor_of_a_rate"},
    ),
    ("drop table dim_environment", {f"dim_environment.{EXISTS}"}),
    ("drop table mart_hotspot", {f"mart_hotspot.{EXISTS}"}),
]


HARMLESS = [
    # Not all parts are known: nothing to compare the total with.
    (
        """update mart_spend_carbon_monthly set carbon_market_kg = 5, carbon_scope1_kg = null
           where provider = 'aws'""",
        monthly.RELATION,
    ),
    # What is held back isn't published: the delivery before it stays.
    (
        """insert into dq_result (check_id, severity, passed, detail)
           values ('delivery_arrived', 'error', false, 'held back: fewer days')""",
        dq.RELATION,
    ),
    ("update mart_hotspot set carbon_rank = null", hotspot.RELATION),
]


@pytest.mark.parametrize(("sql", "expected"), FAULTS, ids=[sql[:60] for sql, _ in FAULTS])
def test_a_fault_breaks_the_promise_it_should(broken, sql: str, expected: set[str]) -> None:
    relations = {name.split(".")[0] for name in expected}
    assert _failed(broken(sql, relations=tuple(relations))) == expected


@pytest.mark.parametrize(("sql", "relation"), HARMLESS, ids=[sql[:60] for sql, _ in HARMLESS])
def test_a_harmless_change_breaks_nothing(broken, sql: str, relation: str) -> None:
    assert _failed(broken(sql, relations=(relation,))) == set()


def test_a_fault_is_not_blamed_on_other_relations(broken) -> None:
    results = broken("update mart_hotspot set billing_currency = null; drop table dim_owner")
    assert _failed(results) == {"mart_hotspot.currency_named", f"dim_owner.{EXISTS}"}


def test_only_critical_promises_block(broken) -> None:
    warned, blocked = broken(
        "update mart_hotspot set carbon_market_kg = -1; delete from dq_result",
        relations=(hotspot.RELATION, dq.RELATION),
    )
    assert warned.passed and [p.name for p in warned.warnings] == ["reported_kg_not_negative"]
    assert not blocked.passed and [p.name for p in blocked.blocking] == ["not_empty"]


def test_a_result_shows_the_rows_and_the_sentence(broken) -> None:
    (result,) = broken(
        "update mart_hotspot set combined_rank = 4 where combined_rank = 3",
        relations=(hotspot.RELATION,),
    )
    (promise,) = result.blocking
    assert promise.unexpected_count == 1
    assert promise.observed == "broken by 1 row"
    assert "first_rank=1, last_rank=4, ranks=3" in promise.sample[0]
    assert promise.notes.startswith("Places run from 1")


def test_months_limit_what_is_looked_at(broken) -> None:
    sql = "update mart_spend_carbon_daily set environment = 'prod', billed_cost = 1 where {}"
    january = sql.format("billing_month = '2026-01-01'")
    both = (daily.RELATION, monthly.RELATION)
    assert _failed(broken(january, both, months=[FEBRUARY])) == set()
    assert _failed(broken(january, both, months=[JANUARY, FEBRUARY])) == {
        "mart_spend_carbon_daily.environment_known",
        "mart_spend_carbon_monthly.agrees_with_daily",
    }
    assert _failed(broken(january, both, months=[])) == set()


def test_rows_without_a_month_are_seen_whatever_the_months(broken) -> None:
    sql = "update mart_hotspot set billing_month = null where combined_rank = 1"
    assert "mart_hotspot.keys_filled" in _failed(broken(sql, (hotspot.RELATION,), months=[]))


def test_an_emptied_month_is_no_empty_table(broken) -> None:
    sql = """
        delete from mart_spend_carbon_daily where billing_month = '2026-02-01';
        delete from mart_spend_carbon_monthly where billing_month = '2026-02-01';
    """
    both = (daily.RELATION, monthly.RELATION)
    assert _failed(broken(sql, both, months=[FEBRUARY])) == set()


def test_an_error_inside_a_promise_breaks_it_and_no_other(valid: Path) -> None:
    def promises(_: Scope) -> Sequence[Promise]:
        return (
            never("no_such_column", "select nothing_here from batch", "Can't be."),
            never("fine", "select 1 from batch where false", "Is."),
        )

    suite = Suite("probe", daily.RELATION, "For this test.", promises)
    (result,) = run_suites(valid, [suite], docs_dir=None)
    (failed,) = result.blocking
    assert failed.name == "no_such_column"
    assert failed.observed.startswith("could not be checked") and "nothing_here" in failed.observed


def test_a_view_over_a_lost_file_breaks_every_promise_without_a_traceback(
    broken, tmp_path: Path
) -> None:
    lost = tmp_path / "lost.parquet"
    (result,) = broken(
        f"""copy mart_hotspot to '{lost}' (format parquet); drop table mart_hotspot;
            create view mart_hotspot as select * from read_parquet('{lost}')""",
        relations=(hotspot.RELATION,),
    )
    assert result.passed
    lost.unlink()
    (result,) = run_suites(
        tmp_path / "broken.duckdb", suites_for({hotspot.RELATION}), docs_dir=None
    )
    assert not any(p.passed for p in result.promises if p.name != EXISTS)
    assert all("\n" not in p.observed for p in result.promises)


@pytest.mark.parametrize("content", [None, b"this is no database"])
def test_an_unreadable_file_fails_every_suite_with_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "cloudtally.duckdb"
    if content is not None:
        path.write_bytes(content)
    results = run_suites(path, ALL_SUITES, docs_dir=tmp_path / "docs")
    assert not any(result.passed for result in results)
    assert all("cloudtally.duckdb" in result.blocking[0].observed for result in results)
    assert "cloudtally.duckdb" in (tmp_path / "docs" / "index.html").read_text("utf-8")


def test_the_file_is_free_afterwards(valid: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd # $HOME ${x} %20"
    folder.mkdir()
    path = folder / "copy.duckdb"
    shutil.copy(valid, path)
    (result,) = run_suites(path, suites_for({dq.RELATION}), docs_dir=folder / "docs $HOME")
    assert result.passed
    assert (folder / "docs $HOME" / "index.html").is_file()
    with duckdb.connect(path) as connection:  # a reader left behind would refuse this
        connection.execute("create table written as select 1")


def test_docs_are_offline_safe_and_repeatable(broken, tmp_path: Path) -> None:
    broken("update mart_hotspot set environment = '<script>alert(1)</script>'", relations=())
    when = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    pages: list[dict[str, str]] = []
    docs = tmp_path / "docs"
    for _ in range(2):
        run_suites(tmp_path / "broken.duckdb", ALL_SUITES, docs_dir=docs, checked_at=when)
        files = sorted(file for file in docs.rglob("*") if file.is_file())
        pages.append({str(file.relative_to(docs)): file.read_text("utf-8") for file in files})
    assert pages[0] == pages[1]
    assert len(pages[0]) == 1 + 2 * len(ALL_SUITES)
    for name, page in pages[0].items():
        assert not re.search(r"<script|<link|<img|src\s*=\s*[\"']?http", page), name
        assert "default-src 'none'" in page, name
    index = pages[0]["index.html"]
    assert "&lt;script&gt;alert(1)" in index
    for suite in ALL_SUITES:
        assert html.escape(suite.reader) in index
        for address in re.findall(r'href="([^"]+)"', index):
            assert (docs / address).is_file()


def test_a_long_list_of_broken_rows_is_counted_but_not_fetched(broken) -> None:
    (result,) = broken(
        """insert into dq_result
           select 'c' || i, 'error', false, null, null, null, null, null, null, null, 'x'
           from range(50000) as t(i)""",
        relations=(dq.RELATION,),
    )
    (promise,) = result.blocking
    assert promise.name == "no_failed_error"
    assert promise.unexpected_count == 50_000
    assert len(promise.sample) == result_types.SAMPLE_ROWS


def test_a_cut_result_refuses_to_look_complete() -> None:
    cut = BoundedBuffer([(i,) for i in range(1_001)])
    with pytest.raises(TruncatedResultError):
        cut.fetchall(None, None)
    assert len(cut.fetchmany(None, None, 200)) == 200


def test_the_package_imports_neither_the_orchestrator_nor_the_heavy_engine() -> None:
    code = (
        "import sys, expectations.engine, expectations.suites;"
        "print({m.split('.')[0] for m in sys.modules} & {'dagster', 'dbt', 'great_expectations'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)
def test_a_suite_reads_like_promises(suite: Suite) -> None:
    promises = suite.promises(Scope())
    names = [promise.name for promise in promises]
    assert len(set(names)) == len(names) and EXISTS not in names
    assert "." not in suite.name  # Great Expectations makes a folder of it
    for sentence in (suite.reader, *(promise.notes for promise in promises)):
        assert sentence[0].isupper() and sentence.endswith("."), sentence
