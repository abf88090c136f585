"""Every link of the built site, followed as far as it stays on the site."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.add(given.get("id") or "")
        self.targets += [given[name] or "" for name in ("href", "src") if name in given]

    def handle_data(self, data: str) -> None:
        self.targets += re.findall(r'(?m)^ *click \w+ href "([^"]+)"', data)  # of a diagram


@cache
def _read(page: Path) -> _Page:
    parser = _Page()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def _faults(page: Path, site: Path) -> Iterator[str]:
    for target in dict.fromkeys(_read(page).targets):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        there = there / "index.html" if there.is_dir() else there
        if not there.is_relative_to(site) or not there.is_file():
            yield f"{target} leads nowhere"
        elif parts.fragment and there.suffix == ".html":
            missing = unquote(parts.fragment) not in _read(there).anchors
            yield from [f"{target}: no such place on the page"] if missing else []


def broken(site: Path) -> list[str]:
    """`page: link …`, a line for each link of the site that leads nowhere."""
    site = site.resolve()
    _read.cache_clear()
    pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")
    return [
        f"{page.relative_to(site).as_posix()}: {fault}"
        for page in pages
        for fault in _faults(page, site)
    ]
