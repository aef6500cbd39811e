"""Fernlight's Azure legacy: an acquired shop that is still billed in euros.

Belongs here: subscriptions, services, resources and prices on Azure, and how they are tagged.
"""

from dataclasses import replace

from dagster_project.sample_estate.book import Plan, Pledge, once
from dagster_project.sample_estate.model import (
    Account,
    Commitment,
    Issuer,
    Item,
    Prices,
    Region,
    Service,
    Tags,
    covered,
    on_demand,
    unit_of_money,
)
from dagster_project.sample_estate.money import nano, pico

AZURE = Issuer(
    "azure", "Microsoft", "Microsoft", "Microsoft Ireland Operations Limited", "EUR", False
)
ENROLLMENT = "/providers/Microsoft.Billing/billingAccounts/86115370"
_GUIDS = {
    "shop-prod": "1f0f4c7a-5d1e-4c55-9a52-0c6f5c1a7e01",
    "shop-nonprod": "2b9c1d44-7a0e-4f3b-8a3d-3e1c9f6b2d02",
    "archive": "3c7e2f88-91b4-4d0c-b6e7-5a2f8d4c3e03",
}


def _subscription(name: str, covered_by_carbon: bool = True) -> Account:
    return Account(
        AZURE,
        ENROLLMENT,
        "Fernlight Legacy EA",
        "Billing Account",
        f"/subscriptions/{_GUIDS[name]}",
        name,
        "Subscription",
        covered=covered_by_carbon,
    )


SHOP = _subscription("shop-prod")
NONPROD = _subscription("shop-nonprod")
ARCHIVE = _subscription("archive", covered_by_carbon=False)

WEST = Region("westeurope", "West Europe", 560, 0)
NORTH = Region("northeurope", "North Europe", 620, 0)

VM = Service("Virtual Machines", "Virtual Machines", "Compute", "Virtual Machines", "vm", 120)
SQL = Service("SQL Database", "SQL Database", "Databases", "Relational Databases", "sql", 60)
STORAGE = Service("Storage Accounts", "Storage", "Storage", "Object Storage", "storage", 45)
APPS = Service("App Service", "Azure App Service", "Web", "Application Platforms", "app", 60)
NETWORK = Service("Bandwidth", "Bandwidth", "Networking", "Network Infrastructure", "network", 6)
MONITOR = Service(
    "Log Analytics", "Log Analytics", "Management and Governance", "Observability", "monitor", 15
)
BENEFITS = Service("Virtual Machines", "Virtual Machines", "Compute", "Virtual Machines", "vm", 0)
OTHER = Service("Unassigned", "Unassigned", "Other", "Other (Other)", "other", 0)

PROD: Tags = (("Team", "Shop"), ("env", "prod"), ("CostCenter", "CC-300"))
PROD_DB: Tags = (("TEAM", "shop"), ("Environment", "Production"), ("costcenter", "cc-300"))
TEST: Tags = (("team", "shop"), ("Env", "Test"))
NO_TAGS: Tags = ()

RESERVATION = Commitment(
    "/providers/microsoft.capacity/reservationorders/7d2c9f10-4b6e-4a51-9d70-2f6d1b8c5a11/"
    "reservations/0a4b1f7e-6d3c-4e8f-9b12-7c5d3e2f1a22",
    "VM_RI_D8sv5_WestEurope",
    "Usage",
    "Reservation",
    "Hours",
)


def _resource(
    name: str,
    group: str,
    kind: str,
    service: Service,
    account: Account,
    region: Region,
    meter: str,
    unit: str,
    price: str,
    base: int,
    tags: Tags,
    shape: str = "flat",
    prices: Prices | None = None,
    details: Tags = (),
) -> Item:
    return Item(
        key=f"azure/{account.sub_name}/{name}/{meter}",
        account=account,
        service=service,
        region=region,
        description=f"{service.name} - {meter} - {region.name}",
        meter=meter,
        unit=unit,
        prices=prices or on_demand(nano(price), 12),
        base=base,
        shape=shape,
        resource_id=f"{account.sub_id}/resourceGroups/{group}/providers/{kind}/{name}",
        resource_name=name,
        resource_type=kind,
        tags=tags,
        details=details,
    )


_VM = "Microsoft.Compute/virtualMachines"


def _size(name: str, cores: int, memory: int) -> Tags:
    return (("InstanceType", name), ("CoreCount", str(cores)), ("MemorySize", str(memory)))


def _usage() -> tuple[Item, ...]:
    return (
        _resource(
            "vm-erp-01",
            "RG-Shop-Prod",
            _VM,
            VM,
            SHOP,
            WEST,
            "D16s v5",
            "1 Hour",
            "0.784",
            1000,
            PROD,
            details=_size("Standard_D16s_v5", 16, 64),
        ),
        _resource(
            "vm-erp-02",
            "RG-Shop-Prod",
            _VM,
            VM,
            SHOP,
            WEST,
            "D16s v5",
            "1 Hour",
            "0.784",
            1000,
            PROD,
            details=_size("Standard_D16s_v5", 16, 64),
        ),
        _resource(
            "vm-search",
            "RG-Shop-Prod",
            _VM,
            VM,
            SHOP,
            NORTH,
            "E32s v5",
            "1 Hour",
            "2.062",
            1000,
            NO_TAGS,
            details=_size("Standard_E32s_v5", 32, 256),
        ),
        _resource(
            "vm-test-01",
            "rg-shop-test",
            _VM,
            VM,
            NONPROD,
            WEST,
            "D8s v5",
            "1 Hour",
            "0.392",
            1000,
            TEST,
            details=_size("Standard_D8s_v5", 8, 32),
        ),
        _resource(
            "vm-test-02",
            "rg-shop-test",
            _VM,
            VM,
            NONPROD,
            WEST,
            "D8s v5",
            "1 Hour",
            "0.392",
            1000,
            NO_TAGS,
            details=_size("Standard_D8s_v5", 8, 32),
        ),
        _resource(
            "sqldb-orders",
            "RG-Shop-Prod",
            "Microsoft.Sql/servers/databases",
            SQL,
            SHOP,
            WEST,
            "vCore - Gen5",
            "1 Hour",
            "0.2208",
            16_000,
            PROD_DB,
        ),
        _resource(
            "sqldb-orders-test",
            "rg-shop-test",
            "Microsoft.Sql/servers/databases",
            SQL,
            NONPROD,
            WEST,
            "vCore - Gen5",
            "1 Hour",
            "0.2208",
            4_000,
            TEST,
        ),
        _resource(
            "stshopmedia",
            "RG-Shop-Prod",
            "Microsoft.Storage/storageAccounts",
            STORAGE,
            SHOP,
            WEST,
            "Hot LRS Data Stored",
            "1 GB/Month",
            "0.0184",
            61_000,
            PROD,
        ),
        _resource(
            "stshopmedia",
            "RG-Shop-Prod",
            "Microsoft.Storage/storageAccounts",
            STORAGE,
            SHOP,
            WEST,
            "Hot Read Operations",
            "10K",
            "0.0043",
            3_777,
            PROD,
            "busy",
        ),
        _resource(
            "app-storefront",
            "RG-Shop-Prod",
            "Microsoft.Web/sites",
            APPS,
            SHOP,
            WEST,
            "P3 v3 App",
            "1 Hour",
            "1.04",
            2000,
            PROD,
        ),
        _resource(
            "log-shop",
            "RG-Shop-Prod",
            "Microsoft.OperationalInsights/workspaces",
            MONITOR,
            SHOP,
            WEST,
            "Data Ingestion",
            "1 GB",
            "2.76",
            213,
            PROD,
            "busy",
        ),
        _resource(
            "vm-archive",
            "rg-archive",
            _VM,
            VM,
            ARCHIVE,
            NORTH,
            "D4s v5",
            "1 Hour",
            "0.214",
            1000,
            NO_TAGS,
            details=_size("Standard_D4s_v5", 4, 16),
        ),
        _resource(
            "starchive",
            "rg-archive",
            "Microsoft.Storage/storageAccounts",
            STORAGE,
            ARCHIVE,
            NORTH,
            "Cool LRS Data Stored",
            "1 GB/Month",
            "0.01",
            35_000,
            NO_TAGS,
        ),
    )


def _pledge() -> Pledge:
    def used(name: str, account: Account, tags: Tags, shape: str) -> Item:
        plain = _resource(
            name,
            "RG-Shop-Prod",
            _VM,
            VM,
            account,
            WEST,
            "D8s v5",
            "1 Hour",
            "0.392",
            1000,
            tags,
            shape,
            covered(nano("0.392"), nano("0.233417")),
            _size("Standard_D8s_v5", 8, 32),
        )
        return replace(plain, pricing="Committed", commitment=RESERVATION, status="Used")

    unused = Item(
        key="azure/reservation/unused",
        account=SHOP,
        service=BENEFITS,
        region=WEST,
        description="Unused reservation, D8s v5",
        meter="D8s v5",
        unit="1 Hour",
        prices=unit_of_money(),
        pricing="Committed",
        commitment=RESERVATION,
        status="Unused",
        resource_id=RESERVATION.commitment_id.replace("reservationorders", "reservationOrders"),
        resource_name=RESERVATION.name,
        resource_type="Microsoft.Capacity/reservationOrders/reservations",
    )
    purchase = replace(
        unused,
        key="azure/reservation/purchase",
        description="Reserved VM Instance, Standard_D8s_v5, 1 year",
        category="Purchase",
        frequency="Recurring",
        pricing="Standard",
        status=None,
    )
    return Pledge(
        3 * pico("0.233417"),
        (
            used("vm-web-01", SHOP, PROD, "flat"),
            used("vm-web-02", SHOP, PROD, "flat"),
            used("vm-batch", SHOP, NO_TAGS, "office"),
        ),
        unused,
        purchase,
        upfront_percent=100,
        upfront_month=5,
    )


def _plain(key: str, category: str, description: str) -> Item:
    return Item(
        key=f"azure/{key}",
        account=SHOP,
        service=OTHER,
        region=None,
        description=description,
        meter="",
        unit="1",
        prices=unit_of_money(),
        category=category,
        frequency="One-Time",
    )


def plan(slot_hours: int) -> Plan:
    """Return what the enrollment is billed; the export has no tax rows and no invoice number."""
    usage = _usage()
    return Plan(
        source="azure-legacy",
        usage=usage,
        pledges=(_pledge(),),
        fixed=(
            once(_plain("rounding", "Adjustment", "Rounding adjustment"), pico("0.000000370214")),
            once(
                _plain("credit", "Credit", "Azure prepayment credit"),
                pico("-180.50"),
                every=2,
                offset=0,
            ),
        ),
        late=(usage[8], usage[10]),
        slot_hours=slot_hours,
    )
