"""Many cases, one Spark action: examples are collected first and go into one frame, numbered."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy


def examples(strategy: SearchStrategy, number: int = 200) -> list:
    """`number` different examples of `strategy`, the same ones on every run."""
    found = []

    @settings(max_examples=number, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(example):
        found.append(example)

    collect()
    return found
