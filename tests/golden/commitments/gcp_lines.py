"""Lines of Google's detailed export that lead to the specification's scenarios.

Google bills commitments by the hour and sells none that is paid before. It commits to cores and
memory: machines of several sizes have no scenario here. Every scenario has a billing account of its
own, since fees that no credit names are shared within one.
"""

import datetime as dt
from typing import Any

from tests.golden.gcp_billing import deliveries
from tests.golden.gcp_billing.deliveries import CPU_FEE, FLEX_FEE, RESOURCE, SPEND, Row, credit

START = dt.datetime(2023, 1, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def line(name: str, cost: float, *credits: Row, hour: int = 0, **more: Any) -> Row:
    """Return one line of an hour of 1 January 2023."""
    start = START + hour * HOUR
    january: Row = {
        "billing_account_id": f"account-{name}",
        "usage_start_time": start,
        "usage_end_time": start + HOUR,
        "export_time": start + 12 * HOUR,
        "invoice": "202301",
        "labels": [{"key": "env", "value": "prod"}],
    }
    return deliveries.line(name, cost, *credits, **january | more)


def fee(name: str, cost: float, sku: str = FLEX_FEE, **more: Any) -> Row:
    """Return what is billed for an hour of a commitment."""
    return line(name, cost, sku=sku, subscription={"instance_id": f"sub-{name}"}, **more)


def covered(name: str, cost: float, amount: float, kind: str = SPEND, **more: Any) -> Row:
    """Return a line of which a commitment covers a part."""
    return line(name, cost, credit(kind, -amount, identity=f"sub-{name}"), **more)


def scenario_lines() -> list[Row]:
    """Return the scenarios that Google can have."""
    flexible = {"region": None, "project": None}
    return [
        *(fee("purchase-no-upfront", 1.0, **flexible, hour=hour) for hour in range(3)),
        fee("usage-used", 1.0, **flexible),
        covered("usage-used", 1.0, 1.0),
        fee("usage-unused", 1.0, **flexible),
        fee("usage-partly-used", 1.0, **flexible),
        covered("usage-partly-used", 0.75, 0.75),
        fee("usage-and-on-demand", 1.0, **flexible),
        covered("usage-and-on-demand", 1.5, 1.0),
        fee("one-size-used", 1.5, CPU_FEE, project=None),
        covered("one-size-used", 3.0, 3.0, RESOURCE),
        fee("one-size-unused", 1.5, CPU_FEE, project=None),
        line("one-size-unused", 2.0),
    ]
