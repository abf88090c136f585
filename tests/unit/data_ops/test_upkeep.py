"""Upkeep: what is small becomes large, what is needed stays, a second time nothing is done."""

import pytest
from pyspark.sql import functions as F

from data_ops.delta.upkeep import keep_up, keep_up_all
from data_ops.utils.errors import ConfigError


@pytest.fixture(scope="module")
def shattered(spark):
    """A table of 200 small files in two versions."""
    name = "spark_catalog.default.upkeep_shattered"
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    rows = spark.range(2000).withColumn("paid_amount", F.expr("CAST(id / 7 AS DECIMAL(18,2))"))
    for half in (rows.where("id < 1000"), rows.where("id >= 1000")):
        half.repartition(100).write.format("delta").mode("append").saveAsTable(name)
    yield name
    spark.sql(f"DROP TABLE {name}")


@pytest.fixture
def small(spark, new_table):
    """A table of ten rows in four files."""
    name = new_table()
    spark.range(10).repartition(4).write.format("delta").saveAsTable(name)
    return name


def content(spark, name: str, version: int) -> list:
    return sorted(spark.sql(f"SELECT * FROM {name} VERSION AS OF {version}").collect())


def operations(spark, name: str) -> list[str]:
    history = spark.sql(f"DESCRIBE HISTORY {name}").orderBy("version")
    return [row.operation for row in history.select("version", "operation").collect()]


def test_200_small_files_become_few_and_every_version_reads_as_before(spark, shattered):
    before = operations(spark, shattered)
    last = len(before) - 1
    versions = [content(spark, shattered, version) for version in range(1, last + 1)]
    done = keep_up(spark, shattered)
    assert (done.files_before, done.files_after, done.deleted) == (200, 1, 0)
    after = operations(spark, shattered)
    assert after[: len(before)] == before and after[len(before) :] == ["OPTIMIZE"]
    assert versions == [content(spark, shattered, version) for version in range(1, last + 1)]
    assert content(spark, shattered, last + 1) == versions[-1]
    again = keep_up(spark, shattered)
    assert (again.files_before, again.files_after, again.deleted) == (1, 1, 0)
    assert operations(spark, shattered) == after


def test_a_table_of_few_files_is_left_alone(spark, small):
    before = operations(spark, small)
    assert keep_up(spark, small).files_after == 4
    assert operations(spark, small) == before


def test_a_table_says_itself_when_it_is_due(spark, small):
    spark.sql(f"ALTER TABLE {small} SET TBLPROPERTIES ('data_ops.compactFrom' = '4')")
    assert keep_up(spark, small).files_after == 1


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("keepDays", "3", "data_ops.keepDays is 3, less than 7"),
        ("compactFrom", "many", "data_ops.compactFrom is 'many', not a number"),
    ],
)
def test_a_setting_that_would_harm_is_refused_by_name(spark, small, key, value, told):
    spark.sql(f"ALTER TABLE {small} SET TBLPROPERTIES ('data_ops.{key}' = '{value}')")
    with pytest.raises(ConfigError, match=told) as error:
        keep_up(spark, small)
    assert small in str(error.value)


def test_tables_that_are_not_there_yet_are_passed_over(spark, small):
    done = keep_up_all(spark, [small, "spark_catalog.default.upkeep_nowhere"])
    assert [one.table for one in done] == [small]
