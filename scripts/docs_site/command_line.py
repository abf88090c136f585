"""The page of the command line, made from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import typer
from build_readme import fenced

from data_ops.cli import app

from .text import blocks, code, prose, table


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
    for name, one in (inner or {}).items():
        yield from commands(one, (*path, name))


def shown_default(parameter: Any) -> str:
    hidden = not parameter.show_default or getattr(parameter, "is_flag", False)
    return "" if hidden or parameter.default in (None, "", ()) else str(parameter.default)


def section(path: tuple[str, ...], command: Any) -> str:
    """Usage, what it does, arguments and options."""
    parameters = [p for p in command.params if not p.hidden and p.name != "help"]
    arguments = [p for p in parameters if not p.opts[0].startswith("-")]
    options = [p for p in parameters if p.opts[0].startswith("-")]
    words = [" ".join(path), "[OPTIONS]" if options else ""]
    for p in arguments:
        name = p.name.upper() + ("..." if p.nargs == -1 else "")
        words.append(name if p.required else f"[{name}]")
    if not parameters:
        words.append("[ARGS]...")
    rows = []
    for p in [*arguments, *options]:
        label = ", ".join(p.opts) if p in options else p.name.upper()
        more = " May be given again." if p.multiple and "repeatable" not in (p.help or "") else ""
        rows.append((code(label), prose((p.help or "") + more), code(shown_default(p))))
    return blocks(
        f"## {' '.join(path)}",
        fenced(" ".join(filter(None, words)), "text"),
        prose(command.help or ""),
        table(("Argument or option", "Meaning", "Default"), rows),
    )


def command_line_page() -> str:
    """Every command with its options."""
    root = typer.main.get_command(app)
    return blocks(
        "# Command line",
        "> Every command of `data-ops` with its arguments and options.",
        "`./data-ops` is the same, and brings up a bare machine first. Exit status: 0 if all was "
        "done, 1 if something failed, 2 if the command itself was wrong.",
        *(section(path, command) for path, command in commands(root, ("data-ops",))),
    )
