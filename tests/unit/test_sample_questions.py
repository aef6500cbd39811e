"""Every SQL block of docs/sample_questions.md runs on the marts and keeps the rules it teaches."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.question_pages import questions_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "sample_questions.md"
QUESTIONS = [(question.name, question.sql) for question in questions_of(PAGE)]
MONEY = re.compile(r"_cost\b|^change$")


@pytest.fixture(scope="module")
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        sample = ROOT / "tests" / "fixtures" / "published_sample.sql"
        connection.execute(sample.read_text(encoding="utf-8"))
        yield connection


def test_there_are_a_dozen_questions_and_no_block_is_skipped() -> None:
    assert len(QUESTIONS) >= 12
    assert len(QUESTIONS) == PAGE.read_text(encoding="utf-8").count("```sql")


@pytest.mark.parametrize("sql", [sql for _, sql in QUESTIONS], ids=[n for n, _ in QUESTIONS])
def test_the_question_has_an_answer(marts: duckdb.DuckDBPyConnection, sql: str) -> None:
    relation = marts.sql(sql)
    assert relation.fetchall(), "the sample has an answer to every question"


@pytest.mark.parametrize("sql", [sql for _, sql in QUESTIONS], ids=[n for n, _ in QUESTIONS])
def test_money_never_comes_without_its_currency(marts: duckdb.DuckDBPyConnection, sql: str) -> None:
    columns = marts.sql(sql).columns
    if any(MONEY.search(column) for column in columns):
        assert "billing_currency" in columns


@pytest.mark.parametrize("sql", [sql for _, sql in QUESTIONS], ids=[n for n, _ in QUESTIONS])
def test_nothing_is_added_that_must_not_be(sql: str) -> None:
    assert "+" not in sql
    assert not re.search(r"avg\(|coalesce\([^)]*kg", sql)


def test_a_missing_bill_is_no_saving(marts: duckdb.DuckDBPyConnection) -> None:
    changes = {
        (str(row[0])[:7], row[1]): row[4] for row in marts.sql(dict(QUESTIONS)["2"]).fetchall()
    }
    assert ("2026-04", "gcp") not in changes
    assert changes["2026-05", "gcp"] is None
    assert changes["2026-05", "aws"] is not None


def test_the_answer_to_missing_data_names_every_gap(marts: duckdb.DuckDBPyConnection) -> None:
    gaps = {(str(row[0])[:7], row[1], row[3]) for row in marts.sql(dict(QUESTIONS)["4"]).fetchall()}
    assert gaps == {
        ("2026-02", "azure-carbon", "quarantined"),
        ("2026-04", "gcp-bill", "missing"),
        ("2026-04", "gcp-carbon", "missing"),
        ("2026-06", "azure-carbon", "pending"),
        ("2026-06", "gcp-carbon", "pending"),
    }
