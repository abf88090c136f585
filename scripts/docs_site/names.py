"""Which name stands on which page, and names in backticks turned into links."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .text import FENCE

NAME = re.compile(r"(?<![\[`])`(?P<name>[A-Za-z_][\w./]*)(?:\(\))?`(?!`)")


@dataclass(frozen=True)
class Names:
    """Addresses on the site, `/folder/page.md#anchor`, by name.

    A definition goes by its own name and by every longer one, up to the full one with its package.
    A name that stands for several things is no link, but on the page of one of them.
    """

    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)  # tables and files, which are unique
    imports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # page → name → dotted

    def address(self, name: str, page: str = "") -> str:
        """Where `name` is explained; empty if nowhere, or if it is not sure that it is meant.

        A plain word (`run`, `rows`) is a word, unless its definition is on the page itself.
        """
        if name in self.known:
            return self.known[name]
        first, dot, rest = name.partition(".")
        imported = self.imports.get(page, {}).get(first)
        if imported:
            return next(iter(self.symbols.get(imported + dot + rest, ())), "")
        found = self.symbols.get(name, ())
        here = [address for address in found if address.partition("#")[0] == page]
        if len(here) == 1:
            return here[0]
        sure = len(found) == 1 and not re.fullmatch(r"[a-z]+", name)
        return found[0] if sure else ""


def suffixes(dotted: str) -> list[str]:
    """`a.b.c`, `b.c`, `c`."""
    parts = dotted.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


def make_names(
    symbols: Iterable[tuple[str, str]],  # full dotted name, address
    modules: Iterable[tuple[str, str]] = (),
    known: Mapping[str, str] | None = None,  # tables and files
    imports: Mapping[str, Mapping[str, str]] | None = None,  # page → name → dotted name
) -> Names:
    """The names of the site. A module goes by a dotted name only (`quality` is a word), and a
    method by no less than its class's name and its own, which is its anchor."""
    found: dict[str, list[str]] = {}
    for dotted, address in symbols:
        shortest = address.partition("#")[2]
        for name in suffixes(dotted):
            if len(name) >= len(shortest):
                found.setdefault(name, []).append(address)
    for dotted, address in modules:
        for name in suffixes(dotted)[:-1]:
            found.setdefault(name, []).append(address)
    return Names(
        {name: tuple(to) for name, to in found.items()}, dict(known or {}), dict(imports or {})
    )


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Markdown with every line changed that is in no code block."""
    lines, fence = [], ""
    for line in text.splitlines():
        marks = FENCE.match(line)
        if marks and not fence:
            fence = marks[1]
        elif marks and marks[1].startswith(fence):
            fence = ""
        elif not fence:
            line = change(line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def link_names(text: str, names: Names, page: str) -> str:
    """Markdown whose `names` are links; code blocks, headings and links stay as they are."""

    def linked(line: str) -> str:
        if line.startswith("#"):
            return line
        return NAME.sub(lambda found: _linked(found, names, page), line)

    return outside_fences(text, linked)


def _linked(found: re.Match[str], names: Names, page: str) -> str:
    address = names.address(found["name"], page)
    before, after = found.string[: found.start()], found.string[found.end() :]
    in_a_link = before.count("[") > before.count("]") and "](" in after
    return found[0] if not address or address == page or in_a_link else f"[{found[0]}]({address})"
