"""Two sources that hold the same account and month are never both counted."""

import re

from dagster_project.errors import CloudtallyError
from dagster_project.exports.registry import export_of
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.landing.totals import ACCOUNT_SEPARATOR
from dagster_project.ledger.state import LedgerState
from dagster_project.pipeline.context import Context
from dagster_project.settings import SourceConfig

OVERLAP = "CT-LAND-OVERLAP"
_KIND = re.compile(r"^/[a-z]+/(?=[^/]+$)")


def refuse_overlap(
    context: Context, state: LedgerState, source: SourceConfig, delivery: Delivery
) -> None:
    """Refuse a delivery whose accounts another source already counts in that month.

    Where one of the two is authoritative, both are accepted, and the other's month is left out of
    the build (`displacement.py`).

    Raises:
        CloudtallyError: CT-LAND-OVERLAP names the other source and an account.
    """
    for other in context.settings.sources:
        if source.authoritative is not other.authoritative:
            continue
        shared = shared_accounts(context, state, source, delivery, other)
        if shared:
            raise CloudtallyError(
                OVERLAP,
                f"Source {other.name!r} counts {len(shared)} of the same accounts in this month.",
                where={"first account": shared[0]},
                next_step="Remove one source, or mark one, not both, `authoritative: true`.",
            )


def shared_accounts(
    context: Context,
    state: LedgerState,
    source: SourceConfig,
    delivery: Delivery,
    other: SourceConfig,
) -> list[str]:
    """Return accounts of a delivery that another source's current delivery also holds."""
    if not is_same_kind(source, other):
        return []
    names_of = _whole_accounts if _name_their_own(source, other) else _lowest_accounts
    accounts = names_of(delivery)
    shared: set[str] = set()
    for unit, decision in state.current.items():
        if unit.source == other.name and unit.month == delivery.month:
            folder = context.home.landed(unit.source, unit.month, decision.delivery_id)
            shared |= accounts & names_of(read_delivery(folder))
    return sorted(shared)


def is_same_kind(source: SourceConfig, other: SourceConfig) -> bool:
    """Tell whether two sources may hold the same charges, or the same emissions."""
    is_alike = other.provider == source.provider and other.is_emissions == source.is_emissions
    return is_alike and other.name != source.name


def comparable_accounts(
    delivery: Delivery, source: SourceConfig, other: SourceConfig
) -> dict[str, str]:
    """Return the accounts of a delivery, each under a name that two sources share.

    What belongs to no sub account goes by its billing account, which exports of unlike shape
    needn't name alike: between these it counts as one account.
    """
    if _name_their_own(source, other):
        return {account: account.casefold() for account in delivery.totals.accounts}
    is_alike = source.export == other.export
    names = {}
    for account in delivery.totals.accounts:
        billing, _, sub = account.partition(ACCOUNT_SEPARATOR)
        names[account] = _bare(sub) or (billing.casefold() if is_alike else "")
    return names


def _name_their_own(source: SourceConfig, other: SourceConfig) -> bool:
    """Tell whether an account of one name may be another in the other source.

    Exports of unlike shape needn't name the organisation alike, so only like ones are told apart.
    """
    return source.export == other.export and export_of(source).names_own_accounts


def _whole_accounts(delivery: Delivery) -> set[str]:
    return {account.casefold() for account in delivery.totals.accounts}


def _lowest_accounts(delivery: Delivery) -> set[str]:
    """Return the accounts that a payer's and a member's export both name: the sub accounts."""
    pairs = (account.partition(ACCOUNT_SEPARATOR) for account in delivery.totals.accounts)
    return {_bare(sub or billing) for billing, _, sub in pairs} - {""}


def _bare(account: str) -> str:
    """Return an account as every export of its provider would write it.

    One writes `/subscriptions/<id>`, another the id alone, each in the case it likes.
    """
    return _KIND.sub("", account.casefold())
