"""Claims, gold: spend and care."""

from data_ops.pipelines import pipeline

claims = pipeline("claims")

claims.gold("gold_claims_all")
claims.gold("gold_pmpm")
claims.gold("gold_encounters")
claims.gold("gold_utilization_per_1000")
claims.gold("gold_readmissions")
claims.gold("gold_high_cost_members")
claims.gold("gold_pdc_adherence")
claims.gold("gold_lag_triangle")
