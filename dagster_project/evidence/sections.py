"""What an audit pack holds, section by section, as tables.

Belongs here: which tables, and the sentence that tells a reader what each one shows. A section that
reads the publication is one SQL statement over what every reader sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month


@dataclass(frozen=True)
class Section:
    """One table of the pack.

    Attributes:
        name: File name of its data.
        meaning: What the rows are, and what it means if there are none.
    """

    name: str
    title: str
    meaning: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Question:
    """A section that the published database answers; `$month` is the first day of the month."""

    name: str
    title: str
    meaning: str
    sql: str


_PERIODS = """
    select provider, cost_state, carbon_state, data_as_of
    from dim_billing_period where billing_month = $month order by provider
"""

_COST = """
    select
        x_Provider as provider, BillingCurrency as billing_currency, count(*) as charge_lines,
        sum(BilledCost) as billed_cost, sum(EffectiveCost) as effective_cost
    from fct_cost_and_carbon
    where x_BillingMonth = $month and x_RecordKind = 'Charge'
    group by all order by all
"""

_CARBON = """
    select
        x_Provider as provider, x_RecordKind as record_kind,
        x_CarbonReportedStatus as carbon_status, x_UnallocatedReason as unallocated_reason,
        count(*) as rows, sum(x_CarbonLocationKg) as location_kg,
        sum(x_CarbonMarketKg) as market_kg, sum(x_CarbonUnspecifiedKg) as unspecified_kg
    from fct_cost_and_carbon
    where x_BillingMonth = $month
    group by all order by all
"""

_TIE_OUT = """
    select * from mart_invoice_reconciliation where billing_month = $month order by all
"""

_CHECKS = """
    select
        check_id, severity, passed, source_name, provider, column_name, measured, unit, detail,
        delivery_id
    from dq_result where billing_month = $month
    order by passed, check_id, source_name, provider, column_name
"""

_INPUT_CHECKS = """
    select check_id, severity, passed, source_name, column_name, measured, unit, detail, delivery_id
    from dq_result where billing_month is null
    order by passed, check_id, source_name, column_name
"""

_METHODS = """
    select
        x_Provider as provider, x_CarbonMethod as allocation_method,
        x_CarbonModelVersion as provider_model_version, x_EstimateStatus as estimate_status,
        x_FactorSetId as factor_set_id, x_RuleSetId as rule_set_id, count(*) as rows,
        sum(x_CarbonLocationKg) as location_kg, sum(x_CarbonMarketKg) as market_kg,
        sum(x_CarbonUnspecifiedKg) as unspecified_kg, sum(x_EstimatedCarbonKg) as estimated_kg
    from fct_cost_and_carbon
    where x_BillingMonth = $month
    group by all order by all
"""

_FACTORS = """
    select
        factors.factor_kind, factors.carbon_factor_key as factor, factors.value, factors.value_low,
        factors.value_high, factors.unit, factors.year, factors.boundary, factors.source,
        factors.licence, count(*) as charge_lines, sum(fact.x_EstimatedCarbonKg) as estimated_kg
    from fct_cost_and_carbon as fact
    join bridge_estimate_factor as bridge on fact.x_EstimateRateId = bridge.estimate_rate_key
    join dim_carbon_factor as factors on bridge.carbon_factor_key = factors.carbon_factor_key
    where fact.x_BillingMonth = $month and fact.x_EstimateStatus = 'Estimated'
    group by all order by all
"""

_RATES = "select * from dim_fx_rate where month = $month order by all"

_RESTATEMENTS = "select * from fct_restatement where PeriodMonth = $month order by all"

_GAPS = """
    select 'delivery' as gap, concat_ws(' ', source_name, provider, export) as place,
        concat_ws(': ', state, reason) as detail
    from mart_data_calendar where month = $month and state <> 'arrived'
    union all
    select 'check', concat_ws(' ', check_id, source_name, provider, column_name),
        concat_ws(': ', measured, detail)
    from dq_result where billing_month = $month and not passed
    union all
    select 'invoice', concat_ws(' ', provider, billing_account_id, invoice_id, billing_currency),
        concat_ws(': ', outcome, outcome_reason)
    from mart_invoice_reconciliation
    where billing_month = $month and outcome not in ('match', 'within_tolerance')
    union all
    select 'carbon', concat_ws(' ', x_Provider, x_CarbonReportedStatus),
        concat(count(*), ' charge lines without reported carbon')
    from fct_cost_and_carbon
    where
        x_BillingMonth = $month
        and x_CarbonReportedStatus in ('Pending', 'NotCovered', 'AccessDenied', 'LateAfterClose')
    group by x_Provider, x_CarbonReportedStatus
    union all
    select 'carbon', concat_ws(' ', x_Provider, 'unallocated'),
        concat_ws(': ', x_UnallocatedReason, concat(count(*), ' emissions on no charge line'))
    from fct_cost_and_carbon
    where x_BillingMonth = $month and x_RecordKind = 'UnallocatedEmissions'
    group by x_Provider, x_UnallocatedReason
    union all
    select 'period', provider, concat_ws(', ', 'cost ' || cost_state, 'carbon ' || carbon_state)
    from dim_billing_period
    where
        billing_month = $month
        and (cost_state not in ('closed', 'restated') or carbon_state not in ('closed', 'restated'))
    order by all
"""

QUESTIONS = (
    Question(
        "periods",
        "Period states",
        "Cost and carbon close apart. A period that isn't closed may still change.",
        _PERIODS,
    ),
    Question(
        "cost",
        "Cost",
        "Billed and effective cost by provider and billing currency; currencies are never added.",
        _COST,
    ),
    Question(
        "carbon",
        "Reported carbon",
        "Kilograms as the providers report them, by what became of them. Location, market and"
        " unspecified are three views and never added; an absent figure is not zero.",
        _CARBON,
    ),
    Question(
        "tie_out",
        "Tie-out with invoices",
        "What the deliveries state, what the table holds and what was invoiced; the bridge adds up"
        " to the difference exactly.",
        _TIE_OUT,
    ),
    Question(
        "checks", "Checks", "Every check of the month's deliveries, failed ones first.", _CHECKS
    ),
    Question(
        "input_checks",
        "Checks of inputs",
        "Checks of the company's own files, which belong to no month.",
        _INPUT_CHECKS,
    ),
    Question(
        "methods",
        "Methods and factors",
        "How carbon came onto the lines: allocation rule, the provider's own model, factor set of"
        " estimates and rules of ownership. A line without a factor set has no estimate.",
        _METHODS,
    ),
    Question(
        "factors",
        "Factors of the estimates",
        "Every factor that an estimate of the month comes from, with its source. A line is behind"
        " several factors, so that their kilograms are never added.",
        _FACTORS,
    ),
    Question(
        "fx_rates",
        "Exchange rates",
        "Monthly rates by which marts convert; none means that nothing of the month is converted.",
        _RATES,
    ),
    Question(
        "restatements",
        "Restatements",
        "How the month has moved between publications; none means that it never has.",
        _RESTATEMENTS,
    ),
    Question(
        "gaps",
        "Open gaps",
        "Whatever is missing, failed, unexplained or not closed; none means nothing is.",
        _GAPS,
    ),
)


def published_sections(connection: duckdb.DuckDBPyConnection, month: Month) -> tuple[Section, ...]:
    """Return the sections that the publication answers.

    Raises:
        CloudtallyError: CT-EVIDENCE-OLD when the publication lacks a relation of this version.
    """
    return tuple(_answer(connection, question, month) for question in QUESTIONS)


def _answer(connection: duckdb.DuckDBPyConnection, question: Question, month: Month) -> Section:
    values = {"month": month} if "$month" in question.sql else {}
    try:
        found = connection.execute(question.sql, values)
    except duckdb.CatalogException as error:
        raise CloudtallyError(
            "CT-EVIDENCE-OLD",
            f"What is published was built by an older version: {str(error).splitlines()[0]}.",
            where={"section": question.name},
            kept="everything; no pack was written.",
            next_step="Run `cloudtally run`, then ask again.",
        ) from None
    columns = tuple(item[0] for item in found.description or ())
    return Section(question.name, question.title, question.meaning, columns, found.fetchall())
