# Databricks notebook source
# MAGIC %md
# MAGIC # Newdomain: gold
# MAGIC
# MAGIC > How many of each kind there are.

# COMMAND ----------

#| default_exp domains.newdomain.gold

# COMMAND ----------

#| export
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.domains.newdomain.schemas import NEWDOMAIN_KINDS
from data_ops.operations.transformers import conform

# COMMAND ----------

#| export
def newdomain_kinds(
    silver_newdomain: DataFrame,
) -> DataFrame:
    "gold_newdomain_kinds: one row per kind."
    counted = silver_newdomain.groupBy("kind").agg(
        F.count("*").alias("ids"),
        F.count_if(F.col("end_date").isNull()).alias("open_ids"),
        F.min("start_date").alias("first_start"),
    )
    return conform(counted, NEWDOMAIN_KINDS)

# COMMAND ----------

#| hide
from data_ops.utils.spark import get_session

spark = get_session()

# COMMAND ----------

rows = [("person", "2024-01-01", None), ("person", "2023-01-01", "2023-12-31")]
silver = spark.createDataFrame(rows, "kind STRING, start_date STRING, end_date STRING")
(counted,) = newdomain_kinds(silver).collect()
assert (counted.kind, counted.ids, counted.open_ids, f"{counted.first_start}") == ("person", 2, 1, "2023-01-01")
