"""A pytest plugin that makes each notebook of `nbs/` a test.

The cells run in this process by nbdev's own machinery, so a notebook that asks for Spark gets the
session of all the others, and one that does not ask starts none. Cells that `nbdev_test` leaves out
(`#| eval: false` and the `tst_flags` of settings.ini) are left out here, too.
"""

import re
import sys
import traceback
from pathlib import Path

import pytest


def pytest_collect_file(file_path: Path, parent):
    """Numbered notebooks and the index."""
    in_nbs = file_path.parent == parent.config.rootpath / "nbs"
    if in_nbs and re.fullmatch(r"(\d.*|index)\.ipynb", file_path.name):
        return NotebookFile.from_parent(parent, path=file_path)
    return None


class NotebookFile(pytest.File):
    """A notebook on disk."""

    def collect(self):
        yield NotebookItem.from_parent(self, name=self.path.stem)


class CellFailed(Exception):
    """A cell raised; the text is the whole report."""


class NotebookItem(pytest.Item):
    """One notebook, run from its first cell until one fails."""

    def runtest(self):
        from execnb.shell import CaptureShell  # takes a second, which other tests need not pay
        from nbdev.config import get_config
        from nbdev.frontmatter import FrontmatterProc
        from nbdev.process import NBProcessor

        flags = set(get_config(path=self.path.parent).tst_flags.split())
        notebook = NBProcessor(self.path, procs=FrontmatterProc, process=True).nb
        if str(getattr(notebook, "frontmatter_", {}).get("skip_exec", "")).lower() == "true":
            pytest.skip("skip_exec")
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell's own
            patch.setattr(sys, "path", sys.path[:])
            patch.setenv("IN_TEST", "1")  # as nbdev_test tells its notebooks
            patch.chdir(self.path.parent)
            shell = CaptureShell(self.path)
            try:
                shell.run_all(notebook, exc_stop=True, preproc=lambda cell: _left_out(cell, flags))
            except (Exception, SystemExit) as error:
                source = notebook.cells[shell._cell_idx - 1].source
                raise CellFailed(self._report(source, error, shell.user_ns)) from None

    def _report(self, source: str, error: BaseException, namespace: dict) -> str:
        """The cell with a mark at the line that failed, the error, and where it was raised."""
        frames = list(traceback.walk_tb(error.__traceback__))
        failed = next((line for frame, line in frames if frame.f_globals is namespace), None)
        if isinstance(error, SyntaxError) and failed is None:
            failed = error.lineno
        cell = [
            f"{'>' if number == failed else ' '} {line}"
            for number, line in enumerate(source.splitlines(), 1)
        ]
        told = "".join(traceback.format_exception_only(error)).split("JVM stacktrace")[0].strip()
        inside = [(frame.f_code.co_filename, line) for frame, line in frames]
        package = self.config.rootpath / "data_ops"
        ours = [f"{at}:{line}" for at, line in inside if Path(at).is_relative_to(package)]
        place = [f"at {at}" for at in ours[-1:]]
        return "\n".join([*cell, "", *told.splitlines()[:20], *place])

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, CellFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, f"notebook {self.path.name}"


def _left_out(cell, flags: set[str]) -> bool:
    """Does nbdev_test pass over this cell?"""
    directives = getattr(cell, "directives_", None) or {}
    unevaluated = directives.get("eval:", [""])[0].lower() == "false"
    return cell.cell_type == "code" and (unevaluated or bool(flags & directives.keys()))
