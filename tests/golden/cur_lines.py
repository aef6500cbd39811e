"""A month of Cost and Usage Report, small enough to be worked out on paper: CUR.md does."""

import datetime as dt
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

MARCH = dt.date(2026, 3, 1)
PLAN = "arn:aws:savingsplans::{}:savingsplan/{}"
RESERVATION = "arn:aws:ec2:eu-west-1:{}:reserved-instances/{}"
MACHINE = {
    "line_item_product_code": "AmazonEC2",
    "line_item_operation": "RunInstances",
    "line_item_usage_type": "EU-BoxUsage:m5.large",
    "pricing_unit": "Hrs",
    "product:product_name": "Amazon Elastic Compute Cloud",
    "product:region_code": "eu-west-1",
    "product:instance_type": "m5.large",
}
FEE = {"pricing_unit": "Hrs", "line_item_operation": "None", "line_item_usage_type": "Fee"}
POD = "arn:aws:eks:eu-west-1:111122223333:pod/shop"
PLANS = FEE | {"line_item_product_code": "ComputeSavingsPlans"}


def lines(account: str) -> list[Row]:
    """Return the month of one account."""
    return [
        {"identity_line_item_id": f"id{number:03d}"} | one
        for number, one in enumerate(_lines(account), start=1)
    ]


def _lines(account: str) -> list[Row]:
    plans = {name: PLAN.format(account, name) for name in "abc"}
    reserved = {name: RESERVATION.format(account, name) for name in ("none", "part", "all")}

    def line(name: str, kind: str, cost: str, day: int = 1, **more: Any) -> Row:
        start = dt.datetime(2026, 3, day)
        named = {
            "bill_payer_account_id": account,
            "bill_billing_entity": "AWS",
            "bill_invoicing_entity": "Amazon Web Services EMEA SARL",
            "bill_bill_type": "Anniversary",
            "bill_billing_period_start_date": "2026-03-01T00:00:00",
            "bill_billing_period_end_date": "2026-04-01T00:00:00",
            "line_item_usage_account_id": account,
            "line_item_line_item_type": kind,
            "line_item_line_item_description": name,
            "line_item_unblended_cost": cost,
            "line_item_currency_code": "USD",
            "line_item_legal_entity": "Amazon Web Services EMEA SARL",
            "line_item_usage_start_date": start.isoformat(),
            "line_item_usage_end_date": (start + dt.timedelta(days=1)).isoformat(),
            "line_item_usage_amount": "1",
        }
        row = named | more
        ends = (row["line_item_usage_start_date"], row["line_item_usage_end_date"])
        return row | {"identity_time_interval": "/".join(f"{end}Z" for end in ends)}

    def plan(letter: str) -> Row:
        return {
            "savings_plan_savings_plan_a_r_n": plans[letter],
            "savings_plan_offering_type": "ComputeSavingsPlans",
        }

    def reservation(name: str) -> Row:
        return {"reservation_reservation_a_r_n": reserved[name]}

    def covered(letter: str, cost: str, effective: str, **more: Any) -> Row:
        usage = {
            "savings_plan_savings_plan_effective_cost": effective,
            "pricing_public_on_demand_cost": cost,
        }
        return MACHINE | plan(letter) | usage | more

    def plan_fee(letter: str, total: str, used: str, **more: Any) -> Row:
        fee = {
            "savings_plan_total_commitment_to_date": total,
            "savings_plan_used_commitment": used,
        }
        return PLANS | plan(letter) | fee | more

    def reserved_usage(name: str, effective: str, public: str, **more: Any) -> Row:
        usage = {
            "reservation_effective_cost": effective,
            "pricing_public_on_demand_cost": public,
        }
        return MACHINE | reservation(name) | usage | more

    def unused(upfront: str, recurring: str, hours: str) -> Row:
        return {
            "reservation_unused_amortized_upfront_fee_for_billing_period": upfront,
            "reservation_unused_recurring_fee": recurring,
            "reservation_unused_quantity": hours,
        }

    def machine(name: str, **more: Any) -> Row:
        return MACHINE | {"line_item_resource_id": name} | more

    def pod(place: str, parent: str, split: str, idle: str, meter: str = "vCPU") -> Row:
        return {
            "line_item_product_code": "AmazonEKS",
            "line_item_operation": "EKSPod-EC2",
            "line_item_usage_type": f"EU-EKS-EC2-{meter}-Hours",
            "line_item_resource_id": f"{POD}/{place}",
            "line_item_usage_amount": "0",
            "pricing_unit": "Hrs",
            "split_line_item_parent_resource_id": parent,
            "split_line_item_split_cost": split,
            "split_line_item_unused_cost": idle,
            "split_line_item_split_usage": "0.5",
            "tag:app": place.rpartition("/")[2],
        }

    money = {"line_item_product_code": "AmazonEC2", "line_item_usage_amount": None}
    all_march = {"line_item_usage_end_date": "2026-03-31T23:59:59"}
    upfront = {"bill_bill_type": "Purchase", "line_item_product_code": "AmazonEC2"}
    return [
        line("on-demand", "Usage", "1", **MACHINE, pricing_public_on_demand_cost="1",
             pricing_public_on_demand_rate="0.1", line_item_unblended_rate="0.1",
             line_item_usage_amount="10", **{"tag:project": "shop"}),
        line("on-demand, discounted", "Usage", "10", 2, **MACHINE,
             line_item_net_unblended_cost="9", pricing_public_on_demand_cost="10"),
        line("discount in net costs", "EdpDiscount", "-1", 2, **money,
             line_item_net_unblended_cost="0"),
        line("discount of its own", "BundledDiscount", "-0.5", 2, **money),
        line("spot", "Usage", "0.3", 2, **MACHINE | {
            "line_item_usage_type": "EU-SpotUsage:m5.large"}, pricing_public_on_demand_cost="1"),
        line("bought from a seller", "Usage", "20", 2, bill_billing_entity="AWS Marketplace",
             line_item_legal_entity="Acme Inc.", line_item_product_code="acme1",
             pricing_unit="Hosts", **{"product:product_name": "Acme Scanner"}),
        line("support", "Fee", "29", **FEE | all_march,
             line_item_product_code="AWSSupportBusiness"),
        line("credit", "Credit", "-5", 3, **money),
        line("refund of usage", "Refund", "-2", 3, **money),
        line("refund of a plan", "Refund", "-10", 3, **money | plan("a")),
        line("tax", "Tax", "3.21", **money | all_march),
        line("rounding", "RoundingAdjustment", "0.0000000001", 3, **money),
        line("late usage", "Usage", "0.4", 1, **MACHINE, pricing_public_on_demand_cost="0.4",
             line_item_usage_start_date="2026-02-27T00:00:00",
             line_item_usage_end_date="2026-02-28T00:00:00"),

        line("a: fee", "SavingsPlanRecurringFee", "1", **plan_fee("a", "1", "0.75")),
        line("a: usage", "SavingsPlanCoveredUsage", "1.2", **covered("a", "1.2", "0.75")),
        line("a: negation", "SavingsPlanNegation", "-1.2", **covered("a", "0", "0")),
        line("a: usage, second day", "SavingsPlanCoveredUsage", "0.1", 2,
             **covered("a", "0.1", "0.06")),
        line("a: negation, second day", "SavingsPlanNegation", "-0.0999999999", 2,
             **covered("a", "0", "0")),

        line("b: upfront", "SavingsPlanUpfrontFee", "459000", **PLANS, **plan("b"),
             bill_bill_type="Purchase"),
        line("b: fee", "SavingsPlanRecurringFee", "0", **plan_fee("b", "1257.6", "943.2")),
        line("b: usage", "SavingsPlanCoveredUsage", "1310", **covered("b", "1310", "943.2")),
        line("b: negation", "SavingsPlanNegation", "-1310", **covered("b", "0", "0")),

        line("c: fee", "SavingsPlanRecurringFee", "2", **plan_fee(
            "c", "2", "1.5", line_item_net_unblended_cost="1.8",
            savings_plan_recurring_commitment_for_billing_period="2",
            savings_plan_net_recurring_commitment_for_billing_period="1.8")),
        line("c: usage", "SavingsPlanCoveredUsage", "2.4", **covered(
            "c", "2.4", "1.5", line_item_net_unblended_cost="2.16",
            savings_plan_net_savings_plan_effective_cost="1.35")),
        line("c: negation", "SavingsPlanNegation", "-2.4", **covered(
            "c", "0", "0", line_item_net_unblended_cost="-2.16")),

        line("no upfront: fee", "RIFee", "73", **MACHINE | all_march | reservation("none")
             | unused("0", "18.25", "182.5") | {"line_item_usage_amount": "730"}),
        line("no upfront: usage", "DiscountedUsage", "0", **reserved_usage(
            "none", "54.75", "109.5", line_item_usage_amount="547.5")),
        line("partial: upfront", "Fee", "365", **MACHINE | upfront | reservation("part")),
        line("partial: fee", "RIFee", "30", **MACHINE | all_march | reservation("part")
             | unused("7.5", "7.5", "182.5") | {"line_item_usage_amount": "730"}),
        line("partial: usage", "DiscountedUsage", "0", **reserved_usage(
            "part", "45", "90", line_item_usage_amount="547.5")),
        line("all upfront: upfront", "Fee", "8760", **MACHINE | upfront | reservation("all")),
        line("all upfront: fee", "RIFee", "0", **MACHINE | all_march | reservation("all")
             | unused("0.25", "0", "0.25")),
        line("all upfront: usage", "DiscountedUsage", "0", **reserved_usage(
            "all", "0.75", "1.5", line_item_usage_amount="0.75")),

        line("machine, on demand", "Usage", "0.05", 4, **machine(
            "i-1", pricing_public_on_demand_cost="0.05", line_item_usage_amount="0.5")),
        line("machine, reserved", "DiscountedUsage", "0", 4, **reserved_usage(
            "all", "0.03", "0.05", line_item_usage_amount="0.5", line_item_resource_id="i-1")),
        line("machine's traffic", "Usage", "0.01", 4, **machine(
            "i-1", line_item_usage_type="EU-DataTransfer-Regional-Bytes", pricing_unit="GB")),
        line("pod one, processor", "Usage", "0", 4, **pod("web/one", "i-1", "0.02", "0.01")),
        line("pod one, memory", "Usage", "0", 4, **pod("web/one", "i-1", "0.01", "0", "GB")),
        line("pod two, processor", "Usage", "0", 4, **pod("web/two", "i-1", "0.03", "0.01")),
        line("thirds", "Usage", "0.1", 4, **machine(
            "i-3", pricing_public_on_demand_cost="0.1")),
        line("pod x", "Usage", "0", 4, **pod("jobs/x", "i-3", "0.01", "0")),
        line("pod y", "Usage", "0", 4, **pod("jobs/y", "i-3", "0.01", "0")),
        line("pod z", "Usage", "0", 4, **pod("kube-system/z", "i-3", "0.01", "0")),
        line("pod without a machine", "Usage", "0", 4, **pod("web/lost", "i-9", "0.01", "0")),
    ]  # fmt: skip


def cash(rows: list[Row]) -> Decimal:
    """Return what AWS bills: net unblended cost, else unblended, of every line."""
    return sum(
        (
            Decimal(row.get("line_item_net_unblended_cost") or row["line_item_unblended_cost"])
            for row in rows
        ),
        Decimal(0),
    )
