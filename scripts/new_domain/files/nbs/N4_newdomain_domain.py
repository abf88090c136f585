# Databricks notebook source
# MAGIC %md
# MAGIC # Newdomain: the domain
# MAGIC
# MAGIC > Feeds, tables in the order they are built, and rules, put together. This is all that the jobs and the pipelines know of the domain.

# COMMAND ----------

#| default_exp domains.newdomain.domain

# COMMAND ----------

#| export
from data_ops.domains.newdomain import schemas
from data_ops.domains.newdomain.gold import newdomain_kinds
from data_ops.domains.newdomain.rules import RULES
from data_ops.domains.newdomain.silver import newdomain, newdomain_rows
from data_ops.operations.contracts import Domain, Table

# COMMAND ----------

#| export
DOMAIN = Domain(
    name="newdomain",
    feeds=schemas.FEEDS,
    tables=(
        Table(schemas.NEWDOMAIN, newdomain, rows=newdomain_rows),
        Table(schemas.NEWDOMAIN_KINDS, newdomain_kinds),
    ),
    rules=RULES,
)

# COMMAND ----------

# MAGIC %md
# MAGIC Where each table comes from follows from the functions' arguments:

# COMMAND ----------

{table.name: table.reads for table in DOMAIN.tables}
