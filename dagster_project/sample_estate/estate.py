"""The public door: write the whole fictional estate into a folder.

Belongs here: order of work, the configuration file, the summary.
"""

import datetime as dt
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, add_months, month_of, next_month
from dagster_project.sample_estate.book import DAY_HOURS
from dagster_project.sample_estate.delivery import Estate
from dagster_project.sample_estate.finance import write_rates
from dagster_project.sample_estate.sizing import size_for
from dagster_project.sample_estate.sources import EXPORTS, ChargeExport, Sums, write_source
from dagster_project.sample_estate.writers import open_text

Formats = Literal["focus", "native"]
DEFAULT_MONTHS: tuple[Month, ...] = tuple(add_months(dt.date(2026, 4, 1), n) for n in range(6))
_MOST_ROWS = 200_000_000
_CHARGEBACK = """\
# Who pays for what is shared; docs/chargeback.md explains every word.
version: 1
owners: [data]
pools:
  # The platform team buys commitments for all, and a quarter of them for the data team.
  - name: unused-commitments
    when: {line: unused_commitment}
    by: weights
    over: [{pool: platform, weight: 0.75}, {owner: data, cost_center: CC-200, weight: 0.25}]
  - name: platform
    when: {owner: platform}
    by: effective-cost
    within: {environment: production}
  - name: support
    when: {line: support}
    by: effective-cost
"""


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One written export: its folder and the rows of its current deliveries.

    Attributes:
        places: Folders by key of the configuration, relative to the estate.
    """

    name: str
    provider: str
    export: str
    path: Path
    rows: int
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EstateSummary:
    """What was written where.

    Attributes:
        rows: Charge lines of all current deliveries; equals `rows` in `truth.json`.
    """

    out: Path
    config: Path
    truth: Path
    invoices: Path
    invoice_truth: Path
    rates: Path
    chargeback: Path
    rows: int
    months: tuple[Month, ...]
    sources: tuple[SourceSummary, ...]


def write_estate(
    out: Path,
    *,
    rows: int = 12_000,
    seed: int = 7,
    months: Sequence[Month] = DEFAULT_MONTHS,
    progress: Callable[[int], None] | None = None,
    only: Collection[str] | None = None,
    formats: Formats = "focus",
) -> EstateSummary:
    """Write every export of the fictional company, its truth and a configuration that reads it.

    Equal arguments give byte-identical files. Memory is bounded whatever `rows` is.

    Args:
        out: Folder; an `exports` folder of an earlier estate in it is replaced.
        rows: Charge lines wanted over all months, about; a few thousand to ten million and more.
        seed: Chooses another history of the same company.
        months: Billing months without gaps, oldest first. With more than one, the newest is still
            open: not invoiced, and without emissions.
        progress: Called with the number of charge lines just written.
        only: Sources or providers to write; all when absent.
        formats: `focus`, or `native` for the bills of AWS, Azure and Google in their own formats.
            The amounts of `truth.json` are the same; its rows are those that the lines of the
            native formats should become.

    Raises:
        CloudtallyError: CT-SAMPLE-ARGUMENTS when rows, months or `only` cannot be served.
    """
    _check(rows, months, only)
    is_native = formats == "native"
    estate = Estate(out, seed, tuple(months), progress or (lambda _count: None), is_native)
    _clear(out)
    size = size_for(rows, months, DAY_HOURS) if is_native else size_for(rows, months)
    sums = Sums()
    for export in EXPORTS:
        write_source(estate, export, size, lambda name: _is_wanted(name, only), sums)
    summary = _summary(estate, sums)
    sums.truth.write(summary.truth, seed, estate.months)
    _write_chargeback(summary.chargeback)
    sums.invoices.write(summary.invoices, summary.invoice_truth)
    write_rates(summary.rates, estate.months)
    _write_config(summary)
    return summary


def _check(rows: int, months: Sequence[Month], only: Collection[str] | None) -> None:
    known = set(_providers()) | set(_providers().values())
    problem = ""
    if not 0 < rows <= _MOST_ROWS:
        problem = f"rows must lie between 1 and {_MOST_ROWS}, not {rows}"
    elif not months or list(months) != [add_months(months[0], n) for n in range(len(months))]:
        problem = "months must follow one another without gaps, oldest first"
    elif months[0] != month_of(months[0]):
        problem = "months are the first days of months"
    elif only is not None and set(only) - known:
        problem = f"there is no source {', '.join(sorted(set(only) - known))}"
    if problem:
        raise CloudtallyError(
            "CT-SAMPLE-ARGUMENTS",
            f"The sample estate cannot be written: {problem}.",
            kept="nothing was written.",
            next_step=f"Sources are: {', '.join(sorted(known))}.",
        )


def _providers() -> dict[str, str]:
    """Return the provider of every source."""
    names = {export.name: export.provider for export in EXPORTS}
    return names | {export.carbon.name: export.provider for export in EXPORTS if export.carbon}


def _is_wanted(name: str, only: Collection[str] | None) -> bool:
    return only is None or name in only or _providers()[name] in only


def _clear(out: Path) -> None:
    """Remove what an earlier estate left, so that no old delivery stays beside the new ones."""
    shutil.rmtree(out / "exports", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)


def _summary(estate: Estate, sums: Sums) -> EstateSummary:
    found = []
    for export in EXPORTS:
        found += [
            SourceSummary(name, export.provider, kind, estate.out / folder, sums.rows[name], places)
            for name, kind, folder, places in _kinds(export, estate.native)
            if name in sums.rows
        ]
    return EstateSummary(
        out=estate.out,
        config=estate.out / "cloudtally.yaml",
        truth=estate.out / "truth.json",
        invoices=estate.out / "inputs" / "invoices.csv",
        invoice_truth=estate.out / "invoice_truth.json",
        rates=estate.out / "inputs" / "fx-rates.csv",
        chargeback=estate.out / "chargeback.yaml",
        rows=sums.truth.total_rows,
        months=tuple(estate.months),
        sources=tuple(found),
    )


def _kinds(export: ChargeExport, native: bool) -> list[tuple[str, str, str, Mapping[str, str]]]:
    """Return name, kind, folder and places of an export and of its emissions."""
    own = export.native if native else None
    kind, folder = (own.kind, own.folder) if own else ("focus", export.folder)
    places = own.places if own and own.places else {"location": folder}
    kinds = [(export.name, kind, folder, places)]
    if export.carbon:
        place = export.carbon.folder
        kinds.append((export.carbon.name, "carbon", place, {"location": place}))
    return kinds


def _write_chargeback(path: Path) -> None:
    with open_text(path) as text:
        text.write(_CHARGEBACK)


def _write_config(summary: EstateSummary) -> None:
    newest = next_month(summary.months[-1])
    lines = [
        "# Written with the sample estate: a fictional company, known truth in truth.json",
        "home: ./warehouse",
        "reporting_currency: USD",
        f"chargeback: ./{summary.chargeback.name}",
        "# The day from which this estate is seen: the next bills and the newest carbon aren't due",
        f"clock: {newest.replace(day=2)}",
        "sources:",
    ]
    for source in summary.sources:
        places = ", ".join(f"{key}: ./{place}" for key, place in source.places.items())
        lines.append(
            f"  - {{name: {source.name}, provider: {source.provider}, "
            f"export: {source.export}, {places}}}"
        )
    lines.append("inputs:")
    for kind, path in (("invoices", summary.invoices), ("fx-rates", summary.rates)):
        lines.append(f"  {kind}: ./{path.relative_to(summary.out).as_posix()}")
    with open_text(summary.config) as text:
        text.write("\n".join(lines) + "\n")
