"""Members, gold: what analysts read."""

from data_ops.pipelines import pipeline

member = pipeline("member")

member.gold("gold_member_current")
member.gold("gold_member_months")
member.gold("gold_coverage_gaps")
