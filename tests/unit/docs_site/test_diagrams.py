"""Diagrams say what they are given, and have a title for those who do not see them."""

import logging

from docs_site.diagrams import Node, figure, flowchart, relative_clicks

NODES = {
    "a": Node("bronze_a", "bronze", "/d/a.md"),
    "b": Node('say "b"', "silver"),
    "c": Node("c"),
}


def test_a_flowchart_has_title_nodes_edges_styles_and_links():
    lines = flowchart("From a to c", NODES, [("a", "b"), ("b", "c")], centre="b").splitlines()
    assert lines[:3] == ["```mermaid", "flowchart LR", "    accTitle: From a to c"]
    assert '    a["bronze_a"]' in lines and "    b[\"say 'b'\"]" in lines
    assert "    a --> b" in lines and "    b --> c" in lines
    assert "    class a bronze" in lines and "    class b silver" in lines
    assert '    click a href "/d/a.md"' in lines
    assert "    style b stroke-width:4px" in lines and lines[-1] == "```"


def test_a_click_leads_from_the_page_to_the_built_one():
    text = flowchart("t", {"a": Node("a", "", "/d/x/a.md"), "b": Node("b", "", "/b.md#c")}, [])
    made = relative_clicks(text, "/d/y/page.md")
    assert 'href "../x/a.html"' in made and 'href "../../b.html#c"' in made
    assert 'href "d/x/a.html"' in relative_clicks(text, "/index.md")


def test_grouped_nodes_are_drawn_in_their_frame_and_once():
    text = flowchart("t", NODES, [], {"Left": ["a", "b"]})
    assert text.index('subgraph frame0["Left"]') < text.index('a["') < text.index("end\n")
    assert text.count('a["') == text.count('c["') == 1


def test_a_figure_scrolls_and_is_named_and_shows_its_source_until_it_is_drawn():
    html = figure("flowchart LR\n    accTitle: One & two\n    a --> b", "mermaid", "mermaid")
    assert 'aria-label="One &amp; two"' in html and 'tabindex="0"' in html
    assert '<pre class="mermaid"><code>flowchart LR' in html and "a --&gt; b" in html


def test_a_diagram_without_a_title_is_a_warning(caplog):
    with caplog.at_level(logging.WARNING, "mkdocs"):
        figure("flowchart LR\n    a --> b", "mermaid", "mermaid")
    assert "flowchart LR" in caplog.text and "accTitle" in caplog.text
