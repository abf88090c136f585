"""The documentation site: Markdown pages made from notebooks, contracts, rules and the bundle.

Nothing is executed and no Spark is started: notebooks are read with the outputs they keep, code
by its syntax, and contracts, rules and commands by importing the package.
"""
