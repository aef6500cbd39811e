"""What a provider offers against what the ledger has decided.

Belongs here: whether a delivery is still to be decided, and in which order. Nothing is fetched.
"""

import hashlib
import json
from collections.abc import Sequence

from dagster_project.exports.base import Candidate, Found, Unreadable
from dagster_project.landing.guards import NO_ROWS, SHRINK
from dagster_project.landing.nets import NET_ZERO
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.ledger.store import Kind
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.displacement import DISPLACED
from dagster_project.pipeline.overlap import OVERLAP
from dagster_project.version import code_version

_FORGIVABLE = (SHRINK, NO_ROWS, NET_ZERO, DISPLACED)
"""Codes of refusals that a reason given by somebody overrules."""


def newest_decision(state: LedgerState, unit: Unit, signature: str) -> Decision | None:
    """Return the newest decision that was made on exactly this listing of a unit."""
    decided = [
        decision
        for (decided_unit, _), decision in state.decisions.items()
        if decided_unit == unit and decision.signature == signature
    ]
    return max(decided, key=lambda decision: decision.at, default=None)


def is_new(
    context: Context, state: LedgerState, unit: Unit, found: Found, offered: Sequence[Found]
) -> bool:
    """Tell whether a delivery, as it is listed now, is still to be decided."""
    decided = newest_decision(state, unit, found.signature)
    if decided is None:
        return not _is_older(state.current.get(unit), found)
    if decided.kind is Kind.QUARANTINED:
        return _may_pass_now(context, state, decided)
    return _heals(state, decided, offered)


def _is_older(current: Decision | None, found: Found) -> bool:
    return (
        current is not None
        and isinstance(found, Candidate)
        and found.is_manifested
        and found.order < current.order
    )


def _may_pass_now(context: Context, state: LedgerState, refused: Decision) -> bool:
    """Tell whether a standing refusal may have lost its reason, though its files are the same."""
    if refused not in state.quarantined():
        return False
    code = str(refused.payload.get("error", {}).get("code", ""))
    if code in _FORGIVABLE and shrink_reason(context):
        return True
    now = circumstances(context, state, refused.unit, code)
    return refused.payload.get("circumstances") != now


def circumstances(context: Context, state: LedgerState, unit: Unit, code: str) -> str:
    """Return a hash of what a verdict depends on besides the delivery itself.

    That is the code that judged it; for accounts of two sources also the other sources and what
    they count.
    """
    facts: list[object] = [code_version()]
    if code in (OVERLAP, DISPLACED):
        facts += sorted(
            [source.name, source.provider, source.authoritative, decision.delivery_id]
            for source in context.settings.sources
            for other, decision in state.current.items()
            if (other.source, other.month) == (source.name, unit.month)
        )
        facts.append(context.settings.source(unit.source).authoritative)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _heals(state: LedgerState, accepted: Decision, offered: Sequence[Found]) -> bool:
    """Tell whether the current delivery is offered again after a bad one that is gone."""
    signatures = {found.signature for found in offered}
    return state.current.get(accepted.unit) is accepted and any(
        decision.unit == accepted.unit and decision.signature not in signatures
        for decision in state.quarantined()
    )


def shrink_reason(context: Context) -> str:
    """Return why smaller deliveries are accepted in this run; empty when they are not."""
    return (context.accept_shrink or "").strip()


def newest_first(found: Found) -> tuple[bool, str]:
    """Return the key that sorts deliveries by age; what can't be read counts as newest."""
    if isinstance(found, Unreadable):
        return (True, "")
    return (False, found.order)
