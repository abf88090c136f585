# Databricks notebook source
# /// script
# [tool.databricks.environment]
# dependencies = [
#   "--editable ../..",
# ]
# environment_version = "4"
# ///
# MAGIC %md
# MAGIC # Newdomain: silver
# MAGIC
# MAGIC > One row per id, as last changed; rows that cannot be placed go to quarantine.

# COMMAND ----------

# DBTITLE 1,#parameters
environment: str = "local"  # local, dev, staging or prod
catalog: str = ""  # empty: the environment's own, as in configs/; so are the next four
newdomain_schema: str = ""
ops_schema: str = ""
source: str = ""  # folder or volume of raw files
data_source: str = ""  # name of their sender
run_id: str = ""  # empty: a new one
full_refresh: bool = False  # start all tables afresh
refresh_tables: str = ""  # or these alone, blank-separated
date_from: str = ""  # build again what speaks of days from here, changed or not
date_to: str = ""  # to here; both as 2024-01-31
date_of: str = "service"  # or delivery: the days on which the rows came

# COMMAND ----------

from data_ops import jobs

# COMMAND ----------

jobs.build(globals(), "newdomain", "silver_newdomain")
