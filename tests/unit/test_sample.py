"""The sample that every clone carries."""

from data_ops.config import project_root

SAMPLE = project_root() / "data/sample"


def test_the_sample_is_small_enough_for_every_clone():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*.gz")) <= 3_000_000


def test_the_sample_says_where_it_comes_from():
    assert (SAMPLE / "PROVENANCE.txt").stat().st_size > 200
