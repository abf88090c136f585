"""Claims, silver: every version of a claim, with a quarantine beside each table."""

from data_ops.pipelines import pipeline

claims = pipeline("claims")

claims.silver("silver_medical")
claims.silver("silver_professional")
claims.silver("silver_pharmacy")
