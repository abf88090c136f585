"""The sentences of docs/architecture.md, held."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "data_ops"
NOTEBOOKS = sorted(ROOT.glob("nbs/[0-9]*.ipynb"))
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.name not in ("_modidx.py", "__init__.py")
)
SESSIONS = {"utils/spark.py", "utils/local_server.py"}
# Functions of the library that are there to ask Spark something.
ASKING = {"operations/readers.py", "operations/quality.py", "operations/bronze.py"}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind and source of each cell."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def exported(path: Path) -> str:
    sources = [source for kind, source in cells(path) if kind == "code"]
    return "\n".join(source for source in sources if re.match(r"#\|\s*export", source))


def module_of(path: Path) -> str | None:
    for _, source in cells(path):
        if found := re.match(r"#\|\s*default_exp\s+(\S+)", source):
            return f"data_ops.{found[1]}"
    return None


def imports(code: str) -> set[str]:
    """Modules of data_ops that the code imports; `from data_ops import x` is data_ops.x."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("data_ops"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("data_ops")}
    return found


def called(path: Path) -> set[str]:
    """Names of attributes and functions that a module uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_exports_only_what_lower_numbers_allow(notebook):
    number = {module_of(path): path.name[:2] for path in NOTEBOOKS if module_of(path)}
    higher = {
        module
        for module in imports(exported(notebook))
        if module in number and number[module] >= notebook.name[:2]
    }
    assert not higher


def test_a_module_has_at_most_250_lines_and_a_notebook_60_cells():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 250} == {}
    assert {path.name: len(cells(path)) for path in NOTEBOOKS if len(cells(path)) > 60} == {}


def test_only_the_spark_modules_build_sessions_and_know_the_jvm():
    forbidden = {"builder", "sparkContext", "SparkContext", "_jvm", "rdd"}
    others = [path for path in MODULES if name_of(path) not in SESSIONS]
    assert {
        name_of(path): called(path) & forbidden for path in others if called(path) & forbidden
    } == {}


def test_only_jobs_touches_dbutils():
    touching = [name_of(path) for path in MODULES if "dbutils" in called(path)]
    assert touching == ["jobs.py"]


def test_operations_never_name_a_domain():
    for path in MODULES:
        if name_of(path).startswith(("operations/", "delta/", "utils/")):
            assert not re.search(
                r"\bdomains?\.(member|claims)\b", path.read_text(encoding="utf-8")
            ), path


def test_domains_never_import_each_other():
    domains = [path.name for path in (PACKAGE / "domains").iterdir() if path.is_dir()]
    for path in (PACKAGE / "domains").rglob("*.py"):
        others = {name for name in domains if name != path.parent.name}
        code = path.read_text(encoding="utf-8")
        assert not [
            name for name in others if re.search(rf"domains?\.{name}\b|\.\.{name}\b", code)
        ], path


def test_domain_and_account_functions_ask_spark_nothing_and_read_no_clock():
    forbidden = {
        *("schema", "columns", "count_rows", "collect", "toPandas", "first_row", "isEmpty", "show"),
        *("createOrReplaceTempView", "createTempView", "conf", "cache", "persist", "checkpoint"),
        *("now", "today", "current_date", "current_timestamp", "utcnow"),
    }
    pure = [
        path
        for path in MODULES
        if name_of(path).startswith(("domains/", "operations/"))
        and name_of(path) not in ASKING
        and name_of(path) not in ("operations/contracts.py", "operations/landing.py")
        and not name_of(path).endswith(("writers.py", "schemas.py", "feeds.py"))
    ]
    # `feed.columns` and `contract.columns` are the contract's own, not a frame's.
    found = {name_of(path): called(path) & forbidden - {"columns"} for path in pure}
    assert {name: names for name, names in found.items() if names} == {}
    for path in pure:
        frames = re.findall(
            r"\b(df|rows|bronze\w*|silver\w*|account|spans|years)\.(?:columns|count\(\))",
            path.read_text(),
        )
        assert not frames, path


def test_rules_read_no_clock():
    from data_ops.domains.member.rules import RULES

    for rule in RULES:
        assert not re.search(r"current_date|current_timestamp|now\(\)", rule.sql, re.I), rule.name


def test_nothing_that_lands_names_a_machine_or_a_registry():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    place = re.compile(r"/(?:root|work|tmp)/[A-Za-z0-9._-]+|/home/[a-z][a-z0-9_-]+/")
    registry = re.compile(
        r"https?://[^\s\"')]*(?:pypi|artifactory|nexus|/simple/|repo1?\.maven)", re.I
    )
    found = []
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if path.suffix not in (".gz", ".parquet", ".png", "") and path.is_file():
            text = path.read_text(encoding="utf-8")
            if name.startswith("tests/unit/data_ops/test_"):
                continue  # they speak of such paths to test their absence
            found += [f"{name}: {hit}" for hit in place.findall(text) + registry.findall(text)]
    assert not found
