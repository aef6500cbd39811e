"""What goes wrong when reported emissions meet a bill, each with the answer worked out on paper.

Every case lives in an account of its own, so that all of them are one estate. A line's weight is
its list cost unless the case says otherwise; kilograms are location-based, or of no stated method.
Lines stand here as a FOCUS export has them; where a provider's own bill is what goes wrong, the
case is in `native.py`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

JANUARY = dt.date(2026, 1, 1)
FEBRUARY = dt.date(2026, 2, 1)
MARCH = dt.date(2026, 3, 1)

Row = dict[str, Any]
Answer = tuple[str, str | None]
"""Status and kilograms; None where nothing is known."""


@dataclass(frozen=True)
class Case:
    """Lines and emissions, and what each line and the rest carries.

    Attributes:
        emissions: Rows of a provider's report, by staging model.
        answers: Status and kilograms by line.
        unallocated: Kilograms that no line carries, by reason.
        denied: Accounts that the provider let nobody ask for in January.
    """

    lines: Sequence[Row]
    emissions: Mapping[str, Sequence[Row]]
    answers: Mapping[str, Answer]
    unallocated: Mapping[str, str] = field(default_factory=dict)
    denied: Sequence[str] = ()


def line(key: str, account: str, list_cost: str | None, **more: Any) -> Row:
    """Return a usage line of AWS in January; `key` is its description."""
    month, used = more.pop("billed", JANUARY), more.pop("used", JANUARY)
    start = dt.datetime.combine(used, dt.time())
    cost = None if list_cost is None else Decimal(list_cost)
    return {
        "source_name": "aws-focus",
        "billing_month": month,
        "delivery_id": f"bill {month}",
        "BillingPeriodStart": dt.datetime.combine(month, dt.time()),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(hours=1),
        "BillingAccountId": "payer",
        "SubAccountId": account,
        "ServiceName": "AWS Lambda",
        "provider_columns": '{"x_ServiceCode":"AWSLambda"}',
        "PublisherName": "AWS",
        "RegionId": "eu-west-1",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"{account}/{key}",
        "ResourceId": key,
        "SkuId": "sku",
        "BillingCurrency": "USD",
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ContractedCost": cost,
        "ConsumedQuantity": None,
        "ConsumedUnit": None,
        "PricingQuantity": None,
        "PricingUnit": None,
        "CommitmentDiscountStatus": None,
        **more,
    }


def report(account: str | None, kilograms: str, **more: Any) -> Row:
    """Return a row of the AWS report of January."""
    month = more.pop("usage_month", JANUARY)
    return {
        "source_name": "aws-carbon",
        "usage_month": month,
        "delivery_id": f"report {month}",
        "model_version": "v3.0.1",
        "payer_account_id": "payer",
        "usage_account_id": account,
        "product_code": "Other",
        "region_code": "eu-west-1",
        "total_location_kg": Decimal(kilograms),
        "total_market_kg": None,
        "scope1_kg": None,
        "scope2_location_kg": None,
        "scope3_location_kg": None,
        **more,
    }


def google(project: str | None, kilograms: str, **more: Any) -> Row:
    """Return a row of Google's report of January."""
    return {
        "source_name": "gcp-carbon",
        "usage_month": JANUARY,
        "delivery_id": "google",
        "billing_account_id": "billing",
        "project_id": project,
        "project_number": "",
        "service_description": "Compute Engine",
        "location": "europe-west1",
        "region": "europe-west1",
        "carbon_model_version": 15,
        "total_location_kg": Decimal(kilograms),
        **more,
    }


def on_google(key: str, project: str, list_cost: str, **more: Any) -> Row:
    """Return a usage line of Google Cloud in January."""
    return line(
        key, project, list_cost,
        **{
            "source_name": "gcp-focus", "BillingAccountId": "billing", "PublisherName": "Google",
            "ServiceName": "Compute Engine", "provider_columns": None, "RegionId": "europe-west1",
            **more,
        },
    )  # fmt: skip


def azure(subscription: str, resource: str, scope: int, kilograms: str) -> Row:
    """Return a row of one of Azure's three answers for January."""
    return {
        "source_name": "azure-carbon",
        "usage_month": JANUARY,
        "delivery_id": "azure",
        "subscription_id": subscription,
        "resource_id": resource.lower(),
        "resource_type": "microsoft.compute/virtualmachines",
        "scope": f"Scope{scope}",
        "retrieved_at": dt.datetime(2026, 2, 19),
        "emissions_kg": Decimal(kilograms),
    }


def on_azure(key: str, subscription: str, list_cost: str, **more: Any) -> Row:
    """Return a usage line of Azure in January."""
    return line(
        key, subscription, list_cost,
        **{
            "source_name": "azure-focus", "PublisherName": "Microsoft", "provider_columns": None,
            "ServiceName": "Virtual Machines", "RegionId": "westeurope", **more,
        },
    )  # fmt: skip


def of_aws(*rows: Row) -> Mapping[str, Sequence[Row]]:
    return {"stg_aws__carbon": rows}


UNTOUCHED: Answer = ("NotApplicable", None)

CASES: Mapping[str, Case] = {
    # Rows: what shares, and by what.
    "a discount moves no carbon": Case(
        [
            line("on-demand", "discount", "3"),
            line(
                "covered", "discount", "6", CommitmentDiscountStatus="Used",
                BilledCost=Decimal(0), EffectiveCost=Decimal(1),
            ),
        ],
        of_aws(report("discount", "9")),
        {"on-demand": ("Reported", "3"), "covered": ("Reported", "6")},
    ),
    "an unused commitment used nothing": Case(
        [
            line("used", "unused", "5"),
            line("unused", "unused", "5", CommitmentDiscountStatus="Unused"),
        ],
        of_aws(report("unused", "10")),
        {"used": ("Reported", "10"), "unused": UNTOUCHED},
    ),
    "fees, taxes and credits emit nothing": Case(
        [
            line("usage", "fees", "1"),
            line("fee", "fees", "100", ChargeCategory="Purchase"),
            line("tax", "fees", "20", ChargeCategory="Tax"),
            line("credit", "fees", "-50", ChargeCategory="Credit"),
            line("rounding", "fees", "0.01", ChargeCategory="Adjustment"),
        ],
        of_aws(report("fees", "7")),
        {
            "usage": ("Reported", "7"), "fee": UNTOUCHED, "tax": UNTOUCHED, "credit": UNTOUCHED,
            "rounding": UNTOUCHED,
        },
    ),
    # 4 - 1 = 3 beside 3.
    "a correction is netted within its resource": Case(
        [
            line("first", "netted", "4", ResourceId="r1"),
            line("back", "netted", "-1", ResourceId="r1", ChargeClass="Correction"),
            line("other", "netted", "3", ResourceId="r2"),
        ],
        of_aws(report("netted", "12")),
        {"first": ("Reported", "6"), "back": ("Reported", "0"), "other": ("Reported", "6")},
    ),
    # 2 - 5 is nothing, not -3: the other line carries all and no more.
    "a correction never makes carbon negative": Case(
        [
            line("first", "floored", "2", ResourceId="r1"),
            line("back", "floored", "-5", ResourceId="r1", ChargeClass="Correction"),
            line("other", "floored", "1", ResourceId="r2"),
        ],
        of_aws(report("floored", "4")),
        {"first": ("Reported", "0"), "back": ("Reported", "0"), "other": ("Reported", "4")},
    ),
    "a seller's product is in no report": Case(
        [
            line("own", "sellers", "1"),
            line("sold", "sellers", "9", PublisherName="A Seller"),
        ],
        of_aws(report("sellers", "2")),
        {"own": ("Reported", "2"), "sold": ("NotCovered", None)},
    ),
    # Nothing costs anything: 30 to 10 hours.
    "a free tier is shared by its quantity": Case(
        [
            line("more", "free", "0", ConsumedQuantity=Decimal(30), ConsumedUnit="Hours"),
            line("less", "free", "0", ConsumedQuantity=Decimal(10), ConsumedUnit="Hours"),
        ],
        of_aws(report("free", "8")),
        {"more": ("Reported", "6"), "less": ("Reported", "2")},
    ),
    "hours and gigabytes are never added": Case(
        [
            line("hours", "mixed", "0", ConsumedQuantity=Decimal(3), ConsumedUnit="Hours"),
            line("gigabytes", "mixed", "0", ConsumedQuantity=Decimal(1), ConsumedUnit="GB"),
        ],
        of_aws(report("mixed", "8")),
        {"hours": ("NotCovered", None), "gigabytes": ("NotCovered", None)},
        {"ZeroWeight": "8"},
    ),
    "two currencies are never added": Case(
        [
            line("dollars", "currencies", "3", ConsumedQuantity=Decimal(1), ConsumedUnit="Hours"),
            line(
                "euros", "currencies", "1", ConsumedQuantity=Decimal(1), ConsumedUnit="Hours",
                BillingCurrency="EUR",
            ),
        ],
        of_aws(report("currencies", "8")),
        {"dollars": ("Reported", "4"), "euros": ("Reported", "4")},
    ),
    "data transfer belongs to the product of its line": Case(
        [
            line(
                "moved", "transfer", "2", ServiceName="AWS Data Transfer",
                provider_columns='{"x_ServiceCode":"AmazonEC2"}',
            ),
            line("other", "transfer", "2"),
        ],
        of_aws(
            report("transfer", "5", product_code="AmazonEC2"),
            report("transfer", "1", product_code="Other"),
        ),
        {"moved": ("Reported", "5"), "other": ("Reported", "1")},
    ),
    "usage without a quantity is shared by what it costs": Case(
        [
            line("known", "quantities", "1", ConsumedQuantity=Decimal(9), ConsumedUnit="Hours"),
            line("unknown", "quantities", "3"),
            line("unused", "quantities", "6", CommitmentDiscountStatus="Unused"),
        ],
        of_aws(report("quantities", "8")),
        {"known": ("Reported", "2"), "unknown": ("Reported", "6"), "unused": UNTOUCHED},
    ),
    # Conservation: nothing is lost, nothing is made up.
    "an account that is in no bill stays visible": Case(
        [], of_aws(report("left-the-organisation", "500")), {}, {"NoChargeLines": "500"},
    ),
    "a region without lines isn't spread over the others": Case(
        [line("west", "regions", "1")],
        of_aws(report("regions", "2"), report("regions", "3", region_code="eu-north-1")),
        {"west": ("Reported", "2")},
        {"NoChargeLines": "3"},
    ),
    "a service without lines isn't spread over the others": Case(
        [line("other", "services", "1")],
        of_aws(report("services", "2"), report("services", "3", product_code="AmazonS3")),
        {"other": ("Reported", "2")},
        {"NoChargeLines": "3"},
    ),
    "emissions of nobody stay visible": Case(
        [line("usage", "nobody", "1")],
        of_aws(report("nobody", "2"), report("nobody", "6", payer_account_id=None)),
        {"usage": ("Reported", "2")},
        {"UnknownAccount": "6"},
    ),
    # AWS published negative months before its model 3.0.1: -4 over 3 and 1.
    "what a provider takes back is taken from those that share": Case(
        [line("more", "negative", "3"), line("less", "negative", "1")],
        of_aws(report("negative", "-4")),
        {"more": ("Reported", "-3"), "less": ("Reported", "-1")},
    ),
    "a denied subscription is no zero": Case(
        [on_azure("machine", "denied", "1")],
        {}, {"machine": ("AccessDenied", None)}, denied=["denied"],
    ),
    "a month that Azure dropped isn't made up": Case(
        [on_azure("machine", "dropped", "1", billed=FEBRUARY, used=FEBRUARY)],
        {}, {"machine": ("Pending", None)},
    ),
    "lines without weight carry nothing": Case(
        [line("nothing", "weightless", None)],
        of_aws(report("weightless", "4")),
        {"nothing": ("NotCovered", None)},
        {"ZeroWeight": "4"},
    ),
    "what the provider doesn't report is no zero": Case(
        [line("silent", "silent", "1")], {}, {"silent": ("NotCovered", None)},
    ),
    "a zero of the provider is a zero": Case(
        [line("tiny", "tiny", "1")], of_aws(report("tiny", "0")), {"tiny": ("BelowThreshold", "0")},
    ),
    "a month that isn't out yet is pending": Case(
        [line("march", "pending", "1", billed=MARCH, used=MARCH)], {}, {"march": ("Pending", None)},
    ),
    # 10 kg over weights 1, 1, 1: the parts differ by a unit of the last digit and add up.
    "thirds add up": Case(
        [line(key, "thirds", "1") for key in ("a", "b", "c")],
        of_aws(report("thirds", "10")),
        {
            key: ("Reported", f"3.33333333333333333{digit}")
            for key, digit in (("a", 3), ("b", 3), ("c", 4))
        },
    ),
    # Double counting and wrong joins.
    "two model versions are never added": Case(
        [line("usage", "versions", "1")],
        of_aws(
            report("versions", "10640"),
            report("versions", "10330", model_version="v3.0.0"),
        ),
        {"usage": ("Reported", "10640")},
    ),
    "a month that Google filled in anew counts its newest version": Case(
        [on_google("machine", "backfilled", "1")],
        {
            "stg_gcp__carbon": [
                google("backfilled", "5", carbon_model_version=14),
                google("backfilled", "6"),
            ]
        },
        {"machine": ("Reported", "6")},
    ),
    # Seen after the backfills of September 2022: each row of a month twice.
    "a row that Google wrote twice counts once": Case(
        [on_google("machine", "doubled", "1")],
        {"stg_gcp__carbon": [google("doubled", "5"), google("doubled", "5")]},
        {"machine": ("Reported", "5")},
    ),
    "late usage takes its share of the month of use": Case(
        [
            line("in-time", "late", "1"),
            line("late", "late", "3", billed=FEBRUARY),
            line("next", "late", "5", billed=FEBRUARY, used=FEBRUARY),
        ],
        of_aws(report("late", "8"), report("late", "5", usage_month=FEBRUARY)),
        {"in-time": ("Reported", "2"), "late": ("Reported", "6"), "next": ("Reported", "5")},
    ),
    "parts of a total are never added to it": Case(
        [line("usage", "scopes", "1")],
        of_aws(
            report(
                "scopes", "6", scope1_kg=Decimal(1), scope2_location_kg=Decimal(2),
                scope3_location_kg=Decimal(3), total_market_kg=Decimal(4),
            )
        ),
        {"usage": ("Reported", "6")},
    ),
    # 3 + 6 + 9 = 18 once, over 1 and 2; the bill writes the resource in another case.
    "Azure's scopes are parts of one figure": Case(
        [
            on_azure("hours", "azure-scopes", "1", ResourceId="/subs/s/VM-1"),
            on_azure("disk", "azure-scopes", "2", ResourceId="/subs/s/vm-1"),
        ],
        {
            "stg_azure__carbon": [
                azure("azure-scopes", "/subs/s/vm-1", scope, kg)
                for scope, kg in ((1, "3"), (2, "6"), (3, "9"))
            ]
        },
        {"hours": ("Reported", "6"), "disk": ("Reported", "12")},
    ),
    "an estimate is never added to a report": Case(
        [
            line(
                "machine", "estimated", "1", ServiceName="Amazon Elastic Compute Cloud",
                SkuMeter="EU-BoxUsage:m6i.8xlarge", ConsumedQuantity=Decimal(10),
                ConsumedUnit="Hours", provider_columns='{"x_ServiceCode":"AmazonEC2"}',
            )
        ],
        of_aws(report("estimated", "5", product_code="AmazonEC2")),
        {"machine": ("Reported", "5")},
    ),
    # The bill says "EU (Frankfurt)", the report "Europe (Frankfurt)": only the code counts.
    "names of a region that drift are one region": Case(
        [line("usage", "drift", "1", RegionId="eu-central-1", RegionName="EU (Frankfurt)")],
        of_aws(
            report("drift", "2", region_code="eu-central-1", location="Europe (Frankfurt)"),
            report("drift", "3", region_code="eu-central-1", location="EU (Frankfurt)"),
        ),
        {"usage": ("Reported", "5")},
    ),
    "usage without a region is global": Case(
        [line("global", "global", "1", RegionId=None), line("west", "global", "1")],
        of_aws(report("global", "3", region_code=None), report("global", "2")),
        {"global": ("Reported", "3"), "west": ("Reported", "2")},
    ),
    "a deleted project is found by its number": Case(
        [on_google("machine", "shop", "1")],
        {
            "stg_gcp__carbon": [
                google("shop", "1", project_number="77"),
                google(None, "2", project_number="77", service_description="Compute Engine"),
            ]
        },
        {"machine": ("Reported", "3")},
    ),
    "a zone belongs to its region": Case(
        [on_google("zonal", "zones", "1")],
        {"stg_gcp__carbon": [google("zones", "4", location="europe-west1-b")]},
        {"zonal": ("Reported", "4")},
    ),
    "many regions and none are places of their own": Case(
        [
            on_google("region", "places", "1"),
            on_google("regions", "places", "1", RegionId="eu"),
            on_google("anywhere", "places", "1", RegionId=None),
        ],
        {
            "stg_gcp__carbon": [
                google("places", "4"),
                google("places", "5", location="eu", region=None),
                google("places", "6", location="global", region=None),
            ]
        },
        {"region": ("Reported", "4"), "regions": ("Reported", "5"), "anywhere": ("Reported", "6")},
    ),
}  # fmt: skip
