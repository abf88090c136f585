"""A notebook's cells as a page: what is shown, what is not, and how."""

import base64

import pytest
from docs_site.names import make_names
from docs_site.notebooks import Notebook, render, symbols, tidy, type_code

NAMES = make_names(
    [("data_ops.x.Rule", "/other.md#Rule")], (), {"silver_people": "/d/silver_people.md"}
)
TITLE = {"cell_type": "markdown", "source": "# People\n\n> What people are.\n\n- key: value\n"}
MODULE = {"cell_type": "code", "source": "#| default_exp people", "outputs": []}
PICTURE = {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"png").decode()}}


def text(value: str, kind: str = "text/plain") -> dict:
    return {"output_type": "execute_result", "data": {"text/plain": "?"} | {kind: value}}


def page(*cells: dict | str, outputs: list | None = None) -> str:
    """A page whose cells follow title and module; a string is a code cell with the outputs."""
    made = [
        (
            {"cell_type": "code", "source": cell, "outputs": outputs or []}
            if isinstance(cell, str)
            else cell
        )
        for cell in cells
    ]
    notebook = Notebook("nbs/10_people.ipynb", "/library/10_people.md", (TITLE, MODULE, *made))
    return render(notebook, NAMES, lambda source: source)[0]


def note(source: str) -> dict:
    return {"cell_type": "markdown", "source": source}


def test_the_title_is_followed_by_what_the_page_is_made_from():
    made = page()
    assert made.startswith("# People\n\n> What people are.\n")
    assert "data&#95;ops.people" in made and "10&#95;people.ipynb" in made
    assert "key: value" not in made and "default_exp" not in made


@pytest.mark.parametrize(
    ("cell", "shown", "hidden"),
    [
        ("x = 1\nx", ["x = 1", "told"], []),
        ("#| hide\nx = 1", [], ["x = 1", "told"]),
        ("#| include: false\nx = 1", [], ["x = 1", "told"]),
        ("#| echo: false\nx = 1", ["told"], ["x = 1"]),
        ("#| output: false\nx = 1", ["x = 1"], ["told"]),
        ("#| eval: false\nx = 1", ["x = 1", "told"], ["eval"]),
        ("#| code-fold: true\n#| code-summary: Look\nx = 1", ['??? quote "Look"', "x = 1"], []),
        ("%matplotlib inline", [], ["matplotlib"]),
        ("#| export\nimport os", [], ["import os"]),
    ],
)
def test_directives_decide_what_a_reader_sees(cell, shown, hidden):
    made = page(cell, outputs=[text("told")])
    assert [part for part in shown if part not in made] == []
    assert [part for part in hidden if part in made] == []


def test_a_definition_has_signature_meaning_table_and_source_on_a_click():
    made = page(
        "#| export\ndef f(\n    a: Rule,  # the one\n) -> int:\n    'Does `it`.'\n    return 1"
    )
    assert "## <code>f</code> { #f .api }" in made
    assert "f(a: Rule) -> int" in made and "Does `it`." in made
    assert "| Parameter | Type | Default | Meaning |" in made
    assert "| <code>a</code> | <code>[Rule](/other.md#Rule)</code> |  | the one |" in made
    assert "| returns | <code>int</code> |" in made
    assert '??? quote "Source"' in made and "    return 1" in made


def test_a_parameter_called_like_a_table_leads_to_it():
    made = page("#| export\ndef f(silver_people: DataFrame): ...")
    assert "[the table](/d/silver_people.md)" in made


def test_headings_of_definitions_are_one_below_the_text_s():
    made = page("#| export\nclass A: ...", note("## Part"), "#| export\ndef f(): ...")
    assert "\n## <code>A</code>" in made and "\n### <code>f</code>" in made


def test_a_constant_is_shown_as_code_and_can_be_linked_to():
    made = page('#| export\nRULES = ("a",)\n_PRIVATE = 1')
    assert '<a id="RULES"></a>' in made and 'RULES = ("a",)' in made and "_PRIVATE" in made
    assert '<a id="_PRIVATE">' not in made and "Source" not in made


def test_outputs_are_tables_pictures_and_text():
    outputs = [
        text("<table><tr><td>1</td></tr></table>", "text/html"),
        text("**b**", "text/markdown"),
    ]
    made = page(
        "x", outputs=[*outputs, {"output_type": "stream", "text": "\x1b[31mred\x1b[0m  \n"}]
    )
    assert '<div class="output"><table><tr><td>1</td></tr></table></div>' in made
    assert "**b**" in made and "``` { .text .output }".replace(" {", "{") in made
    assert "\nred\n```" in made and "?" not in made.split("output")[1]


def test_an_error_is_shown_without_its_traceback():
    error = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["deep"]}
    assert "E: no" in page("x", outputs=[error]) and "deep" not in page("x", outputs=[error])


@pytest.mark.parametrize(
    ("cell", "alt"), [("plot()", "Chart: Part"), ("#| fig-alt: A line\nplot()", "A line")]
)
def test_a_picture_has_a_text_for_those_who_do_not_see_it(cell, alt):
    cells = (TITLE, note("## Part"), {"cell_type": "code", "source": cell, "outputs": [PICTURE]})
    made, pictures = render(Notebook("nbs/10_p.ipynb", "/l/10_p.md", cells), NAMES, lambda s: s)
    assert f"![{alt}](10_p_1.png)" in made and pictures == {"10_p_1.png": b"png"}


def test_a_notebooks_names_and_what_it_imports_are_known():
    code = "from a.b import C as D\nLIMIT = 1\nclass A:\n    def m(self): ...\ndef _p(): ..."
    cell = f"#| export\n{code}"
    made = Notebook("f", "/p.md", (TITLE, MODULE, {"cell_type": "code", "source": cell}))
    assert dict(symbols(made)) == {
        "data_ops.people.A": "/p.md#A",
        "data_ops.people.A.m": "/p.md#A.m",
        "data_ops.people.LIMIT": "/p.md#LIMIT",
    }
    assert made.imports == {"D": "a.b.C"} and made.module == "data_ops.people"


def test_a_type_keeps_its_text():
    made = type_code('dict[str, "Rule"] | None', NAMES, "/p.md")
    assert "[Rule](/other.md#Rule)" in made and made.endswith("None</code>")


def test_html_loses_its_own_style():
    html = '<div>\n<style scoped>a {}\n</style>\n<table border="1" class="dataframe">\n<th></th>'
    assert tidy(html) == "<div><table><td></td>"
