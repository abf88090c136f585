"""Every page of the site, opened from disk in a browser: quiet, whole, and on this machine."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from .conftest import DRAWN, OPEN_SHADOWS

LOOK = """() => ({
  title: document.title,
  headings: [...document.querySelectorAll("article h1, article h2, article h3, article h4, article h5, article h6")]
    .map(heading => Number(heading.tagName[1])),
  pictures: [...document.querySelectorAll("article img")]
    .map(picture => [picture.alt, picture.naturalWidth]),
  diagrams: [...document.querySelectorAll(".diagram .mermaid")].map(diagram => {
    const svg = diagram.shadowRoot?.querySelector("svg")
    const box = svg?.getBoundingClientRect()
    return {
      size: Math.min(box?.width ?? 0, box?.height ?? 0),
      text: svg?.textContent ?? "",
      links: [...(svg?.querySelectorAll("a") ?? [])].map(link => link.getAttribute("xlink:href") ?? link.getAttribute("href")),
    }
  }),
})"""  # noqa: E501


@dataclass
class Visit:
    """What a browser found on one page."""

    told: list[str] = field(default_factory=list)  # errors and warnings of the console
    asked: list[str] = field(default_factory=list)  # addresses that are not on disk
    seen: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def visits(chromium, built) -> dict[str, Visit]:
    """Every page by its path."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(OPEN_SHADOWS)
    page, current, found = context.new_page(), Visit(), {}

    def listen(message):
        if message.type in ("error", "warning"):
            current.told.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: current.told.append(str(error)))
    page.on("request", lambda request: current.asked.append(request.url))
    for path in sorted(built.rglob("*.html")):
        if path.name == "404.html":  # its addresses are a server's
            continue
        current.told, current.asked = [], []
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        seen, name = page.evaluate(LOOK), path.relative_to(built).as_posix()
        away = [
            url for url in current.asked if urlsplit(url).scheme not in ("file", "data", "blob")
        ]
        found[name] = Visit(current.told, away, seen)
    context.close()
    return found


def faults(visits: dict[str, Visit], wrong) -> dict[str, object]:
    return {name: found for name, visit in visits.items() if (found := wrong(visit))}


def test_every_page_was_opened(visits):
    assert len(visits) > 100
    assert faults(visits, lambda visit: not visit.seen["title"]) == {}


def test_no_page_complains(visits):
    assert faults(visits, lambda visit: visit.told) == {}


def test_no_request_leaves_the_machine(visits):
    assert faults(visits, lambda visit: visit.asked) == {}


def test_headings_are_in_order(visits):
    """One title, and no level is skipped."""

    def skipped(visit: Visit) -> bool:
        levels = visit.seen["headings"]
        steps = [after - before for before, after in zip(levels, levels[1:], strict=False)]
        return levels[:1] != [1] or levels.count(1) != 1 or any(step > 1 for step in steps)

    assert faults(visits, skipped) == {}


def test_every_picture_is_there_and_has_a_text(visits):
    pictures = [picture for visit in visits.values() for picture in visit.seen["pictures"]]
    assert pictures and [alt for alt, width in pictures if not alt.strip() or not width] == []


def test_every_diagram_is_drawn(visits):
    diagrams = [diagram for visit in visits.values() for diagram in visit.seen["diagrams"]]
    assert len(diagrams) > 30
    assert [d for d in diagrams if d["size"] < 20 or "Syntax error" in d["text"]] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("jobs/index.html", ["silver_demographics", "gold_care"]),
        ("dictionary/index.html", ["3 bronze tables", "quarantine"]),
        ("dictionary/claims/index.html", ["silver_medical", "gold_pmpm", "bronze_pde"]),
        ("dictionary/member/silver_eligibility.html", ["silver_enrollment", "gold_member_months"]),
        ("docs/pipeline_design.html", ["row_ledger"]),
    ],
)
def test_diagrams_show_jobs_tables_and_flow(visits, page, words):
    text = "".join(diagram["text"] for diagram in visits[page].seen["diagrams"])
    assert [word for word in words if word not in text] == []


def test_a_box_of_a_diagram_leads_to_its_page(visits, built):
    page = "dictionary/member/silver_eligibility.html"
    (diagram,) = visits[page].seen["diagrams"]
    assert "../claims/silver_medical.html" in diagram["links"]
    assert all(((built / page).parent / link).is_file() for link in diagram["links"])
