# Databricks notebook source
# MAGIC %md
# MAGIC # Newdomain: schemas
# MAGIC
# MAGIC > The feed that brings it, and the contracts of the tables made from it.

# COMMAND ----------

#| default_exp domains.newdomain.schemas

# COMMAND ----------

#| export
from data_ops.operations.contracts import Contract, Feed, contract

# COMMAND ----------

# MAGIC %md
# MAGIC ## The feed
# MAGIC
# MAGIC One row per change: who is new, who has changed, who is no more (`DML_IND` is INSERT, UPDATE or DELETE). Without an
# MAGIC optional column a file is landed, and the column is NULL; without another one the run stops.

# COMMAND ----------

#| export
NEWDOMAIN_FEED = Feed(
    name="newdomain",
    pattern=r"newdomain(_\d{8})?\.csv(\.gz)?",
    columns=("DML_IND", "NEWDOMAIN_ID", "NAME", "KIND", "START_DT", "END_DT", "CHANGED_DT"),
    optional=("DML_IND", "NAME", "CHANGED_DT"),
    system="payer",
)

FEEDS: tuple[Feed, ...] = (NEWDOMAIN_FEED,)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Silver and gold

# COMMAND ----------

#| export
NEWDOMAIN = contract(
    "silver_newdomain",
    grain="one row per id, as last changed",
    key="newdomain_id",
    columns="""
    newdomain_id  STRING  the id as sent
    name         STRING  the name as sent
    kind         STRING  person, organization, unknown
    start_date   DATE    first day
    end_date     DATE    last day; NULL while it lasts
    changed_on   DATE    when the row was changed, as sent
    data_source  STRING  name of the sender
    """,
)

NEWDOMAIN_KINDS = contract(
    "gold_newdomain_kinds",
    grain="one row per kind",
    key="kind",
    columns="""
    kind         STRING  person, organization, unknown
    ids          BIGINT  how many of the kind there are
    open_ids     BIGINT  those of them that have not ended
    first_start  DATE    the earliest first day
    """,
    audit=False,
)

CONTRACTS: tuple[Contract, ...] = (NEWDOMAIN, NEWDOMAIN_KINDS)

# COMMAND ----------

{contract.name: contract.grain for contract in CONTRACTS}
