"""A token and a person that no log, message, notebook or report of a run may show."""

from pathlib import Path

TOKEN = "dapi7c0ffee5ca1ab1e0ddba11"
PERSON = "PLANTED4711"  # the member's id
BAD = {
    "BENE_ID": PERSON,
    "BENE_BIRTH_DT": "31-Feb-1907",
    "ZIP_CD": "90210-PLANTED",
    "BENE_RACE_CD": "PLANTED-RACE",
}
TAIL = "planted;tail"
VALUES = (TOKEN, *BAD.values(), TAIL)


def plant(file: Path) -> None:
    """Add a person whose row is bad in every way, once more with a tail, and once torn off."""
    names, first, *_ = (line.split("|") for line in file.read_text().splitlines())
    row = "|".join(BAD.get(name, value) for name, value in zip(names, first, strict=True))
    with file.open("a", encoding="utf-8") as text:
        text.write("\n".join([row, f"{row}|{TAIL}", PERSON]) + "\n")


def leaks(root: Path, *said: str) -> list[tuple[str, str]]:
    """(where, value) of the planted values in what people and tools get to see of all runs."""
    files = [path for path in (root / "runs").rglob("*") if path.is_file()]
    texts = {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}
    assert {"ipynb", "log", "html", "json"} <= {name.rpartition(".")[2] for name in texts}
    texts |= {f"said {nth}": text for nth, text in enumerate(said)}
    return [(name, value) for name, text in texts.items() for value in VALUES if value in text]
