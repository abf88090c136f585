"""A link that leads nowhere is found, and no other."""

import pytest
from docs_site.links import broken

PAGE = '<h1 id="top">T</h1><a href="b/two.html#here">x</a><img src="p.png"><a href="#top">x</a>'
TWO = '<p id="here">H</p><a href="../one.html">x</a><a href="https://example.com/x">x</a>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "p.png").write_bytes(b"")
    (tmp_path / "one.html").write_text(PAGE)
    (tmp_path / "b" / "two.html").write_text(TWO)
    (tmp_path / "b" / "index.html").write_text("")
    return tmp_path


def test_a_site_in_order_has_no_broken_link(site):
    assert broken(site) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="b/two.html#gone">x</a>', "b/two.html#gone: no such place on the page"),
        ('<a href="#gone">x</a>', "#gone: no such place on the page"),
        ('<img src="gone.png">', "gone.png leads nowhere"),
        ('<a href="../outside.html">x</a>', "../outside.html leads nowhere"),
        ('<code>flowchart LR\n    click a href "gone.html"\n</code>', "gone.html leads nowhere"),
    ],
)
def test_a_broken_link_is_named_with_its_page(site, html, fault):
    (site / "three.html").write_text(html)
    assert broken(site) == [f"three.html: {fault}"]


@pytest.mark.parametrize("target", ["b/", "b/two.html?q=1", "mailto:a@b.c"])
def test_folders_queries_and_other_schemes_are_fine(site, target):
    (site / "three.html").write_text(f'<a href="{target}">x</a>')
    assert broken(site) == []
