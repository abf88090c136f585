"""What Spark is about to do."""

import io
from contextlib import redirect_stdout

from pyspark.sql import DataFrame


def physical_plan(df: DataFrame) -> str:
    """The physical plan, as it is explained."""
    with redirect_stdout(io.StringIO()) as told:
        df.explain()
    return told.getvalue()
