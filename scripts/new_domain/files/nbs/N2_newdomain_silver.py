# Databricks notebook source
# MAGIC %md
# MAGIC # Newdomain: silver
# MAGIC
# MAGIC > One row per id: of all that was sent, the latest change stands.

# COMMAND ----------

#| default_exp domains.newdomain.silver

# COMMAND ----------

#| export
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.domains.newdomain.schemas import NEWDOMAIN
from data_ops.operations.accounts import ACCOUNT, supersede
from data_ops.operations.transformers import clean, recode, rif_date

# COMMAND ----------

#| export
KINDS: dict[str, str] = {"1": "person", "2": "organization"}

# COMMAND ----------

# MAGIC %md
# MAGIC Every raw row meets one end, so no row is dropped here: `supersede` marks the ones that a later change replaces, and the rules
# MAGIC set aside what cannot be placed.

# COMMAND ----------

#| export
def newdomain_rows(
    bronze_newdomain: DataFrame,
) -> DataFrame:
    "An account of the raw rows, one row each; of the rows of one id the latest change stands."
    sent = bronze_newdomain.withColumns(
        {
            "newdomain_id": clean("NEWDOMAIN_ID"),
            "name": clean("NAME"),
            "kind": recode(clean("KIND"), KINDS, "unknown"),
            "start_date": rif_date("START_DT"),
            "end_date": rif_date("END_DT"),
            "changed_on": rif_date("CHANGED_DT"),
            "data_source": F.col("_data_source"),
        }
    )
    return supersede(sent, ["newdomain_id"], first=["changed_on DESC"]).select(*NEWDOMAIN.business, *ACCOUNT)


def newdomain(
    rows: DataFrame,  # as `newdomain_rows` makes them, judged
) -> DataFrame:
    "The account: silver_newdomain needs no column of other tables."
    return rows

# COMMAND ----------

#| hide
from data_ops.domains.newdomain.rules import RULES
from data_ops.domains.newdomain.schemas import NEWDOMAIN_FEED
from data_ops.operations.accounts import accepted, set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for
from data_ops.utils.spark import get_session

spark = get_session()

# COMMAND ----------

first = {"NEWDOMAIN_ID": "A1", "KIND": "1", "START_DT": "01-Jan-2024", "CHANGED_DT": "01-Jan-2024"}
ended = first | {"END_DT": "30-Jun-2024", "CHANGED_DT": "01-Jul-2024"}
backwards = first | {"NEWDOMAIN_ID": "A2", "END_DT": "31-Dec-2023"}
account = newdomain(set_aside(newdomain_rows(delivered_rows(spark, NEWDOMAIN_FEED, first, ended, backwards)), rules_for(RULES, "silver_newdomain")))
account.select("newdomain_id", "start_date", "end_date", "_disposition", "_reasons").orderBy("newdomain_id", "changed_on").toPandas()

# COMMAND ----------

assert [row.end_date.month for row in accepted(account, NEWDOMAIN).collect()] == [6]
