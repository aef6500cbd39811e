import datetime as dt

import pytest
from fakes import FakeStore

from dagster_project.errors import CloudtallyError
from dagster_project.exports.azure import cost_details
from dagster_project.exports.base import Candidate, Unreadable, match_schema

MARCH = dt.date(2026, 3, 1)
TYPES = {"actual": "ActualCost", "amortized": "AmortizedCost"}
FULL = ("2026-03-01", "2026-03-31")


def run(dataset, name="r1", day="02", days=FULL, folder=None, **changes):
    period = "-".join(text.replace("-", "") for text in days)
    place = f"{folder or dataset}/{dataset}-cost/{period}/{name}"
    document = {
        "blobCount": 1,
        "dataRowCount": 10,
        "exportConfig": {"exportName": f"{dataset}-cost", "type": TYPES[dataset]} | changes,
        "runInfo": {
            "runId": f"{dataset}-{name}",
            "submittedTime": f"2026-04-{day}T03:00:00Z",
            "startDate": f"{days[0]}T00:00:00",
            "endDate": f"{days[1]}T00:00:00",
        },
        "blobs": [
            {
                "blobName": f"costs/{place.partition('/')[2]}/part_0.csv",
                "byteCount": 4,
                "dataRowCount": 10,
            }
        ],
    }
    return {f"{place}/manifest.json": document, f"{place}/part_0.csv": b"data"}


def found(*runs, **options):
    objects = {key: content for one in runs for key, content in one.items()}
    return list(cost_details.EXPORT.find(FakeStore(objects), options))


def test_the_newest_runs_of_both_exports_are_one_delivery():
    (pair,) = found(run("actual"), run("amortized", day="03"))
    assert isinstance(pair, Candidate)
    assert (pair.month, pair.native_id, pair.rows) == (MARCH, "actual-r1 + amortized-r1", 20)
    assert pair.order.startswith("2026-04-03")
    assert [(part.constants, part.rows) for part in pair.parts] == [
        ({"dataset": "actual"}, 10),
        ({"dataset": "amortized"}, 10),
    ]
    assert pair.missing == ()
    assert [part.info.key for part in pair.parts] == [
        "actual/actual-cost/20260301-20260331/r1/part_0.csv",
        "amortized/amortized-cost/20260301-20260331/r1/part_0.csv",
    ]


def test_both_exports_in_one_container():
    objects = [run(dataset, folder=place) for dataset in TYPES for place in TYPES]
    (pair,) = found(*objects)
    assert [part.constants["dataset"] for part in pair.parts] == ["actual", "amortized"]
    assert [part.info.key.partition("/")[0] for part in pair.parts] == ["actual", "amortized"]


def test_the_id_changes_with_either_half():
    before = found(run("actual"), run("amortized"))[0]
    after = found(run("actual"), run("amortized", name="r2", day="04"))[0]
    assert (before.native_id, before.signature) != (after.native_id, after.signature)
    assert before.manifest_bytes != after.manifest_bytes


def test_older_pairs_stay_on_offer():
    pairs = found(
        run("actual"), run("amortized"),
        run("actual", "r2", "05"), run("amortized", "r2", "05"),
    )  # fmt: skip
    assert sorted(pair.native_id for pair in pairs) == [
        "actual-r1 + amortized-r1",
        "actual-r2 + amortized-r2",
    ]


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("actual", ("none of amortised cost", "still says what is invoiced", "`amortized:`")),
        ("amortized", ("none of actual cost", "still says what usage cost", "`actual:`")),
    ],
)
def test_half_a_pair_says_what_is_missing_and_what_can_still_be_said(there, words):
    (half,) = found(run(there))
    assert isinstance(half, Unreadable)
    assert (half.month, half.error.code) == (MARCH, "CT-LAND-HALF")
    assert all(word in str(half.error) for word in (*words, "Nothing of it is counted")), half.error


def test_other_days_are_no_pair_and_the_first_day_is_named():
    (one,) = found(run("actual"), run("amortized", days=("2026-03-01", "2026-03-30")))
    assert one.error.code == "CT-LAND-PAIR"
    assert one.error.where["first day"] == "2026-03-31"
    assert "actual 2026-03-01 to 2026-03-31, amortised 2026-03-01 to 2026-03-30" in str(one.error)


def test_midnight_after_the_month_is_its_last_day():
    (pair,) = found(run("actual"), run("amortized", days=("2026-03-01", "2026-04-01")))
    assert pair.note == {"days": "2026-03-01 to 2026-03-31"}


def test_one_run_ahead_is_waited_for():
    (pair,) = found(
        run("actual"),
        run("amortized"),
        run("actual", "r2", "05", days=("2026-03-01", "2026-03-30")),
    )
    assert pair.native_id == "actual-r1 + amortized-r1"


@pytest.mark.parametrize(
    "late",
    [
        [("actual", "r2", "05", "29"), ("actual", "r3", "06", "30")],
        [("actual", "r2", "05", "29"), ("amortized", "r2", "06", "30")],
    ],
)
def test_exports_that_parted_are_reported_beside_the_last_pair(late):
    later = [
        run(half, name, day, ("2026-03-01", f"2026-03-{last}")) for half, name, day, last in late
    ]
    pair, error = found(run("actual"), run("amortized"), *later)
    assert isinstance(pair, Candidate)
    assert error.error.code == "CT-LAND-PAIR"


def test_the_wrong_way_round_is_named():
    codes = {one.error.code for one in found(
        run("amortized", folder="actual"), run("actual", folder="amortized")
    )}  # fmt: skip
    assert codes == {"CT-LAND-WRONG-EXPORT"}


def test_a_broken_half_is_not_also_called_missing():
    broken = {"amortized/amortized-cost/20260301-20260331/r1/manifest.json": "{"}
    (one,) = found(run("actual"), broken)
    assert one.error.code == "CT-LAND-MANIFEST"


def test_two_exports_of_a_type_are_not_chosen_between():
    other = run("actual", "r9", exportName="other")
    codes = [one.error.code for one in found(run("actual"), other, run("amortized"))]
    assert codes == ["CT-LAND-TWO-EXPORTS"]
    (pair,) = found(run("actual"), other, run("amortized"), actual_export_name="other")
    assert pair.native_id == "actual-r9 + amortized-r1"


# Headers as they are found in public samples of each kind of account.
EA = """InvoiceSectionName AccountName AccountOwnerId SubscriptionId SubscriptionName ResourceGroup
ResourceLocation Date ProductName MeterCategory MeterSubCategory MeterId MeterName MeterRegion
UnitOfMeasure Quantity EffectivePrice CostInBillingCurrency CostCenter ConsumedService
ResourceId Tags OfferId AdditionalInfo ServiceInfo1 ServiceInfo2 ResourceName ReservationId
ReservationName UnitPrice ProductOrderId ProductOrderName Term PublisherType PublisherName
ChargeType Frequency PricingModel AvailabilityZone BillingAccountId BillingAccountName
BillingCurrencyCode BillingPeriodStartDate BillingPeriodEndDate BillingProfileId
BillingProfileName InvoiceSectionId IsAzureCreditEligible PartNumber PayGPrice PlanName
ServiceFamily CostAllocationRuleName benefitId benefitName""".split()  # noqa: SIM905
MCA = """invoiceId previousInvoiceId billingAccountId billingAccountName billingProfileId
billingProfileName invoiceSectionId invoiceSectionName resellerName resellerMpnId costCenter
billingPeriodEndDate billingPeriodStartDate servicePeriodEndDate servicePeriodStartDate date
serviceFamily productOrderId productOrderName consumedService meterId meterName meterCategory
meterSubCategory meterRegion ProductId ProductName SubscriptionId subscriptionName
publisherType publisherId publisherName resourceGroupName ResourceId resourceLocation location
effectivePrice quantity unitOfMeasure chargeType billingCurrency pricingCurrency
costInBillingCurrency costInPricingCurrency costInUsd paygCostInBillingCurrency paygCostInUsd
exchangeRatePricingToBilling exchangeRateDate isAzureCreditEligible serviceInfo1 serviceInfo2
additionalInfo tags PayGPrice frequency term reservationId reservationName pricingModel
unitPrice costAllocationRuleName benefitId benefitName provider""".split()  # noqa: SIM905
PAYG = """SubscriptionGuid ResourceGroup ResourceLocation UsageDateTime MeterCategory
MeterSubcategory MeterId MeterName MeterRegion UsageQuantity ResourceRate PreTaxCost ConsumedService
ResourceType InstanceId Tags OfferId AdditionalInfo ServiceInfo1 ServiceInfo2 ServiceName
ServiceTier Currency UnitOfMeasure""".split()  # noqa: SIM905
GERMAN = [
    "Abonnement-GUID (SubscriptionGuid)", "UsageDateTime (UsageDateTime)",
    "Kategorie der Verbrauchseinheit (MeterCategory)", "UsageQuantity (UsageQuantity)",
    "PreTaxCost (PreTaxCost)", "Currency", "Maßeinheit (UnitOfMeasure)",
]  # fmt: skip
TRANSLATED = ["Datum", "Kosten", "Menge", "Währung", "Maßeinheit"]


@pytest.mark.parametrize(
    ("columns", "version", "cost"),
    [
        (EA, "cost-details", "CostInBillingCurrency"),
        (MCA, "cost-details", "costInBillingCurrency"),
        (PAYG, "usage-details", "PreTaxCost"),
    ],
)
def test_what_each_kind_of_account_writes_is_declared(columns, version, cost):
    schema = match_schema(columns, cost_details.EXPORT.declared)
    spelled = schema.spelled(columns)
    assert schema.version == version
    assert set(columns) <= set(spelled.columns)
    assert spelled.measures[0].first_of == (cost,)
    assert spelled.twins.amount == (cost,)
    assert {spelled.days, *spelled.accounts, spelled.period} <= {*columns, "BillingAccountId"}


@pytest.mark.parametrize("columns", [GERMAN, TRANSLATED, [*EA, "Zusätzlich (AdditionalInfo)"]])
def test_localised_headers_are_called_so(columns):
    with pytest.raises(CloudtallyError, match="headers are localised") as caught:
        match_schema(columns, cost_details.EXPORT.declared)
    assert caught.value.code == "CT-DECODE-LOCALISED"
    assert "language to English" in caught.value.next_step


def test_a_missing_column_is_named_as_declared():
    columns = [name for name in MCA if name != "chargeType"]
    with pytest.raises(CloudtallyError, match="columns are missing: ChargeType") as caught:
        match_schema(columns, cost_details.EXPORT.declared)
    assert caught.value.code == "CT-DECODE-MISSING-COLUMN"
