"""Mermaid flowcharts, made from what the bundle and the contracts say."""

import html
import logging
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Borders only: the surfaces and the text are the theme's own, in light and dark.
STYLES = {
    "bronze": "stroke:#b0703c,stroke-width:2px",
    "silver": "stroke:#8a94a6,stroke-width:2px",
    "gold": "stroke:#c79a00,stroke-width:2px",
    "aside": "stroke:#c2410c,stroke-width:2px,stroke-dasharray:4 3",
    "other": "stroke-dasharray:4 3",
}


@dataclass(frozen=True)
class Node:
    """A box: its label, its style, and where a click leads."""

    label: str
    style: str = ""
    address: str = ""


def quoted(label: str) -> str:
    return '"' + label.replace('"', "'") + '"'


def flowchart(
    title: str,  # read aloud in place of the picture
    nodes: Mapping[str, Node],
    edges: Iterable[tuple[str, str]],  # from, to
    groups: Mapping[str, Iterable[str]] | None = None,  # title → nodes drawn in one frame
    centre: str = "",  # drawn thicker
) -> str:
    """A flowchart; nodes and edges stand in the given order."""
    grouped = {node for members in (groups or {}).values() for node in members}
    lines = ["flowchart LR", f"    accTitle: {title}"]
    drawn = {name: f"{name}[{quoted(node.label)}]" for name, node in nodes.items()}
    for number, (frame, members) in enumerate((groups or {}).items()):
        lines.append(f"    subgraph frame{number}[{quoted(frame)}]")
        lines += [f"        {drawn[name]}" for name in members]
        lines.append("    end")
    lines += [f"    {drawn[name]}" for name in nodes if name not in grouped]
    lines += [f"    {start} --> {end}" for start, end in edges]
    for style in sorted({node.style for node in nodes.values()} & set(STYLES)):
        members = ",".join(name for name, node in nodes.items() if node.style == style)
        lines += [f"    classDef {style} {STYLES[style]}", f"    class {members} {style}"]
    lines += [f"    style {centre} stroke-width:4px"] if centre else []
    clicks = {name: node.address for name, node in nodes.items() if node.address}
    lines += [f'    click {name} href "{address}"' for name, address in clicks.items()]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def relative_clicks(text: str, page: str) -> str:
    """Markdown whose diagrams lead from this page to built pages, on a server and from disk."""

    def relative(found: re.Match[str]) -> str:
        there = posixpath.relpath(found[2], posixpath.dirname(page))
        return f'{found[1]}"{there}.html{found[3]}"'

    return re.sub(r'(?m)^(    click \w+ href )"(/[^"#]+)\.md(#[^"]*|)"', relative, text)


def figure(source: str, language: str, css_class: str, *_: object, **__: object) -> str:
    """A mermaid fence as HTML: a frame that scrolls on a small screen, with the diagram's title.

    A diagram without a title says nothing to those who do not see it, so the build warns.
    """
    title = re.search(r"(?m)^\s*accTitle:\s*(.+)$", source)
    if not title:
        first = source.strip().partition("\n")[0]
        logging.getLogger("mkdocs").warning("a diagram (%s …) has no accTitle", first)
    label = html.escape(title[1].strip() if title else "Diagram")
    body = html.escape(source)
    return (
        f'<div class="diagram" role="group" aria-label="{label}" tabindex="0">'
        f'<pre class="{css_class}"><code>{body}</code></pre></div>'
    )
