"""Databricks source files and notebooks: each shape of cell there and back, and what is refused."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from data_ops.cli import main
from data_ops.utils.errors import NotebookError
from data_ops.utils.notebook_source import to_ipynb, to_source, write_ipynb, write_source

ROOT = Path(__file__).resolve().parents[3]
OWN = sorted([*ROOT.glob("nbs/*.ipynb"), *ROOT.glob("notebooks_jobs/*/*.ipynb")])
CELL, NOTEBOOK = "application/vnd.databricks.v1+cell", "application/vnd.databricks.v1+notebook"
HEADER = "# Databricks notebook source\n"
BORDER = "\n\n# COMMAND ----------\n\n"


def said(notebook):
    """What must come back of a notebook: all but ids, outputs and counts."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def titled(title: str, shown: bool = True) -> dict:
    """Cell metadata of a title."""
    return {CELL: {"showTitle": shown, "title": title}}


def tagged(*tags: str) -> dict:
    """Cell metadata of tags."""
    return {"tags": list(tags)}


# Shapes of cell, each with what Databricks writes for it

SHAPES = {
    "python": (new_code_cell("x = 1\nprint(x)"), "x = 1\nprint(x)"),
    "empty": (new_code_cell(""), ""),
    "markdown": (
        new_markdown_cell("# Title\n\n- a\n- b"),
        "# MAGIC %md\n# MAGIC # Title\n# MAGIC\n# MAGIC - a\n# MAGIC - b",
    ),
    "empty markdown": (new_markdown_cell(""), "# MAGIC %md\n# MAGIC"),
    "sql": (
        new_code_cell("%sql\nSELECT 1 -- # one"),
        "# MAGIC %sql\n# MAGIC SELECT 1 -- # one",
    ),
    "sql on the magic's line": (new_code_cell("%sql SELECT 1"), "# MAGIC %sql SELECT 1"),
    "pip": (new_code_cell("%pip install x==1.0"), "# MAGIC %pip install x==1.0"),
    "run": (new_code_cell("%run ./setup $a=1"), "# MAGIC %run ./setup $a=1"),
    "sh": (new_code_cell("%sh\nls -l | wc"), "# MAGIC %sh\n# MAGIC ls -l | wc"),
    "scala": (new_code_cell("%scala\nval x = 1"), "# MAGIC %scala\n# MAGIC val x = 1"),
    "magic among python": (
        new_code_cell("%matplotlib inline\nimport os"),
        "# MAGIC %matplotlib inline\n# MAGIC import os",
    ),
    "magic after python": (
        new_code_cell("# first\n%timeit f()"),
        "# MAGIC # first\n# MAGIC %timeit f()",
    ),
    "shell escape": (new_code_cell("!ls"), "# MAGIC !ls"),
    "cell magic of Jupyter": (new_code_cell("%%time\nf()"), "# MAGIC %%time\n# MAGIC f()"),
    "percent in a text": (
        new_code_cell('q = """\n%sql is no magic here\n"""'),
        'q = """\n%sql is no magic here\n"""',
    ),
    "magic in a comment": (new_code_cell("# %pip install x"), "# %pip install x"),
    "title": (new_code_cell("x", metadata=titled("Load, then ≥ 1 row")), None),
    "hidden title": (new_code_cell("x", metadata=titled("quiet", False)), "# DBTITLE 0,quiet\nx"),
    "title on markdown": (
        new_markdown_cell("text", metadata=titled("Notes")),
        "# DBTITLE 1,Notes\n# MAGIC %md\n# MAGIC text",
    ),
    "parameters": (
        new_code_cell('env: str = "local"  # which', metadata=tagged("parameters")),
        '# DBTITLE 1,#parameters\nenv: str = "local"  # which',
    ),
    "title and tags": (
        new_code_cell("x", metadata=titled("Given", False) | tagged("parameters", "hide")),
        "# DBTITLE 0,Given #parameters #hide\nx",
    ),
    "raw": (
        new_raw_cell("---\na: 1\n---"),
        "# DBTITLE 1,#raw\n# MAGIC %md\n# MAGIC ---\n# MAGIC a: 1\n# MAGIC ---",
    ),
    "tagged raw": (new_raw_cell("x", metadata=tagged("latex")), None),
    "widgets": (
        new_code_cell('dbutils.widgets.text("env", "dev")\ndbutils.widgets.get("env")'),
        'dbutils.widgets.text("env", "dev")\ndbutils.widgets.get("env")',
    ),
    "directive of nbdev": (
        new_code_cell("#| export\ndef f(): ..."),
        "#| export\ndef f(): ...",
    ),
    "trailing blanks": (new_code_cell("x = 1  \n\ty"), "x = 1  \n\ty"),
    "trailing blanks in markdown": (
        new_markdown_cell("a  \n \nb"),
        "# MAGIC %md\n# MAGIC a  \n# MAGIC  \n# MAGIC b",
    ),
    "empty lines around": (new_code_cell("\n\nx\n\n"), "\n\nx\n\n"),
    "empty lines around markdown": (new_markdown_cell("\na\n"), None),
    "only empty lines": (new_code_cell("\n\n"), "\n\n"),
    "unicode": (new_code_cell('s = "żółć ≥ 名 🙂"'), 's = "żółć ≥ 名 🙂"'),
    "line separators of unicode": (new_code_cell('s = "a\u2028b\x0cc"'), 's = "a\u2028b\x0cc"'),
    "the border itself": (
        new_code_cell("a\n# COMMAND ----------\nb"),
        "# MAGIC a\n# MAGIC # COMMAND ----------\n# MAGIC b",
    ),
    "the mark itself": (
        new_code_cell("# MAGIC %md\n# MAGIC x"),
        "# MAGIC # MAGIC %md\n# MAGIC # MAGIC x",
    ),
    "a title line itself": (new_code_cell("# DBTITLE 1,no"), "# MAGIC # DBTITLE 1,no"),
    "the header itself": (new_code_cell(HEADER.strip()), HEADER.strip()),
    "an environment itself": (new_code_cell("# /// script\n# ///"), None),
    "marks in markdown": (
        new_markdown_cell("# COMMAND ----------\n# MAGIC %md"),
        "# MAGIC %md\n# MAGIC # COMMAND ----------\n# MAGIC # MAGIC %md",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("place", ["alone", "first", "between", "last"])
def test_every_shape_of_cell_comes_back_wherever_it_stands(name, place):
    cell, other = SHAPES[name][0], new_code_cell("other")
    cells = {"alone": [cell], "first": [cell, other], "last": [other, cell]}
    notebook = new_notebook(cells=cells.get(place, [other, cell, new_markdown_cell("x")]))
    source = to_source(notebook)
    assert said(to_ipynb(source)) == said(notebook)
    assert to_source(to_ipynb(source)) == source


@pytest.mark.parametrize("name", [name for name, (_, text) in SHAPES.items() if text is not None])
def test_every_shape_of_cell_is_written_as_databricks_writes_it(name):
    cell, text = SHAPES[name]
    notebook = new_notebook(cells=[new_code_cell("a"), cell, new_code_cell("b")])
    source = f"{HEADER}a{BORDER}{text}{BORDER}b\n"
    assert to_source(notebook) == source
    assert said(to_ipynb(source)) == said(notebook)


def test_all_shapes_together_come_back():
    notebook = new_notebook(cells=[cell for cell, _ in SHAPES.values()])
    assert said(to_ipynb(to_source(notebook))) == said(notebook)


# Files that others wrote

VARIANTS = {
    "no empty lines around borders": (
        HEADER + "a\n# COMMAND ----------\n# MAGIC %md\n# MAGIC b\n# COMMAND ----------\nc",
        [("code", "a"), ("markdown", "b"), ("code", "c")],
    ),
    "text on the line of %md": (
        HEADER + "# MAGIC %md ## Title\n# MAGIC more\n",
        [("markdown", "## Title\nmore")],
    ),
    "blanks after %md and in empty lines": (
        HEADER + "# MAGIC %md \n# MAGIC a\n# MAGIC \n# MAGIC b\n",
        [("markdown", "a\n\nb")],
    ),
    "empty lines before the first cell": (
        HEADER + "\n\n# DBTITLE 1,#parameters\nx = 1\n",
        [("code", "x = 1")],
    ),
    "an empty line within the marks": (
        HEADER + "# MAGIC\n# MAGIC %md\n# MAGIC a\n\n",
        [("markdown", "a")],
    ),
    "lines of Windows": (
        (HEADER + "a\nb" + BORDER + "# MAGIC %md\n# MAGIC c\n").replace("\n", "\r\n"),
        [("code", "a\nb"), ("markdown", "c")],
    ),
    "a byte order mark": ("\ufeff" + HEADER + "a\n", [("code", "a")]),
    "a sandbox": (HEADER + "# MAGIC %md-sandbox\n# MAGIC <p>", [("code", "%md-sandbox\n<p>")]),
    "no cell": (HEADER, []),
    "one empty cell": (HEADER + "\n", [("code", "")]),
    "a border at the end": (HEADER + "a\n\n# COMMAND ----------", [("code", "a"), ("code", "")]),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_the_form_are_read_and_written_in_one_way(name, tmp_path):
    text, cells = VARIANTS[name]
    (tmp_path / "x.py").write_bytes(text.encode())
    notebook = nbformat.read(write_ipynb(tmp_path / "x.py"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == cells
    assert said(to_ipynb(to_source(notebook))) == said(notebook)


ENVIRONMENT = """# /// script
# [tool.databricks.environment]
# environment_version = "4"
# dependencies = [
#   "--editable ../..",
#   "wheel \\"x\\"",
# ]
# ///
"""


def test_the_environment_of_serverless_comes_and_goes():
    source = HEADER + ENVIRONMENT + "a\n"
    notebook = to_ipynb(source)
    environment = notebook.metadata[NOTEBOOK]["environmentMetadata"]
    assert environment == {
        "base_environment": "",
        "dependencies": ["--editable ../..", 'wheel "x"'],
        "environment_version": "4",
    }
    assert [cell.source for cell in notebook.cells] == ["a"]
    again = to_ipynb(to_source(notebook))
    assert again.metadata == notebook.metadata
    assert said(again) == said(notebook)


def test_an_environment_that_is_no_toml_is_refused():
    with pytest.raises(NotebookError, match="not valid TOML"):
        to_ipynb(HEADER + "# /// script\n# [tool\n# ///\na\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a Databricks source file"),
        ("import os\n", "not a Databricks source file"),
        ("# Databricks notebook\n", "not a Databricks source file"),
        ("-- Databricks notebook source\nSELECT 1", "not a Python notebook"),
        ("// Databricks notebook source\n1", "not a Python notebook"),
    ],
)
def test_what_is_no_source_file_is_refused_saying_what_it_should_be(text, told):
    with pytest.raises(NotebookError, match=told) as caught:
        to_ipynb(text)
    assert HEADER.strip() in str(caught.value)


def test_what_a_source_file_cannot_hold_is_refused_with_its_cell():
    picture = new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": ""}})
    with pytest.raises(NotebookError, match="attached picture.*cell 2"):
        to_source(new_notebook(cells=[new_code_cell(""), picture]))
    with pytest.raises(NotebookError, match="blank.*cell 1"):
        to_source(new_notebook(cells=[new_code_cell("", metadata=tagged("a b"))]))


# Any cell

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
LINES = st.lists(
    st.one_of(
        TEXT,
        st.sampled_from(
            [
                *("", " ", "# COMMAND ----------", "# MAGIC", "# MAGIC %md", "# DBTITLE 1,x #y"),
                *("%sql", "%pip install x", "!ls", '"""', "# /// script", "# ///", HEADER.strip()),
            ]
        ),
    ),
    max_size=6,
).map("\n".join)
WORD = st.from_regex(r"[a-z][a-z_-]{0,8}", fullmatch=True)
TAGS = st.lists(WORD.filter(lambda tag: tag != "raw"), max_size=2, unique=True)
TITLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20)
TITLE = TITLE.filter(lambda title: not title.split(" ")[-1].startswith("#"))


@st.composite
def some_cell(draw):
    """A cell of any kind; a code cell that begins with %md would be Markdown to Databricks."""
    make = draw(st.sampled_from([new_code_cell, new_markdown_cell, new_raw_cell]))
    source, tags, title = draw(LINES), draw(TAGS), draw(TITLE)
    if make is new_code_cell and source.lstrip("\n").startswith("%md"):
        source = "x = 1"
    metadata = titled(title, draw(st.booleans())) if title else {}
    return make(source, metadata=metadata | (tagged(*tags) if tags else {}))


@given(st.lists(some_cell(), max_size=5))
def test_any_notebook_comes_back(cells):
    notebook = new_notebook(cells=cells)
    source = to_source(notebook)
    assert said(to_ipynb(source)) == said(notebook)
    assert to_source(to_ipynb(source)) == source
    nbformat.validate(to_ipynb(source))


@given(LINES)
def test_any_text_below_the_header_settles_after_one_turn(text):
    if "# ///" in text:
        return
    once = to_source(to_ipynb(HEADER + text))
    assert to_source(to_ipynb(once)) == once


# Our own notebooks


@pytest.mark.parametrize("path", OWN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_notebook_here_makes_the_way_there_and_back(path, tmp_path):
    before = nbformat.read(path, as_version=4)
    source = write_source(path, tmp_path)
    compile(source.read_text(encoding="utf-8"), source.name, "exec")
    after = nbformat.read(write_ipynb(source), as_version=4)
    assert said(after) == said(before)
    environment = before.metadata.get(NOTEBOOK, {}).get("environmentMetadata")
    assert after.metadata.get(NOTEBOOK, {}).get("environmentMetadata") == environment


@pytest.mark.parametrize("path", OWN[:3] + OWN[-3:], ids=lambda path: path.stem)
def test_a_notebook_that_comes_back_unchanged_is_the_same_file(path, tmp_path):
    source, there = write_source(path, tmp_path), tmp_path / "home" / path.name
    there.parent.mkdir()
    there.write_bytes(path.read_bytes())
    write_ipynb(source, there.parent, force=True)
    assert json.loads(there.read_bytes()) == json.loads(path.read_bytes())


def test_a_cell_that_changed_keeps_its_id_and_loses_its_outputs(tmp_path):
    told = [new_output("stream", text="old")]
    old = new_notebook(
        cells=[new_code_cell("a = 1", outputs=told), new_code_cell("b", outputs=told)]
    )
    nbformat.write(old, tmp_path / "x.ipynb")
    (tmp_path / "x.py").write_text(f"{HEADER}a = 1{BORDER}b + 1{BORDER}# DBTITLE 1,#hide\nc\n")
    new = nbformat.read(write_ipynb(tmp_path / "x.py", force=True), as_version=4)
    assert [cell.source for cell in new.cells] == ["a = 1", "b + 1", "c"]
    assert [bool(cell.outputs) for cell in new.cells] == [True, False, False]
    assert [cell.id for cell in new.cells[:2]] == [cell.id for cell in old.cells]
    assert new.cells[2].metadata.tags == ["hide"]


def test_what_the_source_says_of_tags_and_environment_wins_over_the_notebook_there(tmp_path):
    metadata = {NOTEBOOK: {"environmentMetadata": {"environment_version": "3"}, "language": "x"}}
    old = new_notebook(cells=[new_code_cell("a", metadata=tagged("old"))], metadata=metadata)
    nbformat.write(old, tmp_path / "x.ipynb")
    (tmp_path / "x.py").write_text(f"{HEADER}{ENVIRONMENT}a\n")
    new = nbformat.read(write_ipynb(tmp_path / "x.py", force=True), as_version=4)
    assert new.metadata[NOTEBOOK]["environmentMetadata"]["environment_version"] == "4"
    assert "tags" not in new.cells[0].metadata


# Files


def test_a_file_that_is_there_is_not_overwritten_unasked(tmp_path):
    (tmp_path / "x.py").write_text(f"{HEADER}a\n")
    target = write_ipynb(tmp_path / "x.py")
    before = target.read_bytes()
    (tmp_path / "x.py").write_text(f"{HEADER}b\n")
    with pytest.raises(NotebookError, match="there already.*--force"):
        write_ipynb(tmp_path / "x.py")
    assert target.read_bytes() == before
    assert write_ipynb(tmp_path / "x.py", force=True).read_bytes() != before
    with pytest.raises(NotebookError, match="there already.*--force"):
        write_source(target)


def test_the_same_source_gives_the_same_bytes_and_ids_of_their_own(tmp_path):
    (tmp_path / "x.py").write_text(f"{HEADER}a{BORDER}a{BORDER}b\n")
    first, second = (write_ipynb(tmp_path / "x.py", tmp_path / name) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert len({cell.id for cell in nbformat.read(first, as_version=4).cells}) == 3


@pytest.mark.parametrize("convert", [write_source, write_ipynb])
def test_a_file_that_is_not_there_is_told_by_name(convert, tmp_path):
    with pytest.raises(NotebookError, match=r"cannot be read: FileNotFoundError \(.*no\.py"):
        convert(tmp_path / "no.py")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', "# Databricks notebook source"])
def test_what_is_no_notebook_is_told_by_name(text, tmp_path):
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(NotebookError, match=r"not a notebook \(.*x\.ipynb"):
        write_source(tmp_path / "x.ipynb")


def test_an_error_within_a_file_names_the_file(tmp_path):
    (tmp_path / "x.py").write_text("import os\n")
    with pytest.raises(NotebookError, match=r"x\.py, line 1"):
        write_ipynb(tmp_path / "x.py")
    assert not (tmp_path / "x.ipynb").exists()


def test_a_notebook_of_another_language_is_refused_by_its_suffix(tmp_path):
    (tmp_path / "x.r").write_text(f"{HEADER}x <- 1\n")
    with pytest.raises(NotebookError, match=r"not a Python file \(.*x\.r\)"):
        write_ipynb(tmp_path / "x.r")


# The command line


@pytest.fixture
def data_ops(monkeypatch, capsys):
    """Call the command line; gives the exit status and what it printed."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["data-ops", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return call


def test_both_ways_on_the_command_line(data_ops, tmp_path):
    paths = [ROOT / "notebooks_jobs/member" / f"{name}.ipynb" for name in ("bronze", "gold")]
    status, told, _ = data_ops("notebook", "to-source", *paths, "--out", tmp_path)
    sources = [tmp_path / "bronze.py", tmp_path / "gold.py"]
    assert status == 0 and told.split() == [str(path) for path in sources]
    assert data_ops("notebook", "to-ipynb", *sources)[0] == 0
    for path in paths:
        back = nbformat.read(tmp_path / path.name, as_version=4)
        assert said(back) == said(nbformat.read(path, as_version=4))


def test_an_error_is_one_line_and_an_exit_status(data_ops, tmp_path):
    (tmp_path / "x.py").write_text("import os\n")
    status, told, error = data_ops("notebook", "to-ipynb", tmp_path / "x.py")
    assert (status, told) == (1, "")
    assert error.startswith("data-ops: not a Databricks source file") and error.count("\n") == 1


def test_force_overwrites(data_ops, tmp_path):
    (tmp_path / "x.py").write_text(f"{HEADER}a\n")
    (tmp_path / "x.ipynb").write_text(nbformat.writes(new_notebook()))
    assert data_ops("notebook", "to-ipynb", tmp_path / "x.py")[0] == 1
    assert data_ops("notebook", "to-ipynb", tmp_path / "x.py", "--force")[0] == 0
    assert nbformat.read(tmp_path / "x.ipynb", as_version=4).cells[0].source == "a"
