"""Hostile input: an answer within seconds, a message at a place, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnlang.api import CompileError, check, compile_file, draw
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.tangle import drawable
from cnnlang.backends.rendering import RenderError
from cnnlang.compilation import check_source
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.diagnostics.text import render
from cnnlang.sources import fetch

SECONDS = 90.0
"""Of processor time, for a machine several times slower than a laptop."""


def network(body: str, before: str = "", shape: str = "3x32x32") -> str:
    return f"{before}\nnetwork N {{\n    input x: {shape}\n    {body}\n}}\n"


def examine(text: str, seconds: float = SECONDS) -> set[str]:
    """The codes of the errors; every message has its place and can be shown."""
    start = time.process_time()
    found = check_source(Source("net.cnn", text), fetch)
    assert time.process_time() - start < seconds
    assert all(each.span and each.span.end <= len(text) for each in found)
    assert max(map(len, render(found).splitlines()), default=0) <= 100
    return codes(found)


def codes(found: list[Diagnostic]) -> set[str]:
    return {each.code for each in found if each.severity is Severity.ERROR}


def lines(*parts: str) -> str:
    return "\n    ".join(parts)


LISTS = [f"let a{i + 1} = [a{i}, a{i}]" for i in range(60)]
SQUARES = [f"let a{i + 1} = a{i} ** 2" for i in range(100)]
BINARY = "fn f(n) = 1 if n == 0 else f(n - 1) + f(n - 1)"
PRIMES = (7, 11, 13, 17, 19, 23, 29, 31)


HOSTILE = {
    "range": (network("for i in range(1_000_000_000_000) { relu }"), {"A219"}),
    "range of a real": (network("for i in range(1e12) { relu }"), {"A219"}),
    "repeat": (network("repeat 10 ** 9 { relu }"), {"A211"}),
    "repeats": (network("repeat 1000 { repeat 1000 { repeat 1000 { relu } } }"), {"E303"}),
    "empty repeats": (network("repeat 1000 { repeat 1000 { repeat 1000 { } } }"), {"E302"}),
    "mistakes in a loop": (network("repeat 100_000 { konv(3) }"), {"N114"}),
    "a block in itself": (network("A", "block A { A }"), {"E304"}),
    "blocks in one another": (network("A", "block A { B }\nblock B { A }"), {"E304"}),
    "twice in itself": (network("A", "block A { concat { | A | A } }"), {"E304"}),
    "in a loop in itself": (network("A", "block A { repeat 2 { A } }"), {"E304"}),
    "given to itself": (network("A(A)", "block A(X) { X(X) }"), {"E304"}),
    "a function in itself": (network("conv(f(1), 1)", "fn f(n) = f(n + 1)"), {"E304"}),
    "functions": (network("conv(f(1), 1)", "fn f(n) = g(n)\nfn g(n) = f(n)"), {"E304"}),
    "in a default": (network("conv(f(1), 1)", "fn f(n, m = f(n)) = 1"), {"E304"}),
    "doubling calls": (network("conv(f(90), 1)", BINARY), {"E302"}),
    "a shared piece in itself": (network(lines("shared s { s }", "s")), {"N117"}),
    "a shared call of itself": (network(lines("shared s = s", "s")), {"A227"}),
    "networks": ("network A = B()\nnetwork B = A()\n", {"N125"}),
    "a network of itself": ("network A = A()\n", {"N125"}),
    "doubling lists": (
        network(lines("let a0 = [1]", *(f"let a{i + 1} = a{i} + a{i}" for i in range(40)))),
        {"E301"},
    ),
    "lists of lists": (network(lines("let a0 = [1]", *LISTS, "conv(a60, 3)")), {"E301"}),
    "comparisons": (
        network("repeat 100_000 { if r == s { relu } }", "let r = range(100_000)\nlet s = r"),
        {"E302"},
    ),
    "powers": (network("let a = 10 ** 10 ** 10"), {"A216"}),
    "real powers": (network("let a = 2.0 ** 100_000"), {"A216"}),
    "squares": (network(lines("let a0 = 2", *SQUARES)), {"A216"}),
    "a long sum": (network("let a = " + "1 + " * 100_000 + "1"), {"P012"}),
    "a long index": (network("let a = b" + "[0]" * 50_000), {"P012"}),
    "parentheses": (network("let a = " + "(" * 50_000 + "1" + ")" * 50_000), {"P012"}),
    "braces": (network("stack { " * 50_000 + "relu" + " }" * 50_000), {"P012"}),
    "else if": (network("if false { relu }" + " else if false { relu }" * 9000), {"P012"}),
    "strides": (
        network(lines(*(f"conv(1, 1, stride={n})" for n in PRIMES)), shape="1xHxW"),
        {"E305"},
    ),
    "a huge stride": (network("conv(1, 1, stride=1_000_000)", shape="1xHxW"), {"E305"}),
    "a long period": (
        network(lines(*["conv(1, 1, stride=99_991) -> upsample(3)"] * 99), shape="1xHxW"),
        {"E305", "E302"},
    ),
    "mixed sizes": (
        network(lines("flatten", *["concat { | identity | identity }"] * 60), shape="3xHxW"),
        {"E305"},
    ),
    "growing maps": (network("repeat 400 { upsample(1_000_000) }"), {"E305"}),
    "an endless map": (network("upsample(1e308)"), {"E305"}),
    "inputs": (network("relu", shape="[1, 2 ** 31, 3]"), {"A229"}),
    "many mistakes": (network(lines(*["konv(3)"] * 20_000)), {"N114", "E306"}),
    "many names": (
        network(lines(*(f"let a{i} = q{i}" for i in range(20_000)))),
        {"N101", "E306"},
    ),
    "NUL": (network("re\0lu"), {"P006", "P020"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(name: str) -> None:
    text, expected = HOSTILE[name]
    found = examine(text)
    assert found
    assert found <= expected


@pytest.mark.parametrize(
    "text",
    [
        network("R(990)", "block R(n) {\n conv(1, 1x1)\n if n > 0 { R(n - 1) }\n}"),
        network("R(300)", "block R(n) { residual { concat { if n > 0 { | stack { R(n - 1) } } "
                "else { | relu } } } }"),
        network("repeat 100_000 { conv(8, 3x3, padding=1) }"),
        network(lines(*["conv(8, 3x3, padding=1)"] * 10_000)),
        network("relu" + " -> relu" * 20_000),
        network("conv(2 ** 62, 3x3) -> conv(2 ** 62, 3x3)\n require params > 5 and macs > 5"),
        network("conv(8, 3x3)", shape="2147483647x2147483647x2147483647"),
        network("stack { " * 190 + "relu" + " }" * 190),
        network(lines(*(f"a{i}: relu" for i in range(3000)),
                      f"concat({', '.join(f'a{i}' for i in range(3000))})")),
        network(lines(*(f"x -> conv(1, {k + 1}, stride={k})" for k in range(1, 300))),
                shape="1xHxW"),
        "".join(f"network N{i} {{\n input 3x8x8\n repeat 9 {{ relu }}\n}}\n" for i in range(2000)),
    ],
    ids=range(11),
)  # fmt: skip
def test_large_programs(text: str) -> None:
    assert examine(text) == set()


def test_long_chains_of_variants() -> None:
    text = "network N0 {\n input 3x8x8\n}\n"
    text += "".join(f"network N{i + 1} = N{i}()\n" for i in range(3000))
    assert examine(text) <= {"E302"}


# --- files ---------------------------------------------------------------------------------------


def refused(path: str | Path) -> str:
    """The code of the one message about a file that cannot be read."""
    (found,) = check(str(path))
    with pytest.raises(CompileError):
        compile_file(str(path))
    return found.code


def test_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "latin").write_bytes(b"network N {\n # caf\xe9\n}")
    assert refused(tmp_path) == refused(tmp_path / "a") == refused(tmp_path / "fifo") == "P090"
    assert refused("/dev/zero") == refused(tmp_path / "none") == refused("a\0b") == "P090"
    assert refused("x" * 5000) == "P090"
    assert refused(tmp_path / "latin") == "P092"


def test_long_files(tmp_path: Path) -> None:
    path = tmp_path / "long.cnn"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(b"a" * 1_000_000)
    assert refused(path) == "P091"
    path.write_text("# " + "a" * 15_000_000)
    assert [each.code for each in check(path)] == ["N133"]


def test_closed_input() -> None:
    code = "import os; os.close(0); from cnnlang.api import check; print(check('-')[0].code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() in ("P090", "")
    assert "Traceback" not in done.stderr


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.cnn").write_text(text)
    return folder / f"{next(iter(files))}.cnn"


def test_files_that_use_one_another(tmp_path: Path) -> None:
    use = 'use B from "%s.cnn"\nblock A { relu }\n'
    alone = written(tmp_path, alone=use.replace("B", "A", 1) % "alone")
    assert codes(check(alone)) == {"N122"}
    ring = written(tmp_path, **{f"r{i}": use % f"r{(i + 1) % 9}" for i in range(9)})
    assert codes(check(ring)) == {"N122"}


def test_long_chains_of_files(tmp_path: Path) -> None:
    files = {f"f{i}": f'use B from "f{i + 1}.cnn"\n' for i in range(200)}
    main = written(tmp_path, **files, f200="block B { relu }\n")
    main.write_text(main.read_text() + network("B"))
    assert check(main) == []


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "b.txt", "folder.cnn", "none.cnn", "../x.cnn", "\\0.cnn"]
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.cnn").mkdir()
    (tmp_path / "b.txt").write_text("block B { relu }")
    main = written(tmp_path, main=f'use B from "{name}"\n' + network("B"))
    assert codes(check(main)) <= {"N120", "P008"}
    assert codes(check(main))


# --- figures -------------------------------------------------------------------------------------

DEEP = network("R(200)", "block R(n) { residual { conv(3, 1x1)\n if n > 1 { R(n - 1) } } }")
ALL = [
    f"concat({', '.join(f'a{j}' for j in range(i))})\n    a{i}: conv(3, 1x1)" for i in range(2, 40)
]
LONG = [f"a{i}: conv(3, 1x1)" for i in range(60)]
TANGLED = {
    "nests without names": network("residual { conv(3, 1x1) -> " * 100 + "relu" + " }" * 100),
    "paths that meet later": network(lines(*LONG, *(f"add(a{i}) -> relu" for i in range(60)))),
    "each takes all before": network(lines("a0: conv(3, 1x1)", "a1: conv(3, 1x1)", *ALL)),
    "a thousand branches": network("concat {\n" + "| conv(3, 1x1)\n" * 1000 + "}"),
    "one path around all": network(lines("a: relu", *["conv(3, 1x1)"] * 2000, "add(a)")),
}


@pytest.mark.parametrize("name", TANGLED)
def test_what_would_take_hours_to_lay_out_is_refused_or_drawn_otherwise(
    tmp_path: Path, name: str
) -> None:
    path = written(tmp_path, net=TANGLED[name])
    with pytest.raises(RenderError, match=r"N is too tangled .* `--style blocks`"):
        draw(path, style="graph")
    assert draw(path).startswith(b"<?xml")
    assert draw(path, style="graph", format="dot")


def test_of_a_deep_nest_the_outer_levels_are_drawn(tmp_path: Path) -> None:
    path = written(tmp_path, net=DEEP)
    with pytest.warns(UserWarning, match="modules nested deeper than 31 levels are closed"):
        assert draw(path, style="graph").startswith(b"<?xml")


def test_a_page_leaves_out_what_is_too_tangled(tmp_path: Path) -> None:
    path = written(tmp_path, net=TANGLED["nests without names"])
    assert b'id="graph"' not in draw(path, format="html")
    with pytest.raises(RenderError, match="too tangled"):
        draw(path, format="html", style="graph")


def test_the_largest_published_network_is_drawn_whole() -> None:
    graph, _ = compile_file("zoo:esrgan", "ESRGAN", {})
    scene, note = drawable(graph, Look(expand=("RRDB", "ResidualDenseBlock")))
    assert (len(scene.units), note) == (816, "")
