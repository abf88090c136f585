"""Small frames of a contract's columns and types, from rows that name only what matters."""

from collections.abc import Iterable, Mapping

from pyspark.sql import functions as F

from data_ops.operations.contracts import Contract


def frame(spark, contract: Contract, rows: Iterable[Mapping[str, object]], *more: str):
    """Rows as a frame of `contract`, NULL where a row is silent, with `more` text columns."""
    names = [*contract.names, *more]
    types = [*(column.type for column in contract.columns), *("STRING" for _ in more)]
    values = []
    for row in rows:
        unknown = set(row) - set(names)
        assert not unknown, f"{contract.name} has no column {unknown}"
        values.append([None if row.get(name) is None else str(row[name]) for name in names])
    texts = spark.createDataFrame(values, ", ".join(f"{name} STRING" for name in names))
    return texts.select(
        *(F.col(name).cast(kind).alias(name) for name, kind in zip(names, types, strict=True))
    )
