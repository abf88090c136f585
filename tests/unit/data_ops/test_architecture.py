"""The sentences of docs/architecture.md, held: read from the syntax, not from the text."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "data_ops"
NOTEBOOKS = sorted(ROOT.glob("nbs/[0-9]*.ipynb"))
MODULES = {
    path.relative_to(PACKAGE).as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("_modidx.py", "__init__.py")
}


# Reading


@cache
def cells(notebook: Path) -> list[tuple[str, str]]:
    """(kind, source) of each cell."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]


def code(notebook: Path, exported: bool = False) -> list[str]:
    """Sources of the code cells, without magics; `exported`: of those that become the module."""
    sources = [source for kind, source in cells(notebook) if kind == "code"]
    chosen = [s for s in sources if re.match(r"#\|\s*exports?\b", s) or not exported]
    return [re.sub(r"(?m)^\s*[%!].*$", "", source) for source in chosen]


def module_of(notebook: Path) -> str | None:
    """The module that the notebook exports; None if it exports none."""
    found = re.search(r"(?m)^#\|\s*default_exp\s+(\S+)", "\n".join(code(notebook)))
    return f"data_ops.{found[1]}" if found else None


def imported(tree: ast.AST, package: str = "data_ops") -> set[str]:
    """What a piece of code imports from the project, by full name; `package`: where it stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            parts = [*(above if node.level else []), *([node.module] if node.module else [])]
            found |= {".".join([*parts, alias.name]) for alias in node.names}
            found.add(".".join(parts))
    return {name for name in found if name.startswith("data_ops")}


@cache
def syntax(module: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def package_of(module: str) -> str:
    """`operations/quality.py` stands in data_ops.operations."""
    return ".".join(["data_ops", *Path(module).parent.parts])


def words(tree: ast.AST) -> set[str]:
    """Every name and attribute that the code uses."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def texts(tree: ast.AST) -> list[str]:
    """Every text constant: SQL among them."""
    nodes = ast.walk(tree)
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


# A number is always an order


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_only_from_lower_numbers(notebook):
    number = {module_of(path): path.name[:2] for path in NOTEBOOKS}
    used = set().union(*(imported(ast.parse(source)) for source in code(notebook)))
    own = module_of(notebook)
    late = {name for name in used & set(number) - {own} if number[name] >= notebook.name[:2]}
    assert late == set()


def test_numbers_and_modules_are_given_once():
    modules = [module_of(notebook) for notebook in NOTEBOOKS if module_of(notebook)]
    numbers = [notebook.name[:2] for notebook in NOTEBOOKS]
    assert len(set(modules)) == len(modules) and len(set(numbers)) == len(numbers)


def test_every_module_comes_from_a_notebook():
    made = {f"{module_of(path)}".removeprefix("data_ops.") for path in NOTEBOOKS}
    assert {name.removesuffix(".py").replace("/", ".") for name in MODULES} <= made


# Small enough to read


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_at_most_60_cells_and_250_exported_lines(notebook):
    lines = [line for source in code(notebook, exported=True) for line in source.splitlines()]
    assert len(cells(notebook)) <= 60
    assert sum(not line.startswith("#|") for line in lines) <= 250


# Who may do what

SESSION = {"builder", "getOrCreate", "DatabricksSession", "getActiveSession"}
JVM = {"rdd", "_jvm", "_jsc", "_jdf", "sparkContext", "SparkContext", "RDD"}
# The one module that builds sessions, and the one that is the body of the local server's process.
SPARK = {"utils/spark.py", "utils/local_server.py"}


@pytest.mark.parametrize("module", [name for name in MODULES if name not in SPARK])
def test_only_the_spark_modules_build_sessions_and_know_the_jvm(module):
    assert words(syntax(module)) & (SESSION | JVM) == set()


def test_only_spark_itself_builds_a_session():
    assert words(syntax("utils/spark.py")) & SESSION
    assert words(syntax("utils/local_server.py")) & SESSION == set()


def test_only_jobs_touches_dbutils():
    touching = [
        module
        for module in MODULES
        if "dbutils" in words(syntax(module)) | set(texts(syntax(module)))
    ]
    assert touching == ["jobs.py"]


@pytest.mark.parametrize("module", MODULES)
def test_the_package_does_not_need_the_tools_that_made_it(module):
    tree = syntax(module)
    found = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    assert found & {"nbdev", "fastcore", "execnb"} == set()


# Data flows one way

DOMAINS = sorted(path.parent.name for path in PACKAGE.glob("domains/*/__init__.py"))


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name.startswith(("operations/", "delta/", "utils/"))]
)
def test_operations_never_name_a_domain(module):
    tree = syntax(module)
    assert not [name for name in imported(tree, package_of(module)) if "domains" in name]
    assert words(tree) & set(DOMAINS) == set()
    assert [text for text in texts(tree) if text in DOMAINS] == []


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("domains/")])
def test_domains_never_import_each_other(module):
    own = module.split("/")[1]
    others = [f"data_ops.domains.{name}" for name in DOMAINS if name != own]
    used = imported(syntax(module), package_of(module))
    assert not [name for name in used if name.startswith(tuple(others))]


# Pure functions, which a pipeline may call

ACTIONS = set(
    "count first head tail take collect toPandas toLocalIterator isEmpty show foreach".split()
)
KEEPING = set("cache persist checkpoint localCheckpoint createOrReplaceTempView".split())
KEEPING |= set("createTempView createGlobalTempView createOrReplaceGlobalTempView".split())
LOOKING = {"schema", "columns", "dtypes", "printSchema"}
CLOCK = set("now today utcnow current_date current_timestamp curdate localtimestamp".split())

NOT_PURE = {
    "operations/readers.py": "asks for the schema so that a missing path is told at once",
    "operations/landing.py": "looks at files before Spark does",
    "operations/writers.py": "writes",
}
PURE = [
    name
    for name in MODULES
    if name.startswith(("domains/", "operations/")) and name not in NOT_PURE
]
# It judges tables that are written, after the functions of a pipeline have run.
MAY_ASK = {"operations/quality.py": {"count_failing"}}


def of_a_contract(node: ast.expr) -> bool:
    """Is this a contract or a feed, whose columns are known, and not a frame?"""
    if isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    known = ("contract", "bronze_contract", "quarantine_of", "feed", "table", "self")
    return name in known or name.isupper()


def impure(tree: ast.AST) -> Iterator[str]:
    """What no function of a pipeline may do, with its line."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [node.func for node in calls]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in called:
            if node.attr in LOOKING and not of_a_contract(node.value):
                yield f"{node.lineno}: .{node.attr}"
            if node.attr == "conf":
                yield f"{node.lineno}: .conf"
    for call in calls:
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") != "F":
            of_text = call.func.attr == "count" and call.args  # "a/b".count("/")
            if call.func.attr in ACTIONS | KEEPING and not of_text:
                yield f"{call.lineno}: .{call.func.attr}()"


def test_the_check_finds_what_is_forbidden_and_nothing_else():
    bad = """
df.columns; rows.schema; df.count(); df.first().x; x.select(1).collect()
spark.conf.set("a", 1); df.createOrReplaceTempView("t"); df.persist()"""
    good = """
F.count("x"); F.first("x"); feed.columns; table.contract.columns; DEMOGRAPHICS.columns
bronze_contract(feed).columns; self.columns; df.select("count")
"a/b".count("/"); file.columns("|")"""
    assert len(list(impure(ast.parse(bad)))) == 8 and not list(impure(ast.parse(good)))


@pytest.mark.parametrize("module", PURE)
def test_domains_and_operations_run_no_action_look_at_no_frame_and_change_no_session(module):
    exempt = MAY_ASK.get(module, set())
    parts = [part for part in syntax(module).body if getattr(part, "name", "") not in exempt]
    assert [found for part in parts for found in impure(part)] == []


@pytest.mark.parametrize("module", PURE)
def test_no_transformation_reads_the_clock(module):
    tree = syntax(module)
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert {getattr(f, "attr", getattr(f, "id", "")) for f in called} & CLOCK == set()
    asks = re.compile(rf"(?i)\b(?:{'|'.join(CLOCK)})\s*\(|\bcurrent_(?:date|timestamp)\b")
    assert [text for text in texts(tree) if asks.search(text)] == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_rule_reads_the_clock(domain):
    if f"domains/{domain}/rules.py" not in MODULES:
        pytest.skip("no rules yet")
    rules = import_module(f"data_ops.domains.{domain}.rules").RULES
    clock = re.compile(r"(?i)current_date|current_timestamp|\bnow\s*\(|curdate|unix_timestamp\(\)")
    assert rules and [rule.name for rule in rules if clock.search(rule.sql)] == []


# Nothing of a machine

PLACE = re.compile(r"(?<![\w.}/])/(?:root|work)/|(?<![\w.}/])/(?:home|tmp)/\w")
REGISTRY = re.compile(
    r"(?i)\b(?:pypi\.org|pythonhosted\.org|repo1?\.maven\.(?:org|apache\.org)|registry\.npmjs\.org"
    r"|conda\.anaconda\.org|proxy\.golang\.org)|\b(?:artifactory|nexus|jfrog)\b|/simple/"
)
# Tests name such paths in order to look for them; other suffixes are no text.
LANDS = set("nbs data_ops notebooks_jobs dlt configs resources docs scripts bench .github".split())


def landing() -> list[Path]:
    """Text files that git has or would take, of the folders above and of the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [Path(name) for name in listed.stdout.splitlines()]
    text = [path for path in paths if path.suffix != ".png"]
    chosen = [path for path in text if len(path.parts) == 1 or path.parts[0] in LANDS]
    return [ROOT / path for path in chosen if (ROOT / path).is_file()]


def test_nothing_that_lands_names_a_machine_or_a_registry():
    texts = {path: path.read_text(encoding="utf-8") for path in landing()}
    hits = {path: PLACE.findall(text) + REGISTRY.findall(text) for path, text in texts.items()}
    assert {path.name: found for path, found in hits.items() if found} == {}
    assert len(texts) > 50


def test_the_check_knows_a_machine_and_a_registry_when_it_sees_one():
    assert all(map(PLACE.search, ["see /root/x", '"/work/main"', "'/home/ada/x'", "`/tmp/x`"]))
    fine = ["/Workspace/root/", "${workspace.root_path}/work/x", "a/tmp/x", "/Volumes/x"]
    assert not any(map(PLACE.search, fine))
    assert REGISTRY.search("https://pypi.org/simple/x") and not REGISTRY.search("simple / clear")


def test_the_walkthrough_shows_a_first_run():
    """In a second one its files are duplicates and its tables up to date."""
    notebook = json.loads((ROOT / "nbs/90_walkthrough.ipynb").read_text(encoding="utf-8"))
    landed = next(cell for cell in notebook["cells"] if "land(" in "".join(cell["source"]))
    assert "('bronze_beneficiary', 'written', " in json.dumps(landed["outputs"])
