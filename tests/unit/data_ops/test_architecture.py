"""The sentences of docs/architecture.md, held."""

import ast
import json
import re
import subprocess
from importlib.util import resolve_name
from pathlib import Path

import pytest

from data_ops.domains.member.rules import RULES

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "data_ops"
NOTEBOOKS = sorted(ROOT.glob("nbs/[0-9]*.ipynb"))
MODULES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("_modidx.py", "__init__.py")
}
SESSIONS = ("utils/spark.py", "utils/local_server.py")
DOMAINS = sorted(path.name for path in (PACKAGE / "domains").iterdir() if path.is_dir())
PURE = ("domains/", "operations/transformers.py", "operations/accounts.py")
MOST_LINES, MOST_CELLS = 250, 60


def cells(path: Path) -> list[str]:
    """Sources of the code cells."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def exported(path: Path) -> str:
    """What nbdev takes into the module."""
    return "\n".join(cell for cell in cells(path) if re.search(r"^#\|\s*exports?\b", cell, re.M))


def module_of(path: Path) -> str | None:
    """The module that the notebook exports to."""
    found = re.search(r"^#\|\s*default_exp\s+(\S+)", "\n".join(cells(path)), re.M)
    return f"data_ops.{found[1]}" if found else None


def imports(code: str, module: str = "") -> set[str]:
    """What `module` imports, in full names; `from a import b` is both a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            package = f"data_ops.{module}".removesuffix(".py").replace("/", ".").rpartition(".")[0]
            source = resolve_name(name, package)
            found |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def names_in(code: str) -> set[str]:
    """Every name and attribute that the code uses or imports."""
    nodes = list(ast.walk(ast.parse(code)))
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return found | {node.name for node in nodes if isinstance(node, ast.alias)}


CLOCK = {"now", "today", "utcnow", "curdate", "current_date", "current_timestamp", "localtimestamp"}
CLOCK_IN_SQL = re.compile(r"\b(current_date|current_timestamp|(?:now|today|curdate)\s*\()", re.I)
ASKS = {
    *("schema", "collect", "toPandas", "toLocalIterator", "isEmpty", "show", "take", "foreach"),
    *("createOrReplaceTempView", "createTempView", "persist", "cache", "checkpoint"),
}


def impurities(code: str) -> set[str]:
    """What a pipeline's dataset function must not do: ask Spark, set something, read the clock."""
    tree = ast.parse(code)
    contracts = {
        node.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.arg)
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id in ("Contract", "Feed")
    }
    found = names_in(code) & (CLOCK | ASKS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(CLOCK_IN_SQL.findall(node.value))
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="columns") if (
                name in contracts or name.isupper()
            ):
                pass
            case ast.Attribute(attr="columns"):
                found.add("columns")
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Attribute(attr="groupBy")), attr="count")
            ):
                pass
            case ast.Call(func=ast.Attribute(attr="count"), args=[]):
                found.add("count")
            case ast.Attribute(value=ast.Attribute(attr="conf"), attr="set"):
                found.add("conf.set")
    return found


# Imports


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_only_from_lower_numbers(notebook):
    number = {module_of(path): path.name[:2] for path in NOTEBOOKS if module_of(path)}
    taken = imports("\n".join(cells(notebook)) if not module_of(notebook) else exported(notebook))
    assert [name for name in taken if number.get(name, "") >= notebook.name[:2]] == []


def test_no_two_notebooks_have_a_number_or_a_module_in_common():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    modules = [module_of(path) for path in NOTEBOOKS if module_of(path)]
    assert len(set(numbers)) == len(numbers) and len(set(modules)) == len(modules)
    written = {name.removesuffix(".py").replace("/", ".") for name in MODULES}
    assert {f"data_ops.{name}" for name in written} == set(modules)


@pytest.mark.parametrize("layer", ["utils/", "operations/", "delta/"])
def test_the_library_imports_no_domain(layer):
    taken = {n for m, code in MODULES.items() if m.startswith(layer) for n in imports(code, m)}
    assert "data_ops.utils.errors" in taken
    assert not [name for name in taken if name.startswith("data_ops.domains")]


def test_operations_never_name_a_domain():
    word = re.compile(rf"(?<![a-z])({'|'.join(DOMAINS)})(?![a-z])", re.I)
    operations = {name: code for name, code in MODULES.items() if name.startswith("operations/")}
    assert operations and not [name for name, code in operations.items() if word.search(code)]


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_imports_nothing_of_another(domain):
    ours = [(m, code) for m, code in MODULES.items() if m.startswith(f"domains/{domain}/")]
    taken = {name for module, code in ours for name in imports(code, module)}
    others = tuple(f"data_ops.domains.{other}" for other in DOMAINS if other != domain)
    assert ours and not [name for name in taken if name.startswith(others)]


@pytest.mark.parametrize("code", ["from ..claims import x", "from data_ops.domains import claims"])
def test_an_import_of_another_domain_is_noticed_however_it_is_written(code):
    assert "data_ops.domains.claims" in imports(code, "domains/member/gold.py")


# Spark


def test_only_the_spark_modules_build_sessions_and_know_the_jvm():
    forbidden = {"builder", "getOrCreate", "DatabricksSession", "sparkContext", "SparkContext"}
    forbidden |= {"_jvm", "_jsc", "_jdf", "rdd", "parallelize"}
    found = {name: names_in(code) & forbidden for name, code in MODULES.items()}
    assert tuple(sorted(name for name in found if found[name])) == tuple(sorted(SESSIONS))


def test_only_jobs_touches_dbutils():
    assert [name for name, code in MODULES.items() if "dbutils" in names_in(code)] == ["jobs.py"]


def test_domains_transformers_and_accounts_ask_spark_nothing_and_read_no_clock():
    found = {name: impurities(code) for name, code in MODULES.items() if name.startswith(PURE)}
    assert len(found) > 10 and {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("df.schema", {"schema"}),
        ("df.where('x').columns", {"columns"}),
        ("def f(df: DataFrame): return df.columns", {"columns"}),
        ("df.count()", {"count"}),
        ("df.select('x').distinct().count()", {"count"}),
        ("df.collect()[0]", {"collect"}),
        ("df.createOrReplaceTempView('x')", {"createOrReplaceTempView"}),
        ("spark.conf.set('a', 'b')", {"conf.set"}),
        ("datetime.now()", {"now"}),
        ("from pyspark.sql.functions import current_date", {"current_date"}),
        ("F.expr(f'{x} < current_date')", {"current_date"}),
        ("F.expr('datediff(now(), x)')", {"now("}),
        ("def f(feed: Feed): return feed.columns", set()),
        ("SILVER.columns", set()),
        ("F.count('*'); df.groupBy('x').count(); 'abc'.count('a')", set()),
        ("'known today, now and then'", set()),
    ],
)
def test_what_asks_spark_or_the_clock_is_noticed(code, told):
    assert impurities(code) == told


def test_no_rule_reads_the_clock():
    assert RULES and not [rule.name for rule in RULES if CLOCK_IN_SQL.search(rule.sql)]


# Size


def test_a_module_has_at_most_250_lines():
    lines = {name: len(code.splitlines()) for name, code in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_a_notebook_has_at_most_60_cells():
    found = {path.name: len(json.loads(path.read_text())["cells"]) for path in NOTEBOOKS}
    assert {name: count for name, count in found.items() if count > MOST_CELLS} == {}


# What lands

PLACE = re.compile(r"/(?:root|work|tmp)/[A-Za-z0-9._-]+|/(?:home|Users)/[a-z][a-z0-9_.-]*/")
REGISTRY = re.compile(
    r"//[^\s\"'/)]*(?:pypi|pythonhosted|artifactory|nexus|jfrog|npmjs|repo1?\.maven)|/[s]imple/",
    re.I,
)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("cd " + "/work" + "/main", PLACE),
        ("'" + "/home" + "/ada/x'", PLACE),
        ("/Users" + "/ada/x", PLACE),
        ("at https:/" + "/pypi.example.org/x", REGISTRY),
        ("at https:/" + "/host.example.org/api" + "/simple" + "/x", REGISTRY),
    ],
)
def test_a_machines_path_or_a_registrys_host_is_noticed(line, where):
    assert where.search(line)


def test_nothing_that_lands_names_a_machine_or_a_registry():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.splitlines() if not name.startswith("data/")]
    found = []
    for path in filter(Path.is_file, paths):
        text = path.read_bytes().decode("utf-8", "ignore")
        hits = PLACE.findall(text) + REGISTRY.findall(text)
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in hits]
    assert len(paths) > 100 and found == []
