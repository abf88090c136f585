"""Small frames of the columns that a rule speaks of; other columns would only cost time."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyspark.sql import functions as F

from data_ops.operations.contracts import Contract
from tests.unit.domains.member.frames import frame


def frame_for(spark, contract: Contract, rows: Iterable[Mapping[str, object]], sql: str, *more):
    """Rows as a frame of those columns of `contract` that `sql` names; lists become arrays.

    It is one partition, so that nothing need be shuffled.
    """
    named = [column for column in contract.columns if re.search(rf"\b{column.name}\b", sql)]
    arrays = {column.name: column.type for column in named if column.type.startswith("ARRAY")}
    texts = [
        replace(column, type="STRING") if column.name in arrays else column for column in named
    ]
    known = {*contract.names, *more}
    wanted = {*(column.name for column in named), *more}
    values = []
    for row in rows:
        assert set(row) <= known, f"{contract.name} has no column {set(row) - known}"
        values.append({name: _text(value) for name, value in row.items() if name in wanted})
    plain = frame(spark, replace(contract, columns=tuple(texts)), values, *more)
    for name, kind in arrays.items():
        plain = plain.withColumn(name, F.from_json(name, kind))
    return plain.coalesce(1)


def _text(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value
