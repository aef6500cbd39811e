"""Reads what the report shows from the published marts, with the gaps left as gaps.

Belongs here: queries on published marts and the question "is this number there at all".
Does not: anything about how it looks. All money and mass stay Decimal.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, add_months, month_range

MONTHS_SHOWN = 24
HOTSPOTS_SHOWN = 10
BILL_EXPORTS = frozenset({"focus", "cur2", "cur", "cost-details", "billing-detailed"})
# The state that promises least comes first: a month with one open account is an open month.
COST_STATES = ("open", "provisional", "restated", "closed")
CARBON_STATES = ("pending", "provisional", "restated", "closed")
UNSETTLED = frozenset({"open", "pending", "provisional"})


@dataclass(frozen=True)
class CostCell:
    """Cost of one provider, billing month and billing currency; None where it isn't known."""

    provider: str
    currency: str
    month: Month
    effective_cost: Decimal | None
    billed_cost: Decimal | None
    coverage: Decimal | None


@dataclass(frozen=True)
class CarbonCell:
    """Reported kg CO2e of one provider and usage month, by method; methods are never added."""

    provider: str
    month: Month
    location_kg: Decimal | None
    market_kg: Decimal | None
    unspecified_kg: Decimal | None


@dataclass(frozen=True)
class EnvironmentCost:
    """Effective cost of one environment, billing month and billing currency."""

    environment: str
    currency: str
    month: Month
    effective_cost: Decimal


@dataclass(frozen=True)
class EnvironmentCarbon:
    """Reported kg CO2e of one environment and usage month, by method."""

    environment: str
    month: Month
    location_kg: Decimal | None
    market_kg: Decimal | None
    unspecified_kg: Decimal | None


@dataclass(frozen=True)
class Hotspot:
    """One resource among the dearest and dirtiest of a billing month and billing currency."""

    month: Month
    currency: str
    provider: str
    sub_account: str
    service: str
    region: str
    resource: str
    environment: str
    owner: str
    effective_cost: Decimal | None
    location_kg: Decimal | None
    market_kg: Decimal | None
    unspecified_kg: Decimal | None
    cost_rank: int | None
    carbon_rank: int | None


@dataclass(frozen=True)
class CalendarCell:
    """What one source was expected to deliver for one month, and what came."""

    source: str
    provider: str
    export: str
    month: Month
    expected: bool
    state: str
    rows: int | None
    arrived_at: dt.datetime | None
    reason: str
    late_days: int

    @property
    def is_bill(self) -> bool:
        """Whether the source carries charges."""
        return self.export in BILL_EXPORTS

    @property
    def is_gap(self) -> bool:
        """Whether something that was expected isn't there."""
        return self.expected and self.state not in ("arrived", "not_expected")


@dataclass(frozen=True)
class PeriodState:
    """Cost and carbon state of one provider and month."""

    provider: str
    month: Month
    cost_state: str
    carbon_state: str


@dataclass(frozen=True)
class ReportData:
    """Everything that the page shows."""

    months: tuple[Month, ...]
    months_left_out: int
    costs: tuple[CostCell, ...]
    carbon: tuple[CarbonCell, ...]
    environment_costs: tuple[EnvironmentCost, ...]
    environment_carbon: tuple[EnvironmentCarbon, ...]
    hotspots: tuple[Hotspot, ...]
    calendar: tuple[CalendarCell, ...]
    periods: tuple[PeriodState, ...]
    data_as_of: dt.datetime | None

    @property
    def currencies(self) -> tuple[str, ...]:
        """Billing currencies, in a fixed order."""
        return tuple(sorted({cell.currency for cell in self.costs}))

    @property
    def providers(self) -> tuple[str, ...]:
        """Providers that are billed, that report, or that are expected to."""
        named = {cell.provider for cell in self.costs} | {cell.provider for cell in self.carbon}
        return tuple(sorted(named | {cell.provider for cell in self.calendar}))

    def providers_of(self, currency: str) -> tuple[str, ...]:
        """Providers that bill in the currency."""
        return tuple(sorted({c.provider for c in self.costs if c.currency == currency}))

    def gaps(self, providers: Iterable[str], month: Month, *, bills: bool) -> list[CalendarCell]:
        """Return the expected deliveries of a month that aren't there."""
        wanted = set(providers)
        return [
            cell
            for cell in self.calendar
            if cell.month == month
            and cell.provider in wanted
            and (cell.is_bill if bills else cell.export == "carbon")
            and cell.is_gap
        ]

    def cost_state(self, providers: Iterable[str], month: Month) -> str:
        """Return the least settled cost state of the providers in the month, or ``."""
        wanted = set(providers)
        states = {p.cost_state for p in self.periods if p.month == month and p.provider in wanted}
        return least_settled(states, COST_STATES)

    def carbon_state(self, providers: Iterable[str], month: Month) -> str:
        """Return the least settled carbon state of the providers in the month, or ``."""
        wanted = set(providers)
        states = {p.carbon_state for p in self.periods if p.month == month and p.provider in wanted}
        return least_settled(states, CARBON_STATES)

    def newest_complete_cost_month(self, currency: str) -> Month | None:
        """Return the newest month with every expected bill of the currency in and none open."""
        providers = self.providers_of(currency)
        charged = {
            c.month for c in self.costs if c.currency == currency and c.effective_cost is not None
        }
        for month in reversed(self.months):
            settled = self.cost_state(providers, month) not in ("open", "")
            if month in charged and settled and not self.gaps(providers, month, bills=True):
                return month
        return None

    def newest_complete_carbon_month(self) -> Month | None:
        """Return the newest usage month with every expected carbon report in."""
        reporters = {
            c.provider
            for c in self.carbon
            if (c.location_kg, c.market_kg, c.unspecified_kg) != (None, None, None)
        }
        reported = {cell.month for cell in self.carbon if cell.provider in reporters}
        for month in reversed(self.months):
            arrived = self.carbon_state(reporters, month) not in ("pending", "")
            if month in reported and arrived and not self.gaps(self.providers, month, bills=False):
                return month
        return None


def least_settled(states: Iterable[str], order: tuple[str, ...]) -> str:
    """Return the state that promises least; an unknown word promises nothing at all."""
    present = set(states) - {""}
    unknown = sorted(present - set(order))
    return unknown[0] if unknown else next((state for state in order if state in present), "")


def read_report_data(database: Path) -> ReportData:
    """Read the report's numbers from a published DuckDB file, read-only.

    Raises:
        CloudtallyError: CT-REPORT-DATABASE when the file can't be opened or lacks a mart.
    """
    try:
        with duckdb.connect(
            str(database), read_only=True, config={"autoinstall_known_extensions": "false"}
        ) as connection:
            return _read(connection)
    except duckdb.Error as error:
        raise CloudtallyError(
            "CT-REPORT-DATABASE",
            "The published database can't be read for the report.",
            where={"database": database, "detail": str(error).splitlines()[0]},
            kept="The published marts; only the page is not written.",
            next_step="Run `cloudtally run`, which publishes the marts again.",
        ) from error


def _read(connection: duckdb.DuckDBPyConnection) -> ReportData:
    calendar = _calendar(connection)
    months, left_out = _months(connection, calendar)
    shown = set(months)
    periods = _periods(connection)
    return ReportData(
        months=months,
        months_left_out=left_out,
        costs=tuple(c for c in _costs(connection, calendar, periods) if c.month in shown),
        carbon=tuple(c for c in _carbon(connection, calendar, periods) if c.month in shown),
        environment_costs=_environment_costs(connection),
        environment_carbon=_environment_carbon(connection),
        hotspots=_hotspots(connection),
        calendar=tuple(cell for cell in calendar if cell.month in shown),
        periods=tuple(period for period in periods if period.month in shown),
        data_as_of=_data_as_of(connection),
    )


def _months(
    connection: duckdb.DuckDBPyConnection, calendar: tuple[CalendarCell, ...]
) -> tuple[tuple[Month, ...], int]:
    rows = connection.execute(
        """
        select billing_month from mart_spend_carbon_monthly where billing_month is not null
        union
        select usage_month from mart_spend_carbon_monthly where usage_month is not null
        """
    ).fetchall()
    known = {row[0] for row in rows} | {cell.month for cell in calendar if cell.expected}
    if not known:
        return (), 0
    first = max(min(known), add_months(max(known), 1 - MONTHS_SHOWN))
    months = tuple(month_range(first, max(known)))
    return months, sum(1 for _ in month_range(min(known), max(known))) - len(months)


def _costs(
    connection: duckdb.DuckDBPyConnection,
    calendar: tuple[CalendarCell, ...],
    periods: tuple[PeriodState, ...],
) -> list[CostCell]:
    rows = connection.execute(
        """
        select
            provider,
            billing_currency,
            billing_month,
            sum(effective_cost),
            sum(billed_cost),
            sum(charge_lines),
            sum(carbon_covered_list_cost),
            sum(carbon_eligible_list_cost),
        from mart_spend_carbon_monthly
        where billing_currency <> 'XXX' and provider is not null and billing_month is not null
        group by all
        order by all
        """
    ).fetchall()
    arrived = {(c.provider, c.month) for c in calendar if c.is_bill and c.state == "arrived"}
    pending = {(p.provider, p.month) for p in periods if p.carbon_state == "pending"}
    cells = []
    for provider, currency, month, effective, billed, lines, covered, eligible in rows:
        there = bool(lines) or (provider, month) in arrived
        coverage = None if (provider, month) in pending else _ratio(covered, eligible)
        cells.append(
            CostCell(
                provider,
                currency,
                month,
                effective if there else None,
                billed if there else None,
                coverage if there else None,
            )
        )
    return cells


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return None if part is None or not whole else (part / whole).quantize(Decimal("0.0001"))


def _carbon(
    connection: duckdb.DuckDBPyConnection,
    calendar: tuple[CalendarCell, ...],
    periods: tuple[PeriodState, ...],
) -> list[CarbonCell]:
    rows = connection.execute(
        """
        select
            provider,
            usage_month,
            sum(carbon_location_kg),
            sum(carbon_market_kg),
            sum(carbon_unspecified_kg),
        from mart_spend_carbon_monthly
        where usage_month is not null and provider is not null
        group by all
        order by all
        """
    ).fetchall()
    reports = [cell for cell in calendar if cell.export == "carbon" and cell.expected]
    arrived = {(cell.provider, cell.month) for cell in reports if cell.state == "arrived"}
    awaited = {(cell.provider, cell.month) for cell in reports} - arrived
    awaited |= {(p.provider, p.month) for p in periods if p.carbon_state == "pending"} - arrived
    return [
        CarbonCell(
            provider, month, *(kg if kg or (provider, month) not in awaited else None for kg in kgs)
        )
        for provider, month, *kgs in rows
    ]


def _environment_costs(connection: duckdb.DuckDBPyConnection) -> tuple[EnvironmentCost, ...]:
    rows = connection.execute(
        """
        select
            coalesce(environment, 'unknown'),
            billing_currency,
            billing_month,
            sum(effective_cost) as effective_cost,
        from mart_spend_carbon_monthly
        where billing_currency is not null and billing_month is not null and charge_lines > 0
        group by all
        having sum(effective_cost) is not null
        order by 4 desc, 1
        """
    ).fetchall()
    return tuple(EnvironmentCost(*row) for row in rows)


def _environment_carbon(connection: duckdb.DuckDBPyConnection) -> tuple[EnvironmentCarbon, ...]:
    rows = connection.execute(
        """
        select
            case
                when charge_lines > 0 then coalesce(environment, 'unknown')
                else 'not allocated'
            end,
            usage_month,
            sum(carbon_location_kg),
            sum(carbon_market_kg),
            sum(carbon_unspecified_kg),
        from mart_spend_carbon_monthly
        where usage_month is not null
        group by all
        order by 1, 2
        """
    ).fetchall()
    return tuple(EnvironmentCarbon(*row) for row in rows)


def _hotspots(connection: duckdb.DuckDBPyConnection) -> tuple[Hotspot, ...]:
    rows = connection.execute(
        """
        select
            billing_month,
            billing_currency,
            coalesce(provider, ''),
            coalesce(sub_account_id, ''),
            coalesce(service_name, ''),
            coalesce(region_id, ''),
            coalesce(resource_id, ''),
            coalesce(environment, 'unknown'),
            coalesce(owner, ''),
            effective_cost,
            carbon_location_kg,
            carbon_market_kg,
            carbon_unspecified_kg,
            cost_rank,
            carbon_rank,
        from mart_hotspot
        where billing_month is not null and billing_currency is not null and combined_rank <= ?
        order by billing_month, billing_currency, combined_rank, resource_id
        """,
        [HOTSPOTS_SHOWN],
    ).fetchall()
    return tuple(Hotspot(*row) for row in rows)


def _calendar(connection: duckdb.DuckDBPyConnection) -> tuple[CalendarCell, ...]:
    rows = connection.execute(
        """
        select
            source_name,
            provider,
            export,
            month,
            coalesce(expected, false),
            coalesce(state, 'unknown'),
            rows,
            arrived_at,
            coalesce(reason, ''),
            coalesce(late_days, 0),
        from mart_data_calendar
        where month is not null
        order by provider, source_name, month
        """
    ).fetchall()
    return tuple(CalendarCell(*row) for row in rows)


def _periods(connection: duckdb.DuckDBPyConnection) -> tuple[PeriodState, ...]:
    rows = connection.execute(
        """
        with

        cost as (
            select
                provider,
                billing_month as month,
                list(distinct cost_state) as states
            from mart_spend_carbon_monthly
            where charge_lines > 0
            group by all
        ),

        carbon as (
            select
                provider,
                usage_month as month,
                list(distinct carbon_state) as states
            from mart_spend_carbon_monthly
            group by all
        )

        select
            coalesce(cost.provider, carbon.provider),
            coalesce(cost.month, carbon.month),
            cost.states,
            carbon.states,
        from cost
        full outer join carbon on cost.provider = carbon.provider and cost.month = carbon.month
        where coalesce(cost.provider, carbon.provider) is not null
            and coalesce(cost.month, carbon.month) is not null
        order by 1, 2
        """
    ).fetchall()
    return tuple(
        PeriodState(
            provider,
            month,
            least_settled({state or "" for state in cost or ()}, COST_STATES),
            least_settled({state or "" for state in carbon or ()}, CARBON_STATES),
        )
        for provider, month, cost, carbon in rows
    )


def _data_as_of(connection: duckdb.DuckDBPyConnection) -> dt.datetime | None:
    row = connection.execute(
        "select cast(max(data_as_of) as timestamp) from mart_spend_carbon_monthly"
    ).fetchone()
    return row[0] if row else None
