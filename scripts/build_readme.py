#!/usr/bin/env python3
"""Make README.md from nbs/index.ipynb.

    python scripts/build_readme.py           write README.md
    python scripts/build_readme.py --check   change nothing; exit 1 if README.md is stale

Does without Quarto what `nbdev_readme` does with it: Markdown cells as they are, code cells as
code blocks with their outputs below. `#| hide` and `#| include: false` drop a cell,
`#| echo: false` its source, `#| output: false` its outputs; the directives themselves and the
front matter are never shown. Links are turned from nbs/ to the project's root.
"""

import argparse
import json
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made from nbs/index.ipynb by scripts/build_readme.py: edit the notebook. -->"

DIRECTIVE = re.compile(r"^#\s*\|\s*(?P<name>[\w-]+)\s*:?\s*(?P<value>.*?)\s*$")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
LINK = re.compile(r"(?P<open>\]\()(?P<target>[^)\s]+)")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
FRONT_MATTER = re.compile(r"\A(# [^\n]*\n+(?:> [^\n]*\n*)*)((?:- [\w-]+:[^\n]*(?:\n+|\Z))+)")


def text(lines: str | list[str]) -> str:
    """A notebook's text, which is stored as one string or as a list of lines."""
    return lines if isinstance(lines, str) else "".join(lines)


def split_directives(source: str) -> tuple[dict[str, str], str]:
    """The directives of a code cell, and its source without them."""
    directives, kept = {}, []
    for line in source.splitlines():
        if found := DIRECTIVE.match(line):
            directives[found["name"]] = found["value"]
        else:
            kept.append(line)
    return directives, "\n".join(kept).strip("\n")


def is_off(directives: dict[str, str], name: str) -> bool:
    """Is it written `name: false`?"""
    return directives.get(name, "").lower() == "false"


def fenced(body: str, language: str = "") -> str:
    """A code block whose fence is longer than any fence inside it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", body)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def relink(target: str) -> str:
    """A link relative to nbs/ as one relative to the project's root."""
    path, mark, anchor = target.partition("#")
    if not path or path.startswith("/") or re.match(r"[a-zA-Z][\w+.-]*:", path):
        return target
    return posixpath.normpath(posixpath.join("nbs", path)) + mark + anchor


def markdown(source: str, first: bool) -> str:
    """A Markdown cell; the first one may end in nbdev's `- key: value` front matter, which goes."""
    if first:
        source = FRONT_MATTER.sub(r"\1", source)
    lines, open_fence = [], ""
    for line in source.splitlines():
        fence = FENCE.match(line)
        if fence and not open_fence:
            open_fence = fence[1]
        elif fence and fence[1].startswith(open_fence):
            open_fence = ""
        elif not open_fence:
            line = LINK.sub(lambda link: link["open"] + relink(link["target"]), line)
        lines.append(line)
    return "\n".join(lines).strip("\n")


def shown(output: dict) -> str:
    """One output of a code cell: Markdown as Markdown, everything else as a block of its text."""
    kind = output["output_type"]
    if kind == "error":
        return fenced(f"{output['ename']}: {output['evalue']}")
    data = output.get("data", {})
    if "text/markdown" in data:
        return text(data["text/markdown"]).strip("\n")
    body = ANSI.sub("", text(output["text"] if kind == "stream" else data.get("text/plain", "")))
    body = "\n".join(line.rstrip() for line in body.splitlines()).strip("\n")
    return fenced(body) if body else ""


def code(cell: dict) -> list[str]:
    """The parts of a code cell that a reader sees."""
    directives, source = split_directives(text(cell["source"]))
    if "hide" in directives or is_off(directives, "include") or "default_exp" in directives:
        return []
    parts = [fenced(source, "python")] if source and not is_off(directives, "echo") else []
    if not is_off(directives, "output"):
        parts += [shown(output) for output in cell.get("outputs", [])]
    return parts


def render(notebook: Path) -> str:
    """README.md's text. Raw cells are front matter or another format's, and stay out."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(markdown(text(cell["source"]), first=not parts))
        elif cell["cell_type"] == "code":
            parts += code(cell)
    return "\n\n".join([NOTE, *filter(None, parts)]) + "\n"


def stale(root: Path = ROOT) -> str:
    """What is wrong with README.md, in one line; empty if nothing is."""
    notebook, readme = root / "nbs" / "index.ipynb", root / "README.md"
    if not notebook.is_file():
        return "nbs/index.ipynb is missing: README.md is made from it"
    if readme.is_file() and readme.read_text(encoding="utf-8") == render(notebook):
        return ""
    return "README.md is not what nbs/index.ipynb says: run `python scripts/build_readme.py`"


def main() -> int:
    """Write README.md, or check it."""
    parser = argparse.ArgumentParser(description="Make README.md from nbs/index.ipynb.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    options = parser.parse_args()
    problem = stale()
    if problem and (options.check or "missing" in problem):
        print(problem, file=sys.stderr)
        return 1
    if problem:
        readme = render(ROOT / "nbs" / "index.ipynb")
        (ROOT / "README.md").write_text(readme, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
