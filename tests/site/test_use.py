"""What a reader does: search, switch to dark, use a phone, read without seeing, ask a server."""

import subprocess
import sys
from urllib.request import urlopen

import pytest

from .conftest import DRAWN, ROOT

START, API = "index.html", "library/14_quality.html"
TABLE = "dictionary/member/silver_eligibility.html"
PAGES = (
    *(START, API, TABLE, "dictionary/claims/silver_medical.html", "dictionary/index.html"),
    *("library/31_member_rules.html", "library/90_walkthrough.html", "jobs/index.html"),
    *("docs/pipeline_design.html", "reference/command_line.html", "project/contributing.html"),
)
SCHEME = "document.body.dataset.mdColorScheme"
LIGHTNESS = """selector => {
  const [red, green, blue] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\\d.]+/g)
  return (Number(red) + Number(green) + Number(blue)) / 3
}"""  # noqa: E501
# How a box's text stands out, as WCAG reckons it, in the page's first diagram.
CONTRAST = """() => {
  const tree = document.querySelector(".diagram .mermaid").shadowRoot
  const style = (element, name) => getComputedStyle(element)[name].match(/[\\d.]+/g).map(Number)
  const over = ([r, g, b, alpha = 1], ground) =>
    [r, g, b].map((part, nth) => part * alpha + ground[nth] * (1 - alpha))
  const light = color => {
    const [r, g, b] = color.map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const box = over(style(tree.querySelector(".node rect"), "fill"), style(document.body, "backgroundColor"))
  const text = over(style(tree.querySelector(".nodeLabel"), "color"), box)
  const [dark, bright] = [light(box), light(text)].sort((a, b) => a - b)
  return (bright + 0.05) / (dark + 0.05)
}"""  # noqa: E501


@pytest.mark.parametrize(
    ("words", "title", "address"),
    [
        ("silver_eligibility", "silver_eligibility", TABLE),
        ("member_months", "gold_member_months", "dictionary/member/gold_member_months.html"),
        ("count_failing", "Quality", API),
        ("replay quarantined", "Mend and replay quarantined rows", "docs/quarantine.html"),
    ],
)
def test_search_finds_it_from_disk(open_page, words, title, address):
    page = open_page(START)
    page.keyboard.press("/")
    page.keyboard.type(words)
    found = page.locator(".md-search-result__link", has=page.get_by_text(title, exact=False))
    found.first.wait_for(timeout=10_000)
    addresses = [link.get_attribute("href") for link in found.all()]
    assert [href for href in addresses if f"/{address}" in href]


def test_a_result_of_the_search_leads_to_its_page(open_page):
    page = open_page(API)
    page.keyboard.press("/")
    page.keyboard.type("gold_readmissions")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url("**/gold_readmissions.html*")
    assert page.locator("h1").inner_text().startswith("gold_readmissions")


@pytest.mark.parametrize(("scheme", "name"), [("light", "default"), ("dark", "slate")])
def test_the_reader_s_own_preference_counts(open_page, scheme, name):
    assert open_page(START, scheme).evaluate(SCHEME) == name


def test_dark_is_switched_on_by_hand_and_stays_on(open_page):
    page = open_page(START)
    assert page.evaluate(LIGHTNESS, "body") > 200
    page.get_by_title("Switch to dark").click()
    page.wait_for_function(f"{SCHEME} === 'slate'")
    assert page.evaluate(LIGHTNESS, "body") < 60
    page.get_by_role("link", name="Getting started").first.click()
    page.wait_for_url("**/getting_started.html")
    assert page.evaluate(SCHEME) == "slate"


@pytest.mark.parametrize("address", ["jobs/index.html", TABLE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_diagrams_can_be_read_in_light_and_dark(open_page, scheme, address):
    page = open_page(address, scheme)
    page.wait_for_function(DRAWN)
    assert page.evaluate(CONTRAST) >= 4.5


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anybody(open_page, scheme, width):
    """axe-core: contrast, names, roles, order; with everything that is folded opened."""
    from axe_playwright_python.sync_playwright import Axe

    faults = {}
    for address in PAGES if width > 1000 else PAGES[:4]:
        page = open_page(address, scheme, width)
        page.wait_for_function(DRAWN)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found = Axe().run(page).response["violations"]
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        faults |= {(address, f["id"]): f["nodes"][0]["html"] for f in serious}
        page.close()
    assert faults == {}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_fits_a_phone(open_page, address):
    """Wide tables, code and diagrams scroll in their own frames."""
    page = open_page(address, width=390)
    page.wait_for_function(DRAWN)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_the_navigation_opens_on_a_phone(open_page):
    page = open_page(START, width=390)
    page.locator("label.md-header__button[for=__drawer]").click()
    page.locator(".md-nav--primary").get_by_text("Data dictionary").first.click()
    page.locator(".md-nav--primary").get_by_text("Operations").first.wait_for()


def test_it_is_served_on_this_machine(built, chromium):
    """Search reads its index as a server gives it."""
    serve = (
        "from pathlib import Path; import sys, build_docs; build_docs.serve(Path(sys.argv[1]), 0)"
    )
    command = [sys.executable, "-c", serve, str(built)]
    server = subprocess.Popen(
        command, cwd=ROOT / "scripts", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        address = next(w for w in server.stdout.readline().split() if w.startswith("http://127"))
        assert b"Databricks Data Ops" in urlopen(address).read()
        page = chromium.new_page()
        page.goto(address)
        page.keyboard.press("/")
        page.keyboard.type("silver_eligibility")
        page.locator(".md-search-result__link").first.wait_for(timeout=10_000)
        page.close()
    finally:
        server.terminate()
        server.wait()
