"""What the reader of the bridge from estimates to their factors may rely on."""

from collections.abc import Sequence

from expectations.promises import Promise, Scope, Suite, all_filled, columns_in_order, one_row_per
from expectations.suites.common import COLUMNS_FIXED

RELATION = "bridge_estimate_factor"
COLUMNS = ("estimate_rate_key", "carbon_factor_key")


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        all_filled(COLUMNS, "Both ends are there: a join through the bridge loses nothing."),
        one_row_per(
            "one_row_per_factor_of_a_rate",
            COLUMNS,
            "A factor is named once for each kind of usage.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever follows an estimate to the factors that it comes from.",
    promises=_promises,
)
