"""What a notebook declares and calls, read without running it."""

import json
from datetime import date

import pytest

from data_ops.utils.errors import ParameterError
from data_ops.utils.notebook_cells import cast, parse_notebook, read_notebook


def notebook(*cells: str, tagged: int = 0, whole: bool = False, indent: int = 1) -> str:
    """The text of a notebook; the cell that is tagged holds its parameters."""
    content = [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]} if nth == tagged else {},
            "source": source if whole else source.splitlines(keepends=True),
        }
        for nth, source in enumerate(cells)
    ]
    return json.dumps({"cells": content, "nbformat": 4}, ensure_ascii=False, indent=indent)


PARAMETERS = 'name: str = "ä"  # who\nfull: bool = False\nsize = 3\nlist_: list[str] = []'


@pytest.mark.parametrize("whole", [False, True], ids=["lines", "one text"])
def test_the_parameters_cell_gives_names_types_and_defaults(whole):
    found = parse_notebook(notebook(PARAMETERS, "x: int = 1", whole=whole)).parameters
    told = {name: (one.kind, one.default) for name, one in found.items()}
    assert told == {
        "name": ("str", "ä"),
        "full": ("bool", False),
        "size": ("", 3),
        "list_": ("list[str]", None),
    }


def test_lines_are_those_of_the_file():
    raw = notebook(
        "%pip install x\nimport os", PARAMETERS, 'jobs.build(globals(), "a", "b")', tagged=1
    )
    cells, lines = parse_notebook(raw), raw.splitlines()
    assert all(one.name in lines[one.line - 1] for one in cells.parameters.values())
    [call] = [call for call in cells.calls if call.function == "jobs.build"]
    assert call.texts == ("a", "b") and "jobs.build" in lines[call.line - 1]


def test_a_cell_that_is_no_python_is_told_if_it_holds_the_parameters():
    raw = notebook("name str", "SELECT 1")
    assert "name str" in raw.splitlines()[parse_notebook(raw).broken - 1]
    assert parse_notebook(notebook("a: int = 1", "SELECT 1")).broken == 0


def test_without_a_tag_there_are_no_parameters():
    assert parse_notebook(notebook("a: int = 1", tagged=9)).parameters is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 1}', "x"])
def test_what_is_no_notebook_is_none(tmp_path, text):
    (tmp_path / "x.ipynb").write_text(text)
    assert read_notebook(tmp_path / "x.ipynb") is None
    assert read_notebook(tmp_path / "y.ipynb") is None


@pytest.mark.parametrize(
    "value, kind, wanted",
    [
        (" Yes ", bool, True),
        ("", bool, False),
        (True, bool, True),
        ("7", int, 7),
        ("0.5", float, 0.5),
        ("2026-01-31", date, date(2026, 1, 31)),
        (7, str, "7"),
    ],
)
def test_texts_become_what_the_annotation_says(value, kind, wanted):
    assert cast("x", value, kind) == wanted


@pytest.mark.parametrize("value, kind", [("2", bool), ("x", int), (True, int), ("31.1.", date)])
def test_a_text_that_is_not_of_its_type_names_the_parameter(value, kind):
    with pytest.raises(ParameterError, match=f"parameter 'since' is not a {kind.__name__}"):
        cast("since", value, kind)
