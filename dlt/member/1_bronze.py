"""Members, bronze: streaming tables of the raw files; only new files are read."""

from data_ops.pipelines import pipeline

member = pipeline("member")

member.bronze("beneficiary")
member.bronze("beneficiary_history")
member.bronze("person_crosswalk")
