"""What there is to do, without doing it: the quick look that a run begins and ends with."""

from dataclasses import dataclass

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.state import Unit
from dagster_project.months import ALL_MONTHS, Month
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.displacement import Displacement, displacements, unsettled_error
from dagster_project.pipeline.extract import Outcome, Status, find_work
from dagster_project.pipeline.plan import Plan, make_plan
from dagster_project.settings import InputConfig


@dataclass(frozen=True)
class Survey:
    """Undecided deliveries, units that need somebody, and the plan as it stands."""

    waiting: tuple[Unit, ...]
    problems: tuple[Outcome, ...]
    plan: Plan

    @property
    def has_work(self) -> bool:
        """Whether a run would change anything."""
        return bool(self.waiting) or self.plan.has_work

    @property
    def months(self) -> list[Month]:
        """Months that a run has to cover: what waits and what is dirty, not all that there is."""
        found = ({unit.month for unit in self.waiting} | set(self.plan.dirty)) - {ALL_MONTHS}
        return sorted(found) or list(self.plan.months)[-1:]


def survey(context: Context, months: set[Month] | None = None) -> Survey:
    """Ask every source and input what is new, and the ledger what is dirty."""
    waiting: list[Unit] = []
    problems: list[Outcome] = []
    for source in (*context.settings.sources, *context.settings.inputs):
        wanted = None if isinstance(source, InputConfig) else months
        try:
            _, work, settled = find_work(context, source, wanted)
        except CloudtallyError as error:
            problems.append(Outcome(source.name, None, "", Status.FAILED, error=error))
            continue
        waiting += [item.unit for item in work]
        problems += [outcome for outcome in settled if not outcome.is_well]
    problems += [
        Outcome(*_coordinates(item), Status.DISPLACED, error=unsettled_error(context, item))
        for item in displacements(context, context.state())
        if not item.is_settled and (months is None or item.unit.month in months)
    ]
    return Survey(tuple(waiting), tuple(problems), make_plan(context))


def _coordinates(item: Displacement) -> tuple[str, Month, str]:
    return item.unit.source, item.unit.month, item.unit.variant
