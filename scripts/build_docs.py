#!/usr/bin/env python3
"""Build the documentation site from the notebooks, the contracts, the bundle and docs/.

    python scripts/build_docs.py            build it in _docs/; open _docs/index.html
    python scripts/build_docs.py --serve    build it, then serve it on this machine
    python scripts/build_docs.py --strict   a warning or a broken link is an error (CI)

No notebook is executed, no Spark is started and nothing is fetched.
"""

import argparse
import logging
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from docs_site.links import broken
from docs_site.site import ROOT, build
from mkdocs.exceptions import Abort


def serve(folder: Path, port: int) -> None:
    """Serve the built site until Ctrl-C."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"the site is at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "_docs", help="default: _docs/")
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    parser.add_argument("--serve", action="store_true", help="serve it when it is built")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="build_docs: %(message)s")
    try:
        build(options.out, options.strict)
    except Abort as error:
        print(f"build_docs: {error}", file=sys.stderr)
        return 1
    problems = broken(options.out)
    for problem in problems:
        print(f"build_docs: {problem}", file=sys.stderr)
    if problems and options.strict:
        return 1
    if options.serve:
        serve(options.out, options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
