"""Definitions are read from their syntax: signatures, comments, defaults."""

import pytest
from docs_site.api import Parameter, comments, read

FUNCTION = """
def land(
    run: Run,
    folder: Path,  # of raw files
    *names: str,
    limit: int = 3,  # files at most
    how: dict[str, int] | None = None,
    **more: Any,  # handed on
) -> list[Outcome]:  # one a feed
    "Lands files. Raises SourceError."
"""

CLASS = """
@dataclass(frozen=True)
class Table(Base):
    "A contract and a function."

    name: str  # layer_entity
    rows: list[str] = field(default_factory=list)  # as sent
    tags: dict[str, int] = Field(default_factory=lambda: {"a": 1})
    share: float = Field(default=0.5, ge=0)
    _hidden: int = 0
    kind = "no field"

    @property
    def reads(self) -> tuple[str, ...]:
        "What it is made from."

    def table(self, name: str) -> "Table":
        "One of them."

    @staticmethod
    def of(text: str) -> "Table": ...

    def _private(self): ...
"""


def only(source: str):
    (found,) = read(source).definitions
    return found


def test_parameters_have_type_default_and_the_comment_of_their_line():
    assert only(FUNCTION).parameters == (
        Parameter("run", "Run"),
        Parameter("folder", "Path", "", "of raw files"),
        Parameter("*names", "str"),
        Parameter("limit", "int", "3", "files at most"),
        Parameter("how", "dict[str, int] | None", "None"),
        Parameter("**more", "Any", "", "handed on"),
    )


def test_what_it_returns_has_its_comment_too():
    assert only(FUNCTION).returns == Parameter("", "list[Outcome]", "", "one a feed")


def test_the_docstring_is_what_it_does():
    assert only(FUNCTION).doc == "Lands files. Raises SourceError."


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: int, b: str):  # noqa: X\n    ...",
        "def f(\n    a: int, b: str,  # shared\n): ...",
        "def f(a: int):  # of the line\n    ...",
    ],
)
def test_a_comment_that_is_not_one_parameters_own_describes_none(source):
    assert {parameter.meaning for parameter in only(source).parameters} == {""}


@pytest.mark.parametrize(
    ("source", "signature"),
    [
        ("def f(): ...", "f()"),
        ("def f(a, b=1, *, c: int = 2) -> int: ...", "f(a, b=1, *, c: int = 2) -> int"),
        ("def f(*a: int, c) -> None: ...", "f(*a: int, c) -> None"),
        ("async def f(a: 'X'): ...", "f(a: 'X')"),
        ("class A: ...", "class A"),
        ("class A(B, C): ...", "class A(B, C)"),
    ],
)
def test_a_signature_is_as_written(source, signature):
    assert only(source).signature == signature


def test_a_long_signature_has_a_line_for_each_parameter():
    lines = only(FUNCTION).signature.splitlines()
    assert lines[0] == "land(" and lines[-1] == ") -> list[Outcome]"
    assert lines[4] == "    limit: int = 3,"


def test_fields_of_a_class_have_what_their_declaration_says():
    assert only(CLASS).parameters == (
        Parameter("name", "str", "", "layer_entity"),
        Parameter("rows", "list[str]", "list()", "as sent"),
        Parameter("tags", "dict[str, int]", '{"a": 1}'),
        Parameter("share", "float", "0.5"),
    )


def test_properties_and_methods_are_its_own_and_public():
    made = only(CLASS)
    assert made.properties == (Parameter("reads", "tuple[str, ...]", "", "What it is made from."),)
    assert [method.signature for method in made.methods] == [
        'Table.table(name: str) -> "Table"',
        'Table.of(text: str) -> "Table"',
    ]


def test_an_option_of_a_command_is_described_by_its_help():
    source = 'def run(task: Annotated[str, typer.Option("--task", help="This task.")] = ""): ...'
    assert only(source).parameters == (Parameter("task", "str", '""', "This task."),)


def test_private_names_are_left_out_and_constants_are_named():
    held = read("A = 1\nb: int = 2\n_C = 3\ndef _f(): ...\nclass _D: ...\nfor x in (): ...")
    assert (held.definitions, held.constants, held.only_imports) == ((), ("A", "b"), False)


@pytest.mark.parametrize(
    ("source", "only_imports"),
    [("import a\nfrom b import c", True), ("", True), ("import a\na()", False)],
)
def test_a_cell_of_imports_is_known_as_one(source, only_imports):
    assert read(source).only_imports == only_imports


def test_comments_that_speak_to_tools_say_nothing():
    assert comments("a = 1  # told\nb = 2  # noqa: E501\n# alone\nc = 'x # y'") == {1: "told"}
