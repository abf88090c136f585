"""A token and a person are planted; no log, message, notebook or report of a run may show them."""

import gzip
import shutil

import pytest

from data_ops.config import project_root
from tests.integration.commands import data_ops

TOKEN = "dapi7c0ffee5ca1ab1e0ddba11"
PERSON = "PLANTED4711"  # the member's id
VALUES = (TOKEN, PERSON, "31-Feb-1907", "90210-PLANTED", "PLANTED-RACE", "planted;tail")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A year of the sample in which one person's row is bad in every way, the last row torn off."""
    folder = tmp_path_factory.mktemp("planted")
    sample = project_root() / "data/sample/rif/beneficiary_2024.csv.gz"
    lines = gzip.decompress(sample.read_bytes()).decode().splitlines()
    names, first = lines[0].split("|"), lines[1].split("|")
    bad = {"BENE_ID": PERSON, "BENE_BIRTH_DT": VALUES[2], "ZIP_CD": VALUES[3]}
    bad |= {"BENE_RACE_CD": VALUES[4]}
    row = "|".join(bad.get(name, value) for name, value in zip(names, first, strict=True))
    text = "\n".join([*lines[:40], row, row + "|" + VALUES[5], PERSON]) + "\n"
    (folder / "beneficiary_2024.csv").write_text(text, encoding="utf-8")
    return folder


def shown(root, *runs) -> dict[str, str]:
    """All that people and their tools get to see of runs: text by file or stream."""
    folder = root / "runs"
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    said = {
        f"{stream} of run {nth}": getattr(run, stream).encode()
        for nth, run in enumerate(runs)
        for stream in ("stdout", "stderr")
    }
    return {name: text.decode("utf-8", "replace") for name, text in (texts | said).items()}


def test_a_run_that_succeeds_and_one_that_fails_show_neither_token_nor_person(planted, tmp_path):
    root = tmp_path / "root"
    secrets = {"DATABRICKS_TOKEN": TOKEN}
    good = data_ops("run", "member", "--root", root, "--source", planted, **secrets)
    assert (good.returncode, good.stderr) == (0, "")
    listed = data_ops("quarantine", "list", "--root", root, **secrets)
    assert "keys_present" in listed.stdout and listed.returncode == 0
    # Damage in a table: the engine's own error would quote the row.
    shutil.copy(planted / "beneficiary_2024.csv", planted / "beneficiary_2023.csv")
    with (planted / "beneficiary_2023.csv").open("a", encoding="utf-8") as file:
        file.write(f"{PERSON}\n")
    silver = root / "warehouse/local_member.db/silver_demographics"
    for part in silver.rglob("*.parquet"):
        part.write_bytes(VALUES[5].encode() * 9)
    bad = data_ops("run", "member", "--root", root, "--source", planted, **secrets)
    assert bad.returncode == 1
    texts = shown(root, good, listed, bad)
    kinds = {name.rpartition(".")[2] for name in texts}
    assert {"ipynb", "log", "html", "json"} <= kinds
    leaks = [(name, value) for name, text in texts.items() for value in VALUES if value in text]
    assert leaks == []
