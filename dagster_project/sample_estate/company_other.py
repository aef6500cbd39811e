"""Fernlight's own data centre and one SaaS vendor.

Belongs here: bills that are plain FOCUS files. The vendor sells tokens, a currency of its own.
"""

from dataclasses import replace

from dagster_project.sample_estate.book import Fixed, Plan
from dagster_project.sample_estate.model import (
    Account,
    Issuer,
    Item,
    Prices,
    Region,
    Service,
    Tags,
    on_demand,
)
from dagster_project.sample_estate.money import NANO, nano, pico

ONPREM = Issuer(
    "onprem", "Fernlight Data Centre", "Fernlight Data Centre", "Fernlight AB", "USD", False, False
)
SNOWPEAK = Issuer("snowpeak", "Snowpeak", "Snowpeak", "Snowpeak Computing GmbH", "USD", True)

_HALL = Account(
    ONPREM, "FERN-DC", "Internal recharge", "Ledger", "monolith", "Monolith", "Cost object"
)
_LUND = Region("se-lund-1", "Lund hall 1", 45, 0)
_SERVERS = Service("Dedicated Servers", "dc-server", "Compute", "Other (Compute)", "dc", 40)
_SAN = Service("Block Storage", "dc-san", "Storage", "Block Storage", "dc", 20)
_RACKS = Service("Colocation", "dc-rack", "Other", "Other (Other)", "dc", 0)

_MONOLITH: Tags = (
    ("Team", "core"),
    ("Environment", "prod"),
    ("CostCenter", "CC-500"),
    ("app", "monolith"),
)
_SHADOW: Tags = (("team", "Core"), ("env", "Test"))

_ORG = Account(SNOWPEAK, "ORG-77120", "Fernlight", "Organization", "EU_PROD", "eu-prod", "Account")
_LAB = Account(SNOWPEAK, "ORG-77120", "Fernlight", "Organization", "EU_DEV", "eu-dev", "Account")
TRIAL = Account(
    SNOWPEAK, "ORG-77120", "Fernlight", "Organization", "EU_TRIAL", "eu-trial", "Account"
)
FRANKFURT = Region("eu-central-1", "EU (Frankfurt)", 700, 0)
WAREHOUSE = Service("Snowpeak Warehouse", "warehouse", "Databases", "Data Warehouses", "saas", 45)
_LAKE = Service("Snowpeak Storage", "storage", "Storage", "Storage Platforms", "saas", 30)
_PACK = Service("Snowpeak Platform", "platform", "Databases", "Data Warehouses", "saas", 0)


def onprem_plan(slot_hours: int) -> Plan:
    """Return what the data centre recharges."""

    def item(name: str, service: Service, unit: str, price: str, base: int, tags: Tags) -> Item:
        return Item(
            key=f"onprem/{name}",
            account=_HALL,
            service=service,
            region=_LUND,
            description=f"{name}, recharge",
            meter=f"{service.code}-hour",
            unit=unit,
            prices=on_demand(nano(price)),
            base=base,
            resource_id=f"dc://lund-1/{name}",
            resource_name=name,
            resource_type=service.code,
            tags=tags,
        )

    return Plan(
        source="onprem",
        usage=(
            item("mono-db-01", _SERVERS, "Hours", "1.37", 1000, _MONOLITH),
            item("mono-app-01", _SERVERS, "Hours", "0.82", 2000, _MONOLITH),
            item("mono-test", _SERVERS, "Hours", "0.82", 1000, _SHADOW),
            item("san-01", _SAN, "GB-Hours", "0.0000823", 18_000_000, ()),
            item("rack-14", _RACKS, "Hours", "1.1", 1000, _MONOLITH),
        ),
        slot_hours=slot_hours,
    )


def snowpeak_plan(slot_hours: int) -> Plan:
    """Return what the SaaS vendor bills: token packs are bought, usage spends tokens."""

    def item(
        name: str, account: Account, service: Service, unit: str, tokens: str, base: int, tags: Tags
    ) -> Item:
        rate = nano(tokens)
        return Item(
            key=f"snowpeak/{account.sub_id}/{name}",
            account=account,
            service=service,
            region=FRANKFURT,
            description=f"{service.name}: {name}",
            meter=f"{service.code}.{unit}",
            unit=unit,
            prices=Prices(3 * rate, rate * 5 // 2, rate * 5 // 2, 0),
            base=base,
            shape="busy",
            resource_id=f"snowpeak://{account.sub_id}/{name}",
            resource_name=name,
            resource_type="warehouse",
            tags=tags,
            tokens=rate,
        )

    pack = Item(
        key="snowpeak/pack",
        account=replace(_ORG),
        service=_PACK,
        region=None,
        description="Token pack for the month",
        meter="token-pack",
        unit="Tokens",
        prices=Prices(3 * NANO, 5 * NANO // 2, 0, 5 * NANO // 2),
        category="Purchase",
        frequency="Recurring",
    )
    return Plan(
        source="snowpeak",
        usage=(
            item(
                "LOAD_WH",
                _ORG,
                WAREHOUSE,
                "Hours",
                "2",
                125,
                (("team", "analytics"), ("ENV", "PROD")),
            ),
            item("BI_WH", _ORG, WAREHOUSE, "Hours", "4", 133, (("Team", "Analytics"),)),
            item("DEV_WH", _LAB, WAREHOUSE, "Hours", "1", 211, (("env", "development"),)),
            item("LAKE", _ORG, _LAKE, "TB-Months", "11.333", 7, ()),
        ),
        fixed=(Fixed(pack, 1_000_000, pico("3000"), pico("2500"), 0, pico("2500")),),
        slot_hours=slot_hours,
    )
