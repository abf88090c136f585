"""Newdomain, gold: what analysts read."""

from data_ops.pipelines import pipeline

newdomain = pipeline("newdomain")

newdomain.gold("gold_newdomain_kinds")
