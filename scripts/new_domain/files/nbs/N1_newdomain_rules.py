# Databricks notebook source
# MAGIC %md
# MAGIC # Newdomain: rules
# MAGIC
# MAGIC > What must hold. To change a rule, change its line here.

# COMMAND ----------

#| default_exp domains.newdomain.rules

# COMMAND ----------

#| export
from data_ops.domains.newdomain.schemas import NEWDOMAIN, NEWDOMAIN_KINDS
from data_ops.operations.quality import Rule, key_unique, on, row_rule

# COMMAND ----------

# MAGIC %md
# MAGIC A row is set aside only if it cannot be placed: without an id, or with an end before its start. What somebody should look at
# MAGIC warns. A run fails only on what this code itself guarantees.

# COMMAND ----------

#| export
_SILVER = on(
    "silver_newdomain",
    row_rule("id_present", "quarantine", "newdomain_id IS NOT NULL", "a row of nobody"),
    row_rule("start_present", "quarantine", "start_date IS NOT NULL", "an undated row has no place in time"),
    row_rule("start_before_end", "quarantine", "end_date IS NULL OR start_date <= end_date", "it cannot end before it began"),
    row_rule("kind_known", "warn", "kind <> 'unknown'", "a code that is not in the list"),
    key_unique(NEWDOMAIN),
)

_GOLD = on("gold_newdomain_kinds", key_unique(NEWDOMAIN_KINDS))

RULES: tuple[Rule, ...] = _SILVER + _GOLD

# COMMAND ----------

[(rule.table, rule.name, rule.severity) for rule in RULES]
