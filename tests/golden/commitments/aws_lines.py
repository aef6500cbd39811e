"""Lines of CUR 2.0 that lead to the specification's scenarios, and commitments beside them."""

import datetime as dt
from typing import Any

Row = dict[str, Any]

ACCOUNT = "210000000001"
COMPUTE = "ComputeSavingsPlans"
PLAN = "arn:aws:savingsplans::{}:savingsplan/{}"
RESERVATION = "arn:aws:ec2:eu-west-1:{}:reserved-instances/{}"
TERM = {"line_item_usage_end_date": "2023-12-31T23:59:59"}
BOUGHT = {"bill_bill_type": "Purchase", "line_item_usage_type": "Fee", "pricing_unit": "Hrs"}
MACHINE = {
    "line_item_product_code": "AmazonEC2",
    "line_item_operation": "RunInstances",
    "line_item_usage_type": "EU-BoxUsage:m5.large",
    "pricing_unit": "Hrs",
    "product:product_name": "Amazon Elastic Compute Cloud",
    "product:region_code": "eu-west-1",
}


def line(
    name: str,
    kind: str,
    cost: str,
    *more: Row,
    account: str = ACCOUNT,
    start: dt.datetime = dt.datetime(2023, 1, 1),
    period: dt.timedelta = dt.timedelta(hours=1),
    **cells: Any,
) -> Row:
    """Return one line; its name becomes its description."""
    row: Row = {
        "bill_payer_account_id": account,
        "bill_billing_entity": "AWS",
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_bill_type": "Anniversary",
        "bill_billing_period_start_date": f"{start:%Y-%m}-01T00:00:00",
        "line_item_usage_account_id": account,
        "line_item_line_item_type": kind,
        "line_item_line_item_description": name,
        "line_item_unblended_cost": cost,
        "line_item_currency_code": "USD",
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "line_item_usage_start_date": start.isoformat(),
        "line_item_usage_end_date": (start + period).isoformat(),
        "line_item_usage_amount": "1",
        "tag:env": "prod",
    }
    for part in (*more, cells):
        row |= part
    return row


def numbered(lines: list[Row]) -> list[Row]:
    """Give every line its id and its time interval."""
    return [
        {
            "identity_line_item_id": f"id{number:03d}",
            "identity_time_interval": f"{one['line_item_usage_start_date']}Z/"
            f"{one['line_item_usage_end_date']}Z",
        }
        | one
        for number, one in enumerate(lines, start=1)
    ]


# ---------------------------------------------------------------- savings plans


def plan(name: str, offering: str = COMPUTE, account: str = ACCOUNT) -> Row:
    return {
        "savings_plan_savings_plan_a_r_n": PLAN.format(account, name),
        "savings_plan_offering_type": offering,
    }


def upfront_fee(name: str, cost: str, **cells: Any) -> Row:
    of_plan = plan(name, cells.pop("offering", COMPUTE))
    return line(
        name, "SavingsPlanUpfrontFee", cost, BOUGHT, of_plan, TERM,
        line_item_product_code=COMPUTE, **cells,
    )  # fmt: skip


def plan_fee(name: str, recurring: str, total: str, used: str, **cells: Any) -> Row:
    """Return what is billed for a period in which `total` was committed and `used` was used."""
    of_plan = plan(name, cells.pop("offering", COMPUTE), cells.get("account", ACCOUNT))
    return line(
        name, "SavingsPlanRecurringFee", recurring, BOUGHT, of_plan,
        {
            "bill_bill_type": "Anniversary",
            "line_item_product_code": COMPUTE,
            "savings_plan_total_commitment_to_date": total,
            "savings_plan_used_commitment": used,
        },
        **cells,
    )  # fmt: skip


def covered(
    name: str, on_demand: str, effective: str, net_cost: str = "", **cells: Any
) -> list[Row]:
    """Return usage under a plan, and the negation that takes its on-demand cost back."""
    of_plan = MACHINE | plan(name, cells.pop("offering", COMPUTE), cells.get("account", ACCOUNT))
    usage = {
        "pricing_public_on_demand_cost": on_demand,
        "savings_plan_savings_plan_effective_cost": effective,
    }
    negation = line(name, "SavingsPlanNegation", f"-{on_demand}", of_plan, **cells)
    if net_cost:
        usage["line_item_net_unblended_cost"] = net_cost
        negation["line_item_net_unblended_cost"] = f"-{net_cost}"
    return [line(name, "SavingsPlanCoveredUsage", on_demand, of_plan, usage, **cells), negation]


# ---------------------------------------------------------------- reservations


def reservation(name: str) -> Row:
    return {"reservation_reservation_a_r_n": RESERVATION.format(ACCOUNT, name)}


def reserved_fee(name: str, cost: str, unused: str = "0", hours: str = "0", **cells: Any) -> Row:
    left = {
        "reservation_unused_recurring_fee": unused,
        "reservation_unused_amortized_upfront_fee_for_billing_period": "0",
        "reservation_unused_quantity": hours,
    }
    return line(name, "RIFee", cost, MACHINE, reservation(name), left, **cells)


def reserved(name: str, effective: str, public: str, **cells: Any) -> Row:
    usage = {"reservation_effective_cost": effective, "pricing_public_on_demand_cost": public}
    return line(name, "DiscountedUsage", "0", MACHINE, reservation(name), usage, **cells)


def on_demand(name: str, cost: str, amount: str = "1", **cells: Any) -> Row:
    amounts = {"pricing_public_on_demand_cost": cost, "line_item_usage_amount": amount}
    return line(name, "Usage", cost, MACHINE, amounts, **cells)


# ---------------------------------------------------------------- the specification's scenarios


def hours(count: int) -> list[dt.datetime]:
    return [dt.datetime(2023, 1, 1, hour) for hour in range(count)]


def scenario_lines() -> list[Row]:
    """Return every scenario; a use without a fee or a fee without its use is none in AWS."""
    return numbered([
        upfront_fee("purchase-all-upfront", "8760"),
        *(plan_fee("purchase-no-upfront", "1", "1", "1", start=hour) for hour in hours(3)),
        upfront_fee("purchase-partial-upfront", "4380"),
        *(plan_fee("purchase-partial-upfront", "0.5", "1", "1", start=hour) for hour in hours(3)),

        plan_fee("usage-used", "1", "1", "1"),
        *covered("usage-used", "1.25", "1"),
        plan_fee("usage-unused", "1", "1", "0"),
        plan_fee("usage-partly-used", "1", "1", "0.75"),
        *covered("usage-partly-used", "0.9375", "0.75"),
        plan_fee("usage-and-on-demand", "1", "1", "1"),
        *covered("usage-and-on-demand", "1.25", "1"),
        on_demand("usage-and-on-demand", "0.5"),

        reserved_fee("one-size-used", "1.5"),
        reserved("one-size-used", "1.5", "3"),
        reserved_fee("one-size-unused", "1.5", unused="1.5", hours="1"),
        on_demand("one-size-unused", "2"),

        # Small counts 1, medium 2, large 3, extra large 4.
        reserved_fee("any-size-one-machine", "0.5", line_item_normalized_usage_amount="1"),
        reserved("any-size-one-machine", "0.5", "0.999", line_item_usage_amount="0.333",
                 line_item_normalized_usage_amount="1"),
        on_demand("any-size-one-machine", "2.25", "0.75", line_item_normalized_usage_amount="2.25"),
        reserved_fee("any-size-two-machines", "2", line_item_normalized_usage_amount="4"),
        reserved("any-size-two-machines", "1", "2", line_item_normalized_usage_amount="2",
                 line_item_resource_id="i-1"),
        reserved("any-size-two-machines", "1", "2", line_item_normalized_usage_amount="2",
                 line_item_resource_id="i-2"),
    ])  # fmt: skip


# ---------------------------------------------------------------- kinds of commitments


def kind_lines() -> list[Row]:
    """Return a day of the kinds that ../cur_lines.py has none of."""
    day = {"period": dt.timedelta(days=1)}
    database = {
        "line_item_product_code": "AmazonRDS",
        "line_item_operation": "CreateDBInstance",
        "line_item_usage_type": "EU-InstanceUsage:db.m5.large",
        "product:product_name": "Amazon Relational Database Service",
    }
    ec2 = {"offering": "EC2InstanceSavingsPlans"}
    sagemaker = {"offering": "SageMakerSavingsPlans"}
    databases = {"offering": "DatabaseSavingsPlans"}
    halves = {
        "savings_plan_amortized_upfront_commitment_for_billing_period": "12",
        "savings_plan_net_amortized_upfront_commitment_for_billing_period": "10.8",
        "savings_plan_recurring_commitment_for_billing_period": "12",
        "savings_plan_net_recurring_commitment_for_billing_period": "10.8",
        "line_item_net_unblended_cost": "10.8",
    }
    net = {"savings_plan_net_savings_plan_effective_cost": "16.2"}
    return numbered([
        upfront_fee("ec2, partial upfront", "4380", **ec2,
                    line_item_net_unblended_cost="3942"),
        plan_fee("ec2, partial upfront", "12", "24", "18", **ec2, **halves, **day),
        *covered("ec2, partial upfront", "25.2", "18", "22.68", **ec2, **net, **day),
        plan_fee("sagemaker, no upfront", "10", "10", "10", **sagemaker, **day),
        *covered("sagemaker, no upfront", "12.5", "10", **sagemaker, **day,
                 line_item_product_code="AmazonSageMaker", line_item_operation="RunInstance"),
        plan_fee("database, no upfront", "3", "3", "2", **databases, **day),
        *covered("database, no upfront", "2.6", "2", **databases, **day, **database),
        reserved_fee("rds, no upfront", "4.8", unused="1.2", hours="6", **database, **day,
                     line_item_usage_amount="24", line_item_normalized_usage_amount="96",
                     reservation_unused_normalized_unit_quantity="24"),
        reserved("rds, no upfront", "3.6", "7.2", **database, **day,
                 line_item_usage_amount="18", line_item_normalized_usage_amount="72"),
    ])  # fmt: skip


# ---------------------------------------------------------------- two months of a longer term

FEBRUARY = dt.datetime(2023, 2, 1)
_JANUARY_LONG = {"start": dt.datetime(2023, 1, 1), "period": dt.timedelta(days=31)}
_FEBRUARY_LONG = {"start": FEBRUARY, "period": dt.timedelta(days=28)}


def term_lines(account: str, *, wrong: bool) -> dict[int, list[Row]]:
    """Return January and February of three plans of 3 a day; README.md rolls their balances."""
    payer = {"account": account}
    january, february = payer | _JANUARY_LONG, payer | _FEBRUARY_LONG
    tenth = february | {"period": dt.timedelta(days=10)}

    def bought(name: str) -> Row:
        return line(name, "SavingsPlanUpfrontFee", "1095", BOUGHT, TERM,
                    plan(name, account=account), **january)  # fmt: skip

    def refund(name: str, amount: str) -> Row:
        none = {"line_item_usage_amount": None}
        return line(name, "Refund", f"-{amount}", plan(name, account=account), none, **february)

    first = [
        bought("refunded"),
        plan_fee("refunded", "0", "93", "80", **january),
        *covered("refunded", "100", "80", **january),
        plan_fee("monthly", "93", "93", "90", **january),
        *covered("monthly", "110", "90", **january),
        bought("exchanged"),
        plan_fee("exchanged", "0", "93", "93", **january),
        *covered("exchanged", "120", "93", **january),
    ]
    second = [
        plan_fee("refunded", "0", "84", "70", **february),
        *covered("refunded", "90", "70", **february),
        refund("refunded", "1050" if wrong else "365"),
        plan_fee("monthly", "84", "84", "84", **february),
        *covered("monthly", "100", "70" if wrong else "84", **february),
        # Wrong: what was given back on the tenth day goes on being used.
        *covered("exchanged", "40", "30", **tenth),
        *(covered("exchanged", "70", "54", **february) if wrong else []),
        refund("exchanged", "972"),
    ]
    return {1: numbered(first), 2: numbered(second)}
