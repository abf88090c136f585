"""Claims, bronze: streaming tables of the raw files; only new files are read."""

from data_ops.pipelines import pipeline

claims = pipeline("claims")

claims.bronze("inpatient")
claims.bronze("outpatient")
claims.bronze("snf")
claims.bronze("hha")
claims.bronze("hospice")
claims.bronze("carrier")
claims.bronze("dme")
claims.bronze("pde")
