"""The page of the command line is what the commands themselves say."""

import re
from html import unescape
from typing import Annotated

import typer
from docs_site.command_line import command_line_page, commands, section

app = typer.Typer()
inner = typer.Typer()
app.add_typer(inner, name="group")


@app.command()
def go(
    what: Annotated[str, typer.Argument(help="What to do.")],
    root: Annotated[str, typer.Option(help="A <place>.")] = "here",
    tag: Annotated[list[str] | None, typer.Option(help="A tag.", show_default=False)] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Only say it.")] = False,
):
    "Does `it`."


@inner.command("list")
def shown():
    "Lists."


FOUND = dict(commands(typer.main.get_command(app), ("tool",)))


def test_every_command_is_found_with_the_words_that_call_it():
    assert list(FOUND) == [("tool", "go"), ("tool", "group", "list")]


def test_a_command_has_usage_meaning_arguments_and_options():
    made = unescape(re.sub("</?code>", "", section(("tool", "go"), FOUND["tool", "go"])))
    assert made.startswith("## tool go\n\n```text\ntool go [OPTIONS] WHAT\n```\n\nDoes `it`.")
    assert "| WHAT | What to do. |  |" in made
    assert "| --root | A <place>. | here |" in made
    assert "| --tag | A tag. May be given again. |  |" in made
    assert "| --dry | Only say it. |  |" in made


def test_every_command_of_the_project_is_on_the_page():
    page = command_line_page()
    assert "## data-ops run\n" in page and "## data-ops quarantine list\n" in page
    assert "full&#45;refresh" in page
