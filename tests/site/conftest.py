"""The built site, and a browser that opens it from disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# What a build needs neither: a network, nor Java.
BUILD = """
import runpy, socket, sys

def refused(*_):
    raise OSError("the build asked for the network")

socket.socket.connect = socket.getaddrinfo = refused
sys.argv = ["build_docs.py", "--strict", "--out", sys.argv[1]]
runpy.run_path("scripts/build_docs.py", run_name="__main__")
"""

# Diagrams are drawn in closed shadow trees; here they are open, so that a test can look inside.
OPEN_SHADOWS = """
const attach = Element.prototype.attachShadow
Element.prototype.attachShadow = function (options) {
  return attach.call(this, { ...options, mode: "open" })
}
"""
DRAWN = "document.querySelectorAll('pre.mermaid').length === 0"


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The site, built strictly."""
    out = tmp_path_factory.mktemp("site")
    env = os.environ | {"PATH": "", "JAVA_HOME": "", "PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return out


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system's own."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, built):
    """Calls open a page of the site from disk, in a context of its own."""
    contexts = []

    def opened(address: str, scheme: str = "light", width: int = 1280):
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        context.add_init_script(OPEN_SHADOWS)
        contexts.append(context)
        page = context.new_page()
        page.goto((built / address).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
