"""What every page must be: well formed, self-contained, readable by those who do not see it."""

import re
from html.parser import HTMLParser

VOID = set("meta link br hr img input source col wbr area base embed param track".split())
ASKING = {"href", "src", "srcset", "action", "poster", "data", "xlink:href"}
# A person, a member or a claim of the sample, as CMS RIF writes them; and a path of a machine.
PRIVATE = re.compile(r"(?<![\d.,])-\d{7,}|\b\dS\d{2}[A-Z]\d{2}[A-Z]{2}\d{2}\b|/(?:home|root|tmp)/")


class Page(HTMLParser):
    """A page, parsed; `faults` says what is wrong with it."""

    def __init__(self, text: str):
        super().__init__()
        self.faults: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]
        levels = zip([0, *self.headings], self.headings, strict=False)
        self.faults += [f"h{now} after h{then}" for then, now in levels if now > then + 1]
        if self.headings.count(1) != 1:
            self.faults.append(f"{self.headings.count(1)} headings of the first level")
        for tag, values in self.tags:
            self.faults += self._of(tag, values)
        twice = {name for name in self.ids if self.ids.count(name) > 1}
        self.faults += [f"id {name} stands twice" for name in sorted(twice)]

    def _of(self, tag: str, values: dict[str, str]) -> list[str]:
        faults = []
        for name in ASKING & set(values):
            if re.match(r"(?i)[a-z]+:|//", values[name] or ""):
                faults.append(f"<{tag}> asks for {values[name]}")
        if any("url(" in value and "url(#" not in value for value in values.values() if value):
            faults.append(f"<{tag}> asks for an url")
        if tag in ("script", "link", "iframe", "object", "embed"):
            faults.append(f"there is a <{tag}>")
        if tag == "svg" and not (values.get("role") == "img" and values.get("aria-label")):
            faults.append("a picture says nothing")
        if tag == "img" and not values.get("alt"):
            faults.append("an image says nothing")
        if tag == "html" and not values.get("lang"):
            faults.append("the language is not told")
        return faults

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values and tag != "path" else []
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.faults.append(f"</{tag}> closes {self.open[-1:] or 'nothing'}")

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data.split()

    @property
    def text(self) -> str:
        """What is read on the page, tooltips included."""
        return " ".join(self.words)


def self_contained(text: str) -> list[str]:
    """What is wrong with a page that must open from disk and hold nothing private."""
    faults = Page(text).faults
    faults += [f"names {found}" for found in re.findall(r"(?i)(?:https?:|@import)[^\s\"')]*", text)]
    return faults + [f"shows {found}" for found in PRIVATE.findall(text)]
