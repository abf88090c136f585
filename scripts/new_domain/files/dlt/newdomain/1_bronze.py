"""Newdomain, bronze: a streaming table of the raw files; only new files are read."""

from data_ops.pipelines import pipeline

newdomain = pipeline("newdomain")

newdomain.bronze("newdomain")
