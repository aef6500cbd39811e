"""The exports of the fictional company: which plan, which writer, which folder.

Belongs here: one table of sources and the loop that turns blocks into files and sums.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.months import Month
from dagster_project.sample_estate import (
    aws_carbon,
    aws_cur,
    aws_cur2,
    aws_focus,
    azure_carbon,
    azure_details,
    azure_focus,
    company_aws,
    company_azure,
    company_gcp,
    company_other,
    gcp_carbon,
    gcp_detailed,
    gcp_focus,
    plain_carbon,
    plain_focus,
)
from dagster_project.sample_estate.book import Edition, Plan, month_blocks
from dagster_project.sample_estate.delivery import Estate, Tally
from dagster_project.sample_estate.emissions import Emission, Usage
from dagster_project.sample_estate.finance import Invoices
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.sizing import Size
from dagster_project.sample_estate.truth import Truth

ChargeWriter = Callable[[Estate, Path, Month, Edition, Iterable[Block], int], object]
NativeWriter = Callable[[Plan, Estate, Path, Month, Edition, Iterable[Block], int], Tally]
CarbonWriter = Callable[[Estate, Path, Month, list[Emission]], int]


@dataclass(frozen=True)
class CarbonExport:
    """An emissions export that belongs to a billing export.

    Attributes:
        adds: Emissions of the month that no charge line explains.
    """

    name: str
    folder: str
    grain: Callable[[Item], tuple[str, ...]]
    method: str
    resolution: int
    adds: Callable[[Month], list[Emission]]
    write: CarbonWriter


@dataclass(frozen=True)
class NativeExport:
    """A billing export in the provider's own format, in place of its FOCUS export.

    Attributes:
        kind: Name of the export in the configuration.
        places: Folders by key of the configuration.
    """

    kind: str
    folder: str
    write: NativeWriter
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChargeExport:
    """A billing export.

    Attributes:
        native: The same bill in the provider's own format.
        restates: Whether superseded deliveries stay beside the current one.
        month_to_date: Whether every month has such a delivery.
    """

    name: str
    provider: str
    folder: str
    plan: Callable[[Size], Plan]
    write: ChargeWriter
    restates: bool = False
    month_to_date: bool = False
    carbon: CarbonExport | None = None
    native: NativeExport | None = None


@dataclass
class Sums:
    """What is summed while the files are written."""

    truth: Truth = field(default_factory=Truth)
    invoices: Invoices = field(default_factory=Invoices)
    rows: dict[str, int] = field(default_factory=dict)

    def convert(self, name: str, plan: Plan, month: Month, book: int, tally: Tally) -> None:
        """Count the lines of a native export, and those that it should become, not the book's."""
        issuer = plan.usage[0].account.issuer
        self.rows[name] += tally.source - book
        self.truth.shift_rows((issuer.provider, month, issuer.currency), tally.facts - book)


def write_source(
    estate: Estate, export: ChargeExport, size: Size, only: Callable[[str], bool], sums: Sums
) -> None:
    """Write a billing export and its emissions export, as far as they are wanted."""
    carbon = export.carbon if export.carbon and only(export.carbon.name) else None
    if not only(export.name) and carbon is None:
        return
    plan = export.plan(size)
    for month in estate.months:
        usage = Usage(carbon.grain) if carbon else None
        if only(export.name):
            _write_charges(estate, export, plan, size, month, usage, sums)
        else:
            _only_look(estate, plan, month, usage)
        if carbon and usage and not estate.is_open(month):
            _write_carbon(estate, carbon, month, usage, sums)


def _write_charges(
    estate: Estate,
    export: ChargeExport,
    plan: Plan,
    size: Size,
    month: Month,
    usage: Usage | None,
    sums: Sums,
) -> None:
    native = export.native if estate.native else None
    root = estate.out / (native or export).folder
    editions = estate.editions(month, always=export.month_to_date)
    chunk = max(500, min(131_072, size.aws_rows // 4))
    for edition in editions if export.restates else editions[-1:]:
        blocks = month_blocks(
            plan,
            month,
            seed=estate.seed,
            first=estate.is_first(month),
            edition=edition,
            chunk=chunk,
        )
        if edition.final:
            blocks = _summed(estate, export.name, blocks, usage, sums)
        if native is None:
            export.write(estate, root, month, edition, blocks, size.aws_rows)
            continue
        before = sums.rows.get(export.name, 0)
        tally = native.write(plan, estate, root, month, edition, blocks, size.aws_rows)
        if edition.final:
            sums.convert(export.name, plan, month, sums.rows[export.name] - before, tally)


def _summed(
    estate: Estate, name: str, blocks: Iterator[Block], usage: Usage | None, sums: Sums
) -> Iterator[Block]:
    for block in blocks:
        sums.truth.add(block)
        sums.invoices.add(block)
        if usage:
            usage.add(block)
        yield block
        sums.rows[name] = sums.rows.get(name, 0) + block.rows
        estate.progress(block.rows)


def _only_look(estate: Estate, plan: Plan, month: Month, usage: Usage | None) -> None:
    for block in month_blocks(plan, month, seed=estate.seed, first=estate.is_first(month)):
        if usage:
            usage.add(block)


def _write_carbon(
    estate: Estate, carbon: CarbonExport, month: Month, usage: Usage, sums: Sums
) -> None:
    emissions = usage.emissions(month, carbon.method, carbon.resolution)
    emissions += carbon.adds(month)
    sums.truth.add_emissions(emissions)
    rows = carbon.write(estate, estate.out / carbon.folder, month, emissions)
    sums.rows[carbon.name] = sums.rows.get(carbon.name, 0) + rows


def _write_aws_carbon(estate: Estate, root: Path, month: Month, emissions: list[Emission]) -> int:
    age = estate.months.index(month)
    old = "full" if age < 2 else "empty" if age == 2 else "none"
    return aws_carbon.write_month(root, month, emissions, old)


def _write_gcp_carbon(estate: Estate, root: Path, month: Month, emissions: list[Emission]) -> int:
    age = estate.months.index(month)
    file_format = gcp_carbon.FORMATS[age % len(gcp_carbon.FORMATS)]
    model = 15 if estate.several and age >= len(estate.months) // 2 else 14
    if age == 1:
        defective = [emission.scaled(883, gcp_carbon.RESOLUTION) for emission in emissions]
        gcp_carbon.write_run(
            root, month, defective, file_format=file_format, model=model, backfill=False
        )
    return gcp_carbon.write_run(root, month, emissions, file_format=file_format, model=model)


AWS_CARBON = CarbonExport(
    name="aws-carbon",
    folder="exports/aws/fernlight-carbon",
    grain=aws_carbon.grain,
    method="both",
    resolution=aws_carbon.RESOLUTION,
    adds=lambda month: [aws_carbon.forgotten_region(month)],
    write=_write_aws_carbon,
)
AZURE_CARBON = CarbonExport(
    name="azure-carbon",
    folder="exports/azure/carbon",
    grain=azure_carbon.grain,
    method="unspecified",
    resolution=azure_carbon.RESOLUTION,
    adds=lambda month: [azure_carbon.deleted_machine(month)],
    write=lambda _estate, root, month, emissions: azure_carbon.write_month(root, month, emissions),
)
GCP_CARBON = CarbonExport(
    name="gcp-carbon",
    folder="exports/gcp/carbon",
    grain=gcp_carbon.grain,
    method="one-scope-3",
    resolution=gcp_carbon.RESOLUTION,
    adds=lambda _month: [],
    write=_write_gcp_carbon,
)
SNOWPEAK_CARBON = CarbonExport(
    name="snowpeak-carbon",
    folder="exports/snowpeak-carbon",
    grain=plain_carbon.grain,
    method="one-scope-3",
    resolution=plain_carbon.RESOLUTION,
    adds=lambda month: [plain_carbon.trial_account(month)],
    write=lambda estate, root, month, emissions: plain_carbon.write_month(
        root, month, emissions, estate.months.index(month)
    ),
)
EXPORTS: tuple[ChargeExport, ...] = (
    ChargeExport(
        name="aws-main",
        provider="aws",
        folder="exports/aws/fernlight-focus",
        plan=lambda size: company_aws.main_plan(size.aws_hours, size.fleet),
        write=aws_focus.write_1_2,
        restates=True,
        native=NativeExport("cur2", "exports/aws/fernlight-cur2", aws_cur2.write_cur2),
        carbon=AWS_CARBON,
    ),
    ChargeExport(
        name="aws-sandbox",
        provider="aws",
        folder="exports/aws/labs-focus",
        plan=lambda size: company_aws.sandbox_plan(size.other_hours),
        write=lambda estate, root, month, edition, blocks, _rows: aws_focus.write_1_0(
            estate, root, month, edition, blocks
        ),
        native=NativeExport(
            kind="cur",
            folder="exports/aws/labs-cur",
            write=lambda plan, estate, root, month, edition, blocks, _rows: aws_cur.write_cur(
                plan, estate, root, month, edition, blocks
            ),
        ),
    ),
    ChargeExport(
        name="azure-legacy",
        provider="azure",
        folder="exports/azure/costs",
        plan=lambda size: company_azure.plan(size.other_hours),
        write=lambda estate, root, month, edition, blocks, _rows: azure_focus.write_run(
            estate, root, month, edition, blocks
        ),
        restates=True,
        month_to_date=True,
        carbon=AZURE_CARBON,
        native=NativeExport(
            kind="cost-details",
            folder="exports/azure/cost-details",
            write=lambda plan, estate, root, month, edition, blocks, _rows: (
                azure_details.write_pair(plan, estate, root, month, edition, blocks)
            ),
            places={
                "actual": "exports/azure/cost-details/actual",
                "amortized": "exports/azure/cost-details/amortized",
            },
        ),
    ),
    ChargeExport(
        name="gcp-ml",
        provider="gcp",
        folder="exports/gcp/focus",
        plan=lambda size: company_gcp.plan(size.other_hours),
        write=lambda estate, root, month, edition, blocks, _rows: gcp_focus.write_run(
            estate, root, month, edition, blocks
        ),
        restates=True,
        carbon=GCP_CARBON,
        native=NativeExport(
            kind="billing-detailed",
            folder="exports/gcp/billing-detailed",
            write=lambda plan, estate, root, month, edition, blocks, _rows: gcp_detailed.write_run(
                plan, estate, root, month, edition, blocks
            ),
        ),
    ),
    ChargeExport(
        name="onprem",
        provider="onprem",
        folder="exports/onprem",
        plan=lambda size: company_other.onprem_plan(size.other_hours),
        write=lambda estate, root, month, _edition, blocks, _rows: plain_focus.write_onprem(
            estate, root, month, blocks
        ),
    ),
    ChargeExport(
        name="snowpeak",
        provider="snowpeak",
        folder="exports/snowpeak",
        plan=lambda size: company_other.snowpeak_plan(size.other_hours),
        write=lambda _estate, root, month, _edition, blocks, _rows: plain_focus.write_snowpeak(
            root, month, blocks
        ),
        carbon=SNOWPEAK_CARBON,
    ),
)
