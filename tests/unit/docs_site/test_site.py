"""Every notebook and every page of prose is a page, in one navigation, with links that lead on."""

import re

import pytest
from docs_site import site
from docs_site.notebooks import Notebook
from docs_site.site import ROOT, Page, make_pages, navigation, parts_of_library, relink, section_of
from mkdocs.exceptions import Abort


@pytest.fixture(scope="module")
def pages():
    return {page.address: page for page in make_pages()}


HIDDEN = "---\nhide: [navigation]\n---\n\n"
PAGES = {"docs/a.md": "/docs/a.md", "nbs/10_x.ipynb": "/library/10_x.md", "README.md": "/index.md"}


@pytest.mark.parametrize(
    ("target", "file", "address"),
    [
        ("a.md", "docs/b.md", "/docs/a.md"),
        ("a.md#part", "docs/b.md", "/docs/a.md#part"),
        ("../nbs/10_x.ipynb", "docs/a.md", "/library/10_x.md"),
        ("10_x.ipynb", "nbs/index.ipynb", "/library/10_x.md"),
        ("README.md", "CONTRIBUTING.md", "/index.md"),
        ("../LICENSE", "nbs/index.ipynb", "/files/LICENSE.txt"),
        ("https://example.com/a.md", "docs/a.md", "https://example.com/a.md"),
        ("#part", "docs/a.md", "#part"),
        ("gone.md", "docs/a.md", "gone.md"),  # the build says so
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(target, file, address):
    assert relink(f"[x]({target})", file, PAGES, ROOT) == f"[x]({address})\n"


def test_links_in_code_stay():
    assert "(a.md)" in relink("```\n[x](a.md)\n```", "docs/b.md", PAGES, ROOT)


def test_every_notebook_is_a_page(pages):
    paths = [*ROOT.glob("nbs/*.ipynb"), *ROOT.glob("notebooks_jobs/*/*.ipynb")]
    titles = {re.search(r"(?m)^# .+$", page.text)[0] for page in pages.values()}
    assert len(paths) > 60
    for path in paths:
        folder = path.parent.name if path.parent.name != "nbs" else ""
        address = f"/jobs/{folder}/{path.stem}.md" if folder else f"/library/{path.stem}.md"
        assert (address if path.stem != "index" else "/index.md") in pages
    assert len(titles) > 60


def test_every_page_of_prose_is_a_page(pages):
    names = {f"/docs/{path.name}" for path in ROOT.glob("docs/*.md")}
    assert names <= set(pages) and {"/project/contributing.md", "/project/changelog.md"} < set(
        pages
    )


def test_every_page_has_one_title_and_it_is_the_first_line(pages):
    titles = {
        address: re.findall(r"(?m)^# .+$", re.sub(r"(?s)```.*?```", "", page.text))
        for address, page in pages.items()
    }
    assert {address for address, found in titles.items() if len(found) != 1} == set()
    texts = {address: page.text.removeprefix(HIDDEN) for address, page in pages.items()}
    assert {address for address, text in texts.items() if not text.startswith("# ")} == set()


def test_the_navigation_has_every_page_once_and_begins_at_home(pages):
    listed = re.findall(r"'([\w/]+\.md)'", str(navigation(pages.values())))
    assert sorted(listed) == sorted(address[1:] for address in pages)
    tabs = [next(iter(item)) for item in navigation(pages.values())]
    assert tabs == ["Home", *site.TABS]


def test_guides_stand_in_the_order_of_learning(pages):
    guides = [address for address, page in pages.items() if page.section == ("Guides",)]
    known = [address for address in site.FIRST if address in guides]
    assert guides[: len(known)] == known


def test_nested_sections_are_nested():
    sections = {"a": (), "b": ("T", "U"), "c": ("T",)}
    pages = [Page(f"/{name}.md", name.upper(), part, "") for name, part in sections.items()]
    assert navigation(pages) == [{"A": "a.md"}, {"T": [{"U": [{"B": "b.md"}]}, {"C": "c.md"}]}]


def test_parts_of_the_library_are_those_the_readme_lists():
    parts = parts_of_library(
        "nbs/   the source\n    00–09    foundation: errors\n    40–53  the x\n"
    )
    assert parts == {range(10): "Foundation", range(40, 54): "The x"}


@pytest.mark.parametrize(
    ("file", "module", "section"),
    [
        ("nbs/03_a.ipynb", "", ("Library", "Foundation")),
        ("nbs/63_a.ipynb", "domains.provider.gold", ("Library", "The provider domain")),
        ("nbs/63_a.ipynb", "other", ("Library", "More")),
        ("nbs/90_walk.ipynb", "", ("Guides",)),
        ("notebooks_jobs/member/gold.ipynb", "", ("Jobs", "Member")),
    ],
)
def test_a_notebook_s_place_follows_from_its_domain_or_number(file, module, section):
    cell = {"cell_type": "code", "source": f"#| default_exp {module}" if module else ""}
    made = Notebook(file, "/p.md", (cell,))
    assert section_of(made, {range(10): "Foundation"}) == section


def test_symbols_and_tables_are_linked_across_pages(pages):
    assert (
        "](/library/14_quality.md#"
        in pages["/library/31_member_rules.md"].text + pages["/library/16_accounts.md"].text
    )
    assert "](/dictionary/member/silver_eligibility.md)" in pages["/docs/pipeline_design.md"].text


def test_another_mermaid_than_the_known_one_is_refused(monkeypatch):
    monkeypatch.setattr(site, "MERMAID", "0" * 64)
    with pytest.raises(Abort, match="mermaid"):
        site.mermaid_source()
