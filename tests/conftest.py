"""What unit tests share."""

from itertools import count

import pytest
from hypothesis import settings

# The same examples on every run: a test says the same tomorrow, and leaves no folder behind.
settings.register_profile("steady", derandomize=True, database=None, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def new_table(spark):
    """Calls give the name of a table that is not there yet, in a schema that is."""
    spark.sql("CREATE SCHEMA IF NOT EXISTS test_unit")
    numbers = count(1)
    return lambda: f"test_unit.table_{next(numbers)}"
