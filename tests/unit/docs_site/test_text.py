"""What is no markup is shown as it is, wherever it stands."""

import re
from html import unescape

import pytest
from docs_site.text import blocks, cell, code, fold, four_spaces, link, plain, prose, table
from hypothesis import given
from hypothesis import strategies as st
from markdown import markdown

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=40)


def shown(source: str) -> str:
    """What a reader sees of Markdown."""
    html = markdown(source, extensions=["tables", "attr_list", "pymdownx.superfences"])
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


@given(TEXTS)
def test_plain_text_is_shown_as_it_is(text):
    assert shown(f"a {plain(text)} z") == " ".join(f"a {text} z".split())


@given(TEXTS)
def test_code_in_a_table_is_shown_as_it_is(text):
    source = table(("one", "two"), [(code(text), "z")])
    assert shown(source) == " ".join(f"one two {text} z".split())


@given(st.text(st.characters(blacklist_characters="`\n\r", max_codepoint=0x7F, min_codepoint=33)))
def test_prose_keeps_code_and_nothing_else(text):
    source = prose(f"a {text} `b_c*d*` z")
    assert shown(source) == f"a {text} b_c*d* z".replace("  ", " ")
    assert "<code>b_c*d*</code>" in markdown(source)


def test_paragraphs_of_prose_stay_apart():
    assert prose("one\n\ntwo") == "one\n\ntwo"


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ("1. a\n\n   b\n2. c", "1. a\n\n    b\n2. c"),
        (
            "- a\n\n  ```sh\n  b\n    c\n  ```\n\nd",
            "- a\n\n    ```sh\n    b\n      c\n    ```\n\nd",
        ),
        ("10. a\n\n    b", "10. a\n\n    b"),
        ("a\n\n  b", "a\n\n  b"),
        ("```\n- a\n  b\n```", "```\n- a\n  b\n```"),
        ("- a\n- b", "- a\n- b"),
    ],
)
def test_what_belongs_to_an_item_stands_four_spaces_in(sent, made):
    assert four_spaces(sent) == made + "\n"


def test_a_block_of_an_item_is_in_the_item():
    html = markdown(
        four_spaces("1. a\n\n   ```sh\n   b\n   ```\n\n2. c"), extensions=["pymdownx.superfences"]
    )
    assert html.count("<ol>") == 1 and "<pre>" in html and "```" not in html


def test_a_table_without_rows_is_nothing():
    assert table(("one",), []) == ""


def test_a_cell_is_one_line_in_which_a_bar_is_a_bar():
    assert cell("a |\n b \\| c") == "a \\| b \\| c"


def test_a_link_without_an_address_is_its_label():
    assert (link("x", ""), link("x", "/y.md")) == ("x", "[x](/y.md)")


def test_blocks_stand_apart_and_empty_ones_do_not():
    assert blocks("a\n", "", "\n", "b") == "a\n\nb"


@pytest.mark.parametrize("body", ["```python\nx = 1\n\ny = 2\n```", "one\n\ntwo"])
def test_a_fold_holds_what_it_is_given(body):
    html = markdown(fold("Title", body), extensions=["pymdownx.details", "pymdownx.superfences"])
    assert html.startswith("<details") and "<summary>Title</summary>" in html
    assert html.endswith("</details>") and html.count("<details") == 1
