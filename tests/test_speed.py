"""What keeps the commands fast: what they import, and work that grows as the network does.

No time is measured here; `tests/benchmarks/` does that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, SupportsIndex

import pytest

from cnnlang.backends.source.runs import grouped
from cnnlang.backends.source.structure import Part, Step
from cnnlang.compilation import Settings, check_source, compile_source
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Source
from cnnlang.graph import Graph
from cnnlang.sources import fetch
from cnnlang.syntax.format import format_source
from tests.benchmarks.programs import flat, loops, nests, residuals

ROOT = Path(__file__).resolve().parents[1]
LENET = str(ROOT / "examples" / "lenet5.cnn")
HEAVY = {
    *("torch", "numpy", "graphviz", "pygraphviz", "lark", "asyncio", "multiprocessing"),
    *("pydantic", "importlib.metadata"),
}
UNUSED = (
    *("cnnlang.api", "cnnlang.backends", "cnnlang.history", "cnnlang.syntax.generation"),
    *("cnnlang.diagnostics.text", "cnnlang.diagnostics.sarif", "cnnlang.diagnostics.jsonout"),
    *("cnnlang.layers.documentation", "cnnlang.cli.run", "cnnlang.cli.draw"),
    *("cnnlang.cli.build", "cnnlang.cli.summary"),
)


def imported(folder: Path, *call: str) -> set[str]:
    """The modules in memory after a command, in a folder without a configuration."""
    script = (
        "import atexit, sys\nfrom cnnlang.__main__ import main\n"
        f"atexit.register(lambda: print(*sys.modules))\nsys.argv[1:] = {list(call)!r}\nmain()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=environment,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    file = tmp_path / "lenet5.cnn"
    file.write_text(Path(LENET).read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_check_imports_what_it_needs(lenet: Path) -> None:
    found = imported(lenet.parent, "check", lenet.name)
    assert found & HEAVY == set()
    assert [name for name in found if name.startswith(UNUSED)] == []
    assert found & {"tomllib", "click", "dataclasses"} == set()


def test_check_makes_no_dataclass_the_slow_way(lenet: Path) -> None:
    found = imported(lenet.parent, "check", lenet.name)
    files = [
        spec.origin for name in found if name.startswith("cnnlang") if (spec := find_spec(name))
    ]
    assert len(files) > 50
    slow = re.compile(r"^from dataclasses import .*\b(dataclass|replace)\b", re.MULTILINE)
    assert [f for f in files if f and slow.search(Path(f).read_text("utf-8"))] == []


def test_formatting_validates_no_layers(lenet: Path) -> None:
    assert imported(lenet.parent, "fmt", "--check", lenet.name) & {*HEAVY, "pydantic_core"} == set()


# --- growth --------------------------------------------------------------------------------------


def calls(function: Callable[[], Any]) -> int:
    """How many functions are called meanwhile, of Python and of C."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def check(text: str) -> None:
    on, _ = lints("net.cnn")
    assert check_source(Source("net.cnn", text), fetch, on) == []


def compiled(text: str) -> Graph:
    graph, _ = compile_source(Source("net.cnn", text), fetch, None, Settings())
    assert graph is not None
    return graph


def summarise(text: str) -> None:
    from cnnlang.backends.summary import summary, table

    table(summary(compiled(text)))


def build(text: str) -> None:
    from cnnlang.backends.source import generate

    generate(compiled(text))


def draw(text: str) -> None:
    from cnnlang.backends.diagram import Look, draw

    draw(compiled(text), "svg", Look(style="blocks"))


def fmt(text: str) -> None:
    assert format_source(Source("net.cnn", text)) == (text, [])


WORK = {"check": check, "summary": summarise, "build": build, "draw": draw, "fmt": fmt}
FORMS = {"flat": flat, "loops": loops, "nests": nests, "residuals": residuals}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", WORK)
def test_work_grows_as_the_network_does(name: str, form: str) -> None:
    work, make = WORK[name], FORMS[form]
    work(make(200))
    small, large = (calls(partial(work, make(layers))) for layers in (200, 400))
    assert large < 2.3 * small


class Uncut(list[Part]):
    """A list of which no part may be copied."""

    def __getitem__(self, at: Any) -> Any:
        assert isinstance(at, SupportsIndex)
        return super().__getitem__(at)


def test_runs_of_siblings_are_found_without_copies() -> None:
    parts = Uncut(Step(i, f"conv{i + 1}", {0: None}, ()) for i in range(10))
    assert grouped(parts, lambda steps: True) == parts
