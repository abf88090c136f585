"""Newdomain, silver: the domain's functions and rules, with a quarantine beside it."""

from data_ops.pipelines import pipeline

newdomain = pipeline("newdomain")

newdomain.silver("silver_newdomain")
