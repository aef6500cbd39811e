"""How conform models look services and units up, in DuckDB without dbt."""

from typing import Any

import duckdb
import pytest

from tests.macro_harness import macros

MAPS = macros("decoded/maps.sql")
SERVICES = """
create table services as select * from (values
    ('amazonec2', 'Amazon EC2', 'Compute', 'Virtual Machines', 'AmazonEC2'),
    ('amazon s3', 'Amazon S3', 'Storage', 'Object Storage', 'AmazonS3'),
    ('awsmarketplace', 'AWS Marketplace', 'Other', 'Other (Other)', null)
) as rows (service_code, service_name, service_category, service_subcategory, carbon_service_bucket)
"""
CHARGES = """
create table charges as select * from (values
    (1, 'AMAZONEC2', 'Amazon S3', 'AWS'),
    (2, 'unknown', 'amazon s3', 'AWS'),
    (3, 'a1b2c3', null, 'AWS Marketplace'),
    (4, null, null, 'AWS')
) as rows (line, code, name, entity)
"""


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(SERVICES)
    connection.execute(CHARGES)
    return connection


def looked_up(connection: duckdb.DuckDBPyConnection, stated: str = "null") -> list[Any]:
    words = ["code", "name", "case when entity = 'AWS Marketplace' then 'AWSMarketplace' end"]
    return connection.execute(
        f"""
        with located as ({MAPS.with_service("charges", "services", words)})
        select
            {MAPS.service_name_of("code")},
            {MAPS.service_category_of(stated)},
            {MAPS.service_subcategory_of(stated, "null")},
            {MAPS.service_change(stated)}
        from located order by line
        """
    ).fetchall()


def test_the_first_known_word_counts_and_no_line_is_dropped(
    database: duckdb.DuckDBPyConnection,
) -> None:
    assert looked_up(database) == [
        ("Amazon EC2", "Compute", "Virtual Machines", None),
        ("Amazon S3", "Storage", "Object Storage", None),
        ("AWS Marketplace", "Other", "Other (Other)", None),
        (None, "Other", "Other (Other)", "ServiceUnmapped"),
    ]


def test_a_stated_category_outranks_the_map(database: duckdb.DuckDBPyConnection) -> None:
    stated = "case when line = 1 then 'Databases' end"
    assert looked_up(database, stated)[0] == ("Amazon EC2", "Databases", None, None)


def test_the_bucket_is_that_of_the_word_that_counts(database: duckdb.DuckDBPyConnection) -> None:
    located = MAPS.with_service("charges", "services", ["code", "name"])
    found = database.execute(f"select mapped_service_bucket from ({located}) order by line")
    assert found.fetchall() == [("AmazonEC2",), ("AmazonS3",), (None,), (None,)]


def test_an_unknown_unit_stays_as_it_was_written() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table units as select * from (values ('hrs', 'Hours'), ('gb-mo', 'GB-Months'))"
        " as rows (native_unit, focus_unit)"
    )
    connection.execute(
        "create table charges as select * from (values (1, 'HRS', 'GB-Mo'),"
        " (2, ' Furlongs ', ''), (3, null, 'Hrs')) as rows (line, priced, used)"
    )
    measured = MAPS.with_units(
        "charges", "units", {"priced": "PricingUnit", "used": "ConsumedUnit"}
    )
    found = connection.execute(f"select PricingUnit, ConsumedUnit from ({measured}) order by line")
    assert found.fetchall() == [("Hours", "GB-Months"), ("Furlongs", None), (None, "Hours")]
