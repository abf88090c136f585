"""Tables of two lakehouses, compared without the columns that depend on the run."""

from pathlib import Path
from urllib.parse import urlsplit

from chispa import assert_df_equality

from tests.integration import deltas


def plain(lakehouse, table: str):
    """The columns that depend on the data alone."""
    frame = lakehouse.table(table)
    return frame.select(*[name for name in frame.columns if not name.startswith("_")])


def assert_same_tables(first, second) -> None:
    """Silver, quarantine and gold of one domain hold the same rows in both lakehouses."""
    for name in first.names():
        if name.startswith(("silver", "gold")):
            assert_df_equality(
                plain(first, name),
                plain(second, name),
                ignore_row_order=True,
                ignore_nullable=True,
                ignore_metadata=True,
            )


def piped_settings(lakehouse):
    """Settings of a lakehouse whose tables pipelines make: they say where the files are."""
    return lakehouse.settings.model_copy(update={"source": str(lakehouse.source)})


def contents(lakehouse) -> dict[str, list[tuple]]:
    """The rows of each table of a domain without what depends on the run, read without Spark."""
    schema = lakehouse.settings.schema_of(lakehouse.domain.name)
    warehouse = Path(urlsplit(lakehouse.spark.conf.get("spark.sql.warehouse.dir")).path)
    return {name: deltas.data(warehouse / f"{schema}.db" / name) for name in lakehouse.names()}
