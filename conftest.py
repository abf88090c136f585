"""One process, one lakehouse, one Spark session for all tests and notebooks.

Nothing of the developer's own is read: neither variables nor .env nor tables.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from data_ops.config import Settings
from tests import jvm

pytest_plugins = ["tests.notebooks"]

# Registered before any server, so that it runs after the server is gone.
_SCRATCH = Path(tempfile.mkdtemp(prefix="data-ops-tests-"))
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)

# The few tests of classic Spark take its plans as they come.
_CLASSIC = os.environ.get("DATA_OPS_SPARK_MODE") == "classic"
_JAVA = jvm.COMPILES_FAST if _CLASSIC else jvm.LONG_LIVED

_OTHERS = ("SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION", *map(str.upper, Settings.model_fields))
for name in _OTHERS:
    os.environ.pop(name, None)
os.environ |= {
    "DATA_OPS_ROOT": str(_SCRATCH / "lakehouse"),
    "DATA_OPS_ENV_FILE": os.devnull,  # no .env but a test's own
    "PYSPARK_PYTHON": sys.executable,  # classic Spark's workers: not the first python3 on PATH
    "DATA_OPS_JAVA_OPTIONS": _JAVA,
    "DATA_OPS_CORES": "1",  # what is small is only split, and put together again, for more
    "IPYTHONDIR": str(_SCRATCH / "ipython"),
}


@pytest.fixture(scope="session")
def spark():
    """The session that notebooks get, too; its server goes with this process."""
    from data_ops.utils.spark import get_session

    session = get_session()
    yield session
    session.stop()
