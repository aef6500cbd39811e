"""Pairs of Azure cost details that lead to the specification's scenarios, and kinds beside them.

Azure bills a commitment at once or by the month, and counts use by the day: an hour of a scenario
is a day here. It sells nothing that is paid in part.
"""

from pathlib import Path

from tests.azure_pairs import csv_bytes, write_run
from tests.golden.azure_pairs import PLAN, RESERVATION, VM, Row, ea

JANUARY = {"BillingPeriodStartDate": "01/01/2023", "BillingPeriodEndDate": "01/31/2023"}
NO_RESOURCE = {"ResourceId": "", "ResourceLocation": "Unassigned"}


class Pair:
    """Lines of both exports of one enrolment."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.actual: list[Row] = []
        self.amortized: list[Row] = []

    def buy(self, name: str, cost: str, commitment: Row, day: int = 1, **cells: str) -> None:
        """A commitment is bought: only actual cost says so."""
        kind = {"ChargeType": "Purchase", "Frequency": "Recurring", "UnitOfMeasure": "1"}
        self.actual.append(
            self._line(name, f"1 {cost} {cost} {cost} 0", day, kind, commitment, NO_RESOURCE, cells)
        )

    def refund(self, name: str, cost: str, commitment: Row, day: int, **cells: str) -> None:
        """A part of what was bought is given back."""
        kind = {"ChargeType": "Refund", "Frequency": "OneTime", "UnitOfMeasure": "1"}
        self.actual.append(
            self._line(
                name, f"-1 {cost} -{cost} {cost} 0", day, kind, commitment, NO_RESOURCE, cells
            )
        )

    def use(
        self, name: str, hours: str, price: str, cost: str, listed: str, commitment: Row,
        day: int = 1, **cells: str,
    ) -> None:  # fmt: skip
        """Covered usage: in actual cost for nothing, in amortised cost for its share."""
        for rows, figures in (
            (self.actual, f"{hours} 0 0 {listed} {listed}"),
            (self.amortized, f"{hours} {price} {cost} {listed} {listed}"),
        ):
            rows.append(self._line(name, figures, day, commitment, cells))

    def leave(self, name: str, cost: str, commitment: Row, day: int = 1) -> None:
        """What nobody used: only amortised cost says so."""
        plan = commitment["PricingModel"] == "SavingsPlan"
        kind = {"ChargeType": "UnusedSavingsPlan" if plan else "UnusedReservation"}
        self.amortized.append(
            self._line(name, f"1 {cost} {cost} 0 0", day, commitment, kind, NO_RESOURCE)
        )

    def on_demand(self, name: str, hours: str, price: str, cost: str, day: int = 1) -> None:
        """Usage at its price: in both."""
        line = self._line(name, f"{hours} {price} {cost} {price} {price}", day)
        self.actual.append(line)
        self.amortized.append(line)

    def _line(self, name: str, figures: str, day: int, *more: Row) -> Row:
        line = ea(name, figures) | JANUARY
        line |= {"Date": f"01/{day:02d}/2023", "BillingAccountId": self.account}
        line |= {"BillingProfileId": self.account, "SubscriptionId": f"s-{self.account}"}
        line |= {"ResourceId": f"{VM}-{name}"}
        for part in more:
            line |= part
        return line

    def write(self, root: Path) -> None:
        """Write one run of each."""
        for dataset, lines in (("actual", self.actual), ("amortized", self.amortized)):
            write_run(
                root / dataset, dataset, csv_bytes(lines), len(lines),
                days=("2023-01-01", "2023-01-31"), submitted="2023-02-02T03:00:00Z",
            )  # fmt: skip


def plan(name: str) -> Row:
    return {"PricingModel": "SavingsPlan", "benefitId": f"{PLAN}-{name}", "benefitName": name}


def reservation(name: str) -> Row:
    return {"PricingModel": "Reservation", "benefitId": f"{RESERVATION}-{name}",
            "benefitName": name}  # fmt: skip


def scenario_pair() -> Pair:
    """Return the scenarios that Azure can have."""
    pair = Pair("9000001")
    name = "purchase-all-upfront"
    pair.buy(name, "8760", plan(name), Frequency="OneTime")
    name = "purchase-no-upfront"
    for day in (1, 2, 3):
        pair.buy(name, "1", plan(name), day)

    pair.use("usage-used", "1", "1", "1", "1.25", plan("usage-used"))
    pair.leave("usage-unused", "1", plan("usage-unused"))
    name = "usage-partly-used"
    pair.use(name, "1", "0.75", "0.75", "0.9375", plan(name))
    pair.leave(name, "0.25", plan(name))
    name = "usage-and-on-demand"
    pair.use(name, "1", "1", "1", "1.25", plan(name))
    pair.on_demand(name, "1", "0.5", "0.5")

    name = "one-size-used"
    pair.buy(name, "1.5", reservation(name))
    pair.use(name, "1", "1.5", "1.5", "3", reservation(name))
    name = "one-size-unused"
    pair.buy(name, "1.5", reservation(name))
    pair.leave(name, "1.5", reservation(name))
    pair.on_demand(name, "1", "2", "2")
    name = "any-size-one-machine"
    pair.buy(name, "0.5", reservation(name))
    pair.use(name, "0.333", "1.501501501501502", "0.5", "3", reservation(name))
    pair.on_demand(name, "0.75", "3", "2.25")
    name = "any-size-two-machines"
    pair.buy(name, "2", reservation(name))
    for machine in "12":
        pair.use(name, "1", "1", "1", "2", reservation(name), ResourceId=f"{VM}-{machine}")
    return pair


def kind_pair() -> Pair:
    """Return the kinds that ../azure_pairs.py has none of: paid at once, and exchanged."""
    pair = Pair("9000002")
    name = "reservation, paid at once"
    pair.buy(name, "1095", reservation("once"), Frequency="OneTime")
    pair.use(name, "20", "0.125", "2.5", "0.2", reservation("once"), day=31)
    pair.leave(name, "0.5", reservation("once"), day=31)
    name = "reservation, exchanged"
    pair.buy(name, "1095", reservation("old"), Frequency="OneTime")
    for day in (1, 2):
        pair.use(name, "24", "0.125", "3", "0.2", reservation("old"), day)
    pair.refund(name, "1089", reservation("old"), day=3)
    pair.buy("reservation, after the exchange", "1452", reservation("new"), 3, Frequency="OneTime")
    pair.use("reservation, after the exchange", "24", "0.1666666666666667", "4", "0.25",
             reservation("new"), 31)  # fmt: skip
    return pair
