"""Pieces of Markdown that mean what they say, whatever is in them."""

import re
from collections.abc import Iterable, Sequence

FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
ITEM = re.compile(r"(?:\d+[.)]|[-*+]) +")
SPECIAL = re.compile(r"[&\\`*_{}\[\]()#+!|~^=$:<>-]")


def plain(text: str) -> str:
    """Text in which nothing is markup, in one line, so that it fits a table's cell."""
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};", re.sub(r"\s+", " ", text))


def prose(text: str) -> str:
    """Plain text as Markdown: only `code` and paragraphs are markup."""
    paragraphs = (re.split(r"(`[^`]+`)", part) for part in text.strip().split("\n\n"))
    return "\n\n".join(
        "".join(part if part.startswith("`") else plain(part) for part in parts)
        for parts in paragraphs
    )


def code(text: str) -> str:
    """Code in a line or a cell, which is not looked at for names to link."""
    return f"<code>{plain(text)}</code>" if text else ""


def link(label: str, address: str) -> str:
    """A link to an address of the site, or the label alone where there is none."""
    return f"[{label}]({address})" if address else label


def cell(markdown: str) -> str:
    """Markdown in a table's cell: one line, in which a bar is a bar."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(markdown.split()))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown cells; nothing if there are no rows."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(titles)} |", "|" + "---|" * len(titles), *lines])


def fold(title: str, markdown: str, kind: str = "quote") -> str:
    """What is shown on a click."""
    body = "\n".join(f"    {line}" if line else "" for line in markdown.splitlines())
    return f'??? {kind} "{title}"\n\n{body}'


def four_spaces(markdown: str) -> str:
    """Markdown in which what belongs to a list's item stands four spaces in.

    GitHub wants it below the item's text, two or three spaces in; Python-Markdown wants four.
    """
    lines, shift, fence = [], 0, ""
    for line in markdown.splitlines():
        marks, item = FENCE.match(line), ITEM.match(line)
        if marks and not line.startswith(" "):
            fence = "" if fence and marks[1].startswith(fence) else fence or marks[1]
        elif item and not fence:
            shift = 4 - len(item[0])
        elif line and not line.startswith(" "):
            shift = 0
        inside = shift > 0 and line.startswith(" " * (4 - shift))
        lines.append(" " * shift + line if inside else line)
    return "\n".join(lines) + "\n"


def blocks(*parts: str) -> str:
    """Blocks of Markdown one below the other; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip("\n"))
