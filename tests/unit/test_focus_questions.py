"""Every question of docs/focus_questions has the answer that was worked out on paper."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.question_pages import Question, questions_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "focus_questions"
FIXTURE = ROOT / "tests" / "fixtures" / "focus_questions"
EXPECTED = ROOT / "tests" / "golden" / "focus_questions"
QUESTIONS = [question for page in sorted(PAGES.glob("*.md")) for question in questions_of(page)]
EVERY = pytest.mark.parametrize("question", QUESTIONS, ids=[q.name for q in QUESTIONS])
TYPES = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "decimal": "DECIMAL(38,18)",
    "timestamp": "TIMESTAMP",
}


@pytest.fixture(scope="module")
def focus() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table charges as select * from read_csv(?, all_varchar=true, header=true)",
            [str(FIXTURE / "charges.csv")],
        )
        for name in ("focus_v1_4.sql", "datasets.sql"):
            connection.execute((FIXTURE / name).read_text(encoding="utf-8"))
        yield connection


def as_written(value: object) -> str:
    """A value as the expected files write it; a double has no exact form and is refused."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value.normalize() + 0:f}"
        case dt.date() if not isinstance(value, dt.datetime):
            return value.isoformat()
        case str() | int():
            return str(value)
    raise TypeError(f"{value!r} can't be compared exactly")


def as_number(text: str) -> str:
    """1588.70 and 1588.7 are one number; an identifier such as 100000000001 stays as it is."""
    whole, point, _ = text.lstrip("-").partition(".")
    return f"{Decimal(text).normalize() + 0:f}" if point and whole.isdigit() else text


def expected(question: Question) -> list[list[str]]:
    with (EXPECTED / f"{question.name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


@EVERY
def test_the_answer_is_the_one_on_paper(
    focus: duckdb.DuckDBPyConnection, question: Question
) -> None:
    relation = focus.sql(question.sql)
    header, *rows = expected(question)

    assert relation.columns == header
    assert [[as_written(value) for value in row] for row in relation.fetchall()] == [
        [as_number(value) for value in row] for row in rows
    ]


@EVERY
def test_money_never_comes_without_its_currency(
    focus: duckdb.DuckDBPyConnection, question: Question
) -> None:
    columns = focus.sql(question.sql).columns
    if any(column.endswith(("_cost", "_price", "_balance", "budget")) for column in columns):
        assert {"billing_currency", "payment_currency"} & set(columns)


@EVERY
def test_only_ratios_are_divided_and_they_are_rounded(
    focus: duckdb.DuckDBPyConnection, question: Question
) -> None:
    assert "double" not in {str(kind).lower() for kind in focus.sql(question.sql).types}
    assert "avg(" not in question.sql


@EVERY
def test_a_question_says_who_asks_what_returns_and_what_to_mind(question: Question) -> None:
    assert question.title.endswith("?")
    for part in ("**Asked by:**", "**Returns:**", "**Mind:**"):
        assert part in question.text


@EVERY
def test_the_arithmetic_is_shown(question: Question) -> None:
    paper = (EXPECTED / "README.md").read_text(encoding="utf-8")

    assert f"**{question.name}**" in paper


def test_questions_answers_and_index_are_the_same_set() -> None:
    names = [question.name for question in QUESTIONS]
    index = (PAGES / "README.md").read_text(encoding="utf-8")

    assert len(names) == len(set(names)) == 71
    assert {path.stem for path in EXPECTED.glob("*.csv")} == set(names)
    assert "Seventy-one" in index
    assert all(
        page.name in index and len(questions_of(page)) == page.read_text("utf-8").count("```sql")
        for page in PAGES.glob("*.md")
        if page.name != "README.md"
    )


def test_every_dataset_is_asked() -> None:
    asked = " ".join(question.sql for question in QUESTIONS)
    for name in ("billing_period", "invoice_detail", "contract_commitment"):
        assert f"focus_v1_4_{name}" in asked


def test_the_example_has_the_published_columns(focus: duckdb.DuckDBPyConnection) -> None:
    with (ROOT / "seeds" / "focus" / "focus_columns.csv").open(encoding="utf-8") as lines:
        wanted = {
            row["column_name"]: TYPES[row["kind"]] for row in csv.DictReader(lines) if row["v1_4"]
        }
    described = focus.sql("select column_name, column_type from (describe focus_v1_4)").fetchall()

    assert dict(described) == wanted


def test_the_example_keeps_the_rules_of_the_standard(focus: duckdb.DuckDBPyConnection) -> None:
    seeds = ROOT / "seeds" / "focus"
    broken = focus.sql(
        f"""
        select ChargeDescription
        from focus_v1_4
        left join read_csv('{seeds / "focus_service_subcategories.csv"}') as subcategories
            on ServiceSubcategory = subcategories.service_subcategory
            and ServiceCategory = subcategories.service_category
        where subcategories.service_category is null
            or abs(ListCost - ListUnitPrice::decimal(18, 6) * PricingQuantity::decimal(18, 6)) > 0
            or abs(
                ContractedCost
                - ContractedUnitPrice::decimal(18, 6) * PricingQuantity::decimal(18, 6)
            ) > 0
            or (CommitmentDiscountStatus is not null and BilledCost <> 0)
            or (ChargeCategory = 'Purchase' and PricingCategory <> 'Standard')
            or (CommitmentDiscountStatus is not null and PricingCategory <> 'Committed')
            or (
                ChargeCategory = 'Purchase' and CommitmentDiscountId is not null
                and EffectiveCost <> 0
            )
            or (
                'Unused' in (CommitmentDiscountStatus, CapacityReservationStatus)
                and ConsumedQuantity is not null
            )
            or (ConsumedQuantity is null) <> (ConsumedUnit is null)
            or (ChargeCategory in ('Tax', 'Credit') and EffectiveCost <> BilledCost)
            or ChargePeriodEnd <= ChargePeriodStart
            or (ChargePeriodStart < BillingPeriodStart) <> (ChargeClass is not null)
        """
    ).fetchall()

    assert broken == []
