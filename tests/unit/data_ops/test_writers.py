"""A write happens as a whole or not at all, and never widens a table by accident."""

import pytest
from chispa import assert_df_equality

from data_ops.delta.table_manager import create
from data_ops.operations.contracts import contract
from data_ops.operations.writers import overwrite, replace_where, write_delta
from data_ops.utils.errors import ContractError


def months(spark, *rows: tuple):
    """(month, members) rows."""
    return spark.createDataFrame(rows, "month INT, members STRING")


def same(found, wanted):
    """The same rows in any order, and the same columns."""
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


@pytest.fixture(scope="module")
def table(spark, new_table):
    """A table of three months, which tests that are to be refused leave as it is."""
    name = new_table()
    write_delta(months(spark, (1, "a"), (2, "b"), (3, "c")), name)
    return name


@pytest.fixture
def unchanged(spark, table):
    """The table; afterwards it must hold what it held, at the version it had."""

    def state():
        version = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first().version
        return version, sorted(map(tuple, spark.table(table).collect()))

    before = state()
    yield table
    assert state() == before


def test_writing_creates_appends_and_overwrites(spark, new_table):
    name = new_table()
    write_delta(months(spark, (1, "a")), name)
    write_delta(months(spark, (2, "b")), name)
    same(spark.table(name), months(spark, (1, "a"), (2, "b")))
    write_delta(months(spark, (3, "c")), name, mode="overwrite")
    same(spark.table(name), months(spark, (3, "c")))
    same(spark.read.option("versionAsOf", 1).table(name), months(spark, (1, "a"), (2, "b")))


def test_columns_are_written_by_name(spark, new_table):
    name = new_table()
    write_delta(months(spark, (1, "a")), name)
    write_delta(months(spark, (2, "b")).select("members", "month"), name)
    same(spark.table(name), months(spark, (1, "a"), (2, "b")))


def test_one_part_is_replaced_and_the_rest_stays(spark, new_table):
    name = new_table()
    write_delta(months(spark, (1, "a"), (2, "b"), (3, "c")), name)
    replace_where(months(spark, (2, "x"), (2, "y")), name, "month = 2")
    same(spark.table(name), months(spark, (1, "a"), (2, "x"), (2, "y"), (3, "c")))
    replace_where(months(spark).limit(0), name, "month >= 2")
    same(spark.table(name), months(spark, (1, "a")))


def test_a_row_outside_the_part_is_refused_in_one_line(spark, unchanged):
    with pytest.raises(ContractError, match="outside the part to replace: month = 3") as caught:
        replace_where(months(spark, (3, "x"), (4, "y")), unchanged, "month = 3")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("write", [write_delta, overwrite])
@pytest.mark.parametrize("columns", ["month, members, 1 AS more", "month, members AS persons"])
def test_another_column_is_refused_naming_the_table(spark, unchanged, write, columns):
    df = months(spark, (4, "d")).selectExpr(*columns.split(", "))
    with pytest.raises(ContractError, match=rf"do not fit the table \({unchanged}\)") as caught:
        write(df, unchanged)
    assert "\n" not in str(caught.value)


def test_overwriting_with_another_type_is_refused(spark, unchanged):
    with pytest.raises(ContractError, match="do not fit"):
        overwrite(spark.sql("SELECT 'x' AS month, 'a' AS members"), unchanged)


# These leave the table changed or show too much, so they have tables of their own.


@pytest.mark.parametrize("write", [write_delta, overwrite])
def test_a_missing_column_is_refused(spark, new_table, write):
    name = new_table()
    write_delta(months(spark, (1, "a")), name)
    with pytest.raises(ContractError, match="do not fit"):
        write(months(spark, (2, "b")).select("month"), name)


SECRET = "Lovelace"


def test_a_value_of_another_type_is_refused_without_repeating_it(spark, new_table):
    name = new_table()
    write_delta(months(spark, (1, "a")), name)
    with pytest.raises(Exception, match=".") as caught:
        write_delta(spark.sql(f"SELECT '{SECRET}' AS month, 'a' AS members"), name)
    assert isinstance(caught.value, ContractError) and SECRET not in str(caught.value)


PEOPLE = contract(
    "silver_people",
    grain="one row per person",
    key="id",
    columns="id STRING the person\nname STRING the name",
    checks={"name_short": "length(name) < 5"},
    audit=False,
)


def test_a_row_that_breaks_a_constraint_is_refused_without_repeating_it(spark, new_table):
    name = new_table()
    create(spark, PEOPLE, name)
    with pytest.raises(Exception, match=".") as caught:
        write_delta(spark.sql(f"SELECT 'a' AS id, '{SECRET}' AS name"), name)
    assert SECRET not in str(caught.value)
