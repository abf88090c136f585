"""Members, silver: the domain's functions and rules, with a quarantine beside each table."""

from data_ops.pipelines import pipeline

member = pipeline("member")

member.silver("silver_person_crosswalk")
member.silver("silver_demographics")
member.silver("silver_enrollment")
member.silver("silver_eligibility")
member.silver("silver_member_status")
