"""Pitfalls of providers' own bills, from the rows that staging has: CUR 2.0, Google's export.

What a line is called in the answers is its description, or the container that it was split off for.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.golden.carbon.pitfalls import (
    FEBRUARY,
    JANUARY,
    UNTOUCHED,
    Case,
    Row,
    google,
    of_aws,
    report,
)

PLAN = "arn:aws:savingsplans::1:savingsplan/p"
RESERVATION = "arn:aws:ec2:eu-west-1:1:reserved-instances/r"
NOON = dt.datetime(2026, 1, 31, 12)


def cur(key: str, account: str, public: str | None, cash: str | None = None, **more: Any) -> Row:
    """Return a line of the Cost and Usage Report 2.0; it costs what its public price says."""
    start = more.pop("start", dt.datetime(2026, 1, 1))
    month = more.pop("billed", JANUARY)
    paid = public if cash is None else cash
    return {
        "source_name": "aws-cur",
        "billing_month": month,
        "delivery_id": f"cur {month}",
        "identity_line_item_id": f"{account}/{key}",
        "identity_time_interval": f"{start.isoformat()}Z",
        "bill_payer_account_id": "payer",
        "line_item_usage_account_id": account,
        "line_item_line_item_type": "Usage",
        "line_item_line_item_description": f"{account}/{key}",
        "line_item_usage_start_date": start,
        "line_item_usage_end_date": start + dt.timedelta(hours=1),
        "line_item_currency_code": "USD",
        "line_item_product_code": "AWSLambda",
        "line_item_unblended_cost": Decimal(paid or 0),
        "pricing_public_on_demand_cost": None if public is None else Decimal(public),
        "product_region_code": "eu-west-1",
        **more,
    }


def machine(key: str, account: str, public: str, **more: Any) -> Row:
    """Return an hour of a machine of EC2."""
    return cur(
        key, account, public,
        **{
            "line_item_product_code": "AmazonEC2", "line_item_operation": "RunInstances",
            "line_item_usage_type": "EU-BoxUsage:m5.large", "line_item_resource_id": key, **more,
        },
    )  # fmt: skip


def container(key: str, account: str, parent: str, split: str, unused: str) -> Row:
    """Return a line of split cost allocation: no cash, a share of its machine's cost."""
    return cur(
        key, account, None,
        line_item_product_code="AmazonEKS", line_item_operation="EKSPod-EC2",
        line_item_usage_type="EU-EKS-EC2-vCPU-Hours", line_item_resource_id=f"{account}/{key}",
        split_line_item_parent_resource_id=parent, split_line_item_split_cost=Decimal(split),
        split_line_item_unused_cost=Decimal(unused),
    )  # fmt: skip


def of_kind(kind: str, key: str, account: str, cash: str, **more: Any) -> Row:
    """Return a line that is no plain usage."""
    return cur(key, account, None, cash, line_item_line_item_type=kind, **more)


def billed_by_google(
    key: str, project: str, list_cost: str, start: dt.datetime, month: dt.date
) -> Row:
    """Return an hour of Google's detailed billing export."""
    return {
        "source_name": "gcp-billing",
        "billing_month": month,
        "delivery_id": f"google {month}",
        "billing_account_id": "billing",
        "invoice_month": f"{month:%Y%m}",
        "publisher_type": "GOOGLE",
        "cost_type": "regular",
        "service_id": "6F81-5844-456A",
        "service_name": "Compute Engine",
        "sku_id": key,
        "sku_description": f"{project}/{key}",
        "project_id": project,
        "project_number": project,
        "location": "europe-west1",
        "region": "europe-west1",
        "usage_start_time": start,
        "usage_end_time": start + dt.timedelta(hours=1),
        "currency": "USD",
        "cost": Decimal(list_cost),
        "cost_at_list": Decimal(list_cost),
    }


NATIVE_CASES: Mapping[str, Case] = {
    # The machine costs 6: containers take 3 and 1 of it, 2 are idle. 24 kg over 6 + 6 is 2 a
    # dollar; the machine's own line is gone, so that nothing is there twice.
    "containers stand in their machine's place": Case(
        [
            machine("shared", "split", "6"),
            container("pod-one", "split", "shared", "3", "1.5"),
            container("pod-two", "split", "shared", "1", "0.5"),
            machine("alone", "split", "6"),
        ],
        of_aws(report("split", "24", product_code="AmazonEC2")),
        {
            "pod-one": ("Reported", "6"), "pod-two": ("Reported", "2"), "shared": ("Reported", "4"),
            "alone": ("Reported", "12"),
        },
    ),
    # 9 kg over 6 and 3 of on-demand cost. The negation is netted, the fee is for nothing that ran,
    # and a refund of 2, which names no resource, takes nothing from the others.
    "a savings plan's lines carry what ran": Case(
        [
            of_kind(
                "SavingsPlanCoveredUsage", "covered", "plans", "6",
                pricing_public_on_demand_cost=Decimal(6), savings_plan_savings_plan_a_r_n=PLAN,
                savings_plan_savings_plan_effective_cost=Decimal(4),
                line_item_resource_id="function-1",
            ),
            of_kind(
                "SavingsPlanNegation", "negation", "plans", "-6",
                savings_plan_savings_plan_a_r_n=PLAN, line_item_resource_id="function-1",
            ),
            of_kind(
                "SavingsPlanRecurringFee", "fee", "plans", "4",
                savings_plan_savings_plan_a_r_n=PLAN,
                savings_plan_total_commitment_to_date=Decimal(4),
                savings_plan_used_commitment=Decimal(4),
            ),
            cur("on-demand", "plans", "3", line_item_resource_id="function-2"),
            of_kind("EdpDiscount", "discount", "plans", "-1"),
            of_kind("Refund", "refund", "plans", "-2"),
            of_kind("Tax", "tax", "plans", "1"),
            of_kind("Credit", "credit", "plans", "-1"),
        ],
        of_aws(report("plans", "9")),
        {
            "covered": ("Reported", "6"), "on-demand": ("Reported", "3"), "fee": UNTOUCHED,
            "discount": UNTOUCHED, "refund": ("Reported", "0"), "tax": UNTOUCHED,
            "credit": UNTOUCHED,
        },
    ),
    # The fee's line says what was not used; that becomes a line without a quantity.
    "a reservation that nobody used emits nothing": Case(
        [
            of_kind(
                "DiscountedUsage", "used", "reserved", "0",
                pricing_public_on_demand_cost=Decimal(5), reservation_effective_cost=Decimal(3),
                reservation_reservation_a_r_n=RESERVATION, line_item_resource_id="i-1",
            ),
            of_kind(
                "RIFee", "fee", "reserved", "5", reservation_reservation_a_r_n=RESERVATION,
                reservation_unused_recurring_fee=Decimal(2), reservation_unused_quantity=Decimal(8),
            ),
        ],
        of_aws(report("reserved", "7")),
        {"used": ("Reported", "7"), "fee": UNTOUCHED, "unused": UNTOUCHED},
    ),
    # The product of the line counts, not that of its price: an hour of traffic is EC2's.
    "traffic in the bill is of the product that sent it": Case(
        [
            cur(
                "sent", "traffic", "2", line_item_product_code="AmazonEC2",
                line_item_usage_type="EU-DataTransfer-Out-Bytes",
                product_product_name="AWS Data Transfer",
            ),
            cur("other", "traffic", "2"),
        ],
        of_aws(
            report("traffic", "5", product_code="AmazonEC2"), report("traffic", "1"),
        ),
        {"sent": ("Reported", "5"), "other": ("Reported", "1")},
    ),
    # AWS bills the host; the machines on it cost nothing and are priced apart.
    "a dedicated host and its machines share what is reported once": Case(
        [
            machine(
                "host", "hosts", "50", line_item_usage_type="EU-HostUsage:m5",
                line_item_operation="RunInstances:0102", line_item_usage_amount=Decimal(1),
                pricing_unit="Hrs",
            ),
            *(
                machine(
                    guest, "hosts", "0", line_item_usage_type="EU-HostBoxUsage:m5.large",
                    line_item_usage_amount=Decimal(1), pricing_unit="Hrs",
                )
                for guest in ("guest-one", "guest-two")
            ),
        ],
        of_aws(report("hosts", "12", product_code="AmazonEC2")),
        {
            "host": ("Reported", "12"), "guest-one": ("Reported", "0"),
            "guest-two": ("Reported", "0"),
        },
    ),
    # AWS cuts months in UTC: the last hour is January's, the next one February's.
    "an hour at the month's edge is of its month in UTC": Case(
        [
            cur("day", "edge", "1", start=NOON),
            cur("last-hour", "edge", "3", start=dt.datetime(2026, 1, 31, 23)),
            cur("first-hour", "edge", "5", start=dt.datetime(2026, 2, 1), billed=FEBRUARY),
        ],
        of_aws(report("edge", "8"), report("edge", "7", usage_month=FEBRUARY)),
        {
            "day": ("Reported", "2"), "last-hour": ("Reported", "6"),
            "first-hour": ("Reported", "7"),
        },
    ),
    # Google cuts months in Pacific time: 23:00 on 31 January there is 07:00 on 1 February in UTC.
    # It is billed in January and takes its share of February: 6 kg over 1 and 2.
    "an evening in California is billed in one month and emits in the next": Case(
        [
            billed_by_google("noon", "pacific", "4", NOON, JANUARY),
            billed_by_google("evening", "pacific", "1", dt.datetime(2026, 2, 1, 7), JANUARY),
            billed_by_google("midnight", "pacific", "2", dt.datetime(2026, 2, 1, 8), FEBRUARY),
        ],
        {
            "stg_gcp__carbon": [
                google("pacific", "4"), google("pacific", "6", usage_month=FEBRUARY),
            ]
        },
        {
            "noon": ("Reported", "4"), "evening": ("Reported", "2"), "midnight": ("Reported", "4"),
        },
    ),
}  # fmt: skip
