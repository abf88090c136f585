"""What a piece of code defines, for readers: read from its syntax, never run.

Parameters are described where they stand, by the comment at the end of their line.
"""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function, or a field of a class."""

    name: str
    type: str = ""
    default: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Definition:
    """A function or a class, as a reader needs it."""

    name: str  # with its class's name, if it is a method
    signature: str
    doc: str = ""
    parameters: tuple[Parameter, ...] = ()
    returns: Parameter | None = None
    properties: tuple[Parameter, ...] = ()
    methods: tuple["Definition", ...] = ()


@dataclass(frozen=True)
class Source:
    """What one export cell holds."""

    definitions: tuple[Definition, ...]  # the public ones
    constants: tuple[str, ...]  # names of the public ones
    only_imports: bool


def public(name: str) -> bool:
    return not name.startswith("_")


def comments(source: str) -> dict[int, str]:
    """Line → the comment at its end."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    trailing = {line: t.string for line, t in found.items() if t.line[: t.start[1]].strip()}
    told = {line: re.sub(r"#\s*(noqa|type|fmt):.*", "", text) for line, text in trailing.items()}
    return {line: text.lstrip("# ").strip() for line, text in told.items() if text.strip("# ")}


class _Reader:
    """A source with its comments."""

    def __init__(self, source: str) -> None:
        self.source, self.comments = source, comments(source)

    def text(self, node: ast.AST | None) -> str:
        """A node as it is written, in one line."""
        written = ast.get_source_segment(self.source, node) if node else ""
        return " ".join((written or "").split())

    def parameter(
        self, name: str, kind: ast.expr | None, default: ast.expr | None, meaning: str
    ) -> Parameter:
        """A parameter; a command's has its help in `Annotated`."""
        if isinstance(kind, ast.Subscript) and self.text(kind.value) == "Annotated":
            kind, *metadata = getattr(kind.slice, "elts", [kind.slice])
            meaning = next(self._helps(metadata), meaning)
        return Parameter(name, self.text(kind), self._default(default), meaning)

    def _helps(self, metadata: list[ast.expr]) -> Iterator[str]:
        for call in metadata:
            for keyword in getattr(call, "keywords", []):
                if keyword.arg == "help" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)

    def _default(self, node: ast.expr | None) -> str:
        """The default as written; of a field's declaration, the value it declares."""
        if isinstance(node, ast.Call) and self.text(node.func) in ("field", "Field"):
            given = {keyword.arg: self.text(keyword.value) for keyword in node.keywords}
            factory = given.get("default_factory", "")
            made = factory.partition(": ")[2] if factory.startswith("lambda") else f"{factory}()"
            return made if factory else given.get("default", "")
        return self.text(node)

    def arguments(self, function: Function) -> list[Parameter]:
        """The parameters as they stand in the signature, a bare `*` among them."""
        given = function.args
        plain, keywords = [*given.posonlyargs, *given.args], given.kwonlyargs
        defaults: dict[ast.arg, ast.expr | None] = {}
        defaults |= dict(zip(reversed(plain), reversed(given.defaults), strict=False))
        defaults |= dict(zip(keywords, given.kw_defaults, strict=True))
        stars = {given.vararg: "*", given.kwarg: "**"}
        every = [*plain, *filter(None, [given.vararg]), *keywords, *filter(None, [given.kwarg])]
        lines = Counter([function.lineno, *(arg.lineno for arg in every)])
        made = []
        for arg in every:
            if arg in keywords[:1] and not given.vararg:
                made.append(Parameter("*"))
            default, name = defaults.get(arg), stars.get(arg, "") + arg.arg
            # A comment that several parameters share describes none of them.
            told = self.comments.get((default or arg).end_lineno or 0, "")
            own = told if lines[arg.lineno] == 1 else ""
            made.append(self.parameter(name, arg.annotation, default, own))
        return made

    def function(self, node: Function, owner: str = "") -> Definition:
        name, decorators = node.name, list(map(self.text, node.decorator_list))
        bound = bool(owner) and "staticmethod" not in decorators
        arguments = self.arguments(node)[1 if bound else 0 :]
        line = getattr(node.returns, "end_lineno", 0) or 0
        told = self.comments.get(line, "") if line != node.lineno else ""
        returns = Parameter("", self.text(node.returns), "", told) if node.returns else None
        name = f"{owner}.{name}" if owner else name
        shown = signature(name, list(map(_written, arguments)), returns.type if returns else "")
        parameters = tuple(p for p in arguments if p.name != "*")
        return Definition(name, shown, doc(node), parameters, returns)

    def of_class(self, node: ast.ClassDef) -> Definition:
        fields = [
            self.parameter(
                item.target.id,
                item.annotation,
                item.value,
                self.comments.get(item.end_lineno or 0, ""),
            )
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        functions = [n for n in node.body if isinstance(n, Function) and public(n.name)]
        properties = tuple(
            Parameter(n.name, self.text(n.returns), "", doc(n)) for n in functions if _property(n)
        )
        bases = ", ".join(map(self.text, node.bases))
        return Definition(
            node.name,
            f"class {node.name}({bases})" if bases else f"class {node.name}",
            doc(node),
            tuple(field for field in fields if public(field.name)),
            None,
            properties,
            tuple(self.function(n, node.name) for n in functions if not _property(n)),
        )


def doc(node: Function | ast.ClassDef) -> str:
    return ast.get_docstring(node) or ""


def _property(node: Function) -> bool:
    names = [getattr(d, "attr", getattr(d, "id", "")) for d in node.decorator_list]
    return bool({"property", "cached_property"} & set(names))


def _written(parameter: Parameter) -> str:
    kind = f": {parameter.type}" if parameter.type else ""
    equals = " = " if kind else "="
    default = f"{equals}{parameter.default}" if parameter.default else ""
    return f"{parameter.name}{kind}{default}"


def signature(name: str, arguments: list[str], returns: str, width: int = 80) -> str:
    """In one line if it fits, else a line a parameter."""
    arrow = f" -> {returns}" if returns else ""
    line = f"{name}({', '.join(arguments)}){arrow}"
    if len(line) <= width or not arguments:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), f"){arrow}"])


def _names(node: ast.stmt) -> list[str]:
    """Names that an assignment binds."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def read(source: str) -> Source:
    """The public definitions of a piece of code."""
    reader, tree = _Reader(source), ast.parse(source)
    named = [n for n in tree.body if isinstance(n, Function | ast.ClassDef) and public(n.name)]
    made = [
        reader.of_class(n) if isinstance(n, ast.ClassDef) else reader.function(n) for n in named
    ]
    assigned = [n for n in tree.body if isinstance(n, ast.Assign | ast.AnnAssign)]
    constants = [name for node in assigned for name in _names(node) if public(name)]
    rest = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
    return Source(tuple(made), tuple(constants), not rest)
