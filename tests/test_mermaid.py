"""Mermaid text: its structure, its words, and that no name of a file means anything to it.

The texts of the library and the examples were read by the parser of Mermaid 11 itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends import diagram
from cnnlang.backends.diagram import Look
from cnnlang.backends.diagram.mermaid import ESCAPED, escaped, limits
from cnnlang.cli.group import command
from tests.test_diagram import ALL, EXAMPLES

NODE = re.compile(r'  +(n\d+)(?:\(\[|\[\[|\(\(|\()"([^"]*)"(?:\]\)|\]\]|\)\)|\))')
EDGE = re.compile(r'  (n\d+) (?:-->|==>)(?:\|"[^"]*"\|)? (n\d+)')
FRAME = re.compile(r'  +subgraph s\d+\["[^"]*"\]|  +end')
LOOK = re.compile(r"  (?:classDef|class|linkStyle) [\w,]+ \S+")


def chart(file: str, network: str | None = None, **look: object) -> str:
    graph = compile_file(file, network)[0]
    return diagram.draw(graph, "mermaid", Look(**look)).data.decode()  # type: ignore[arg-type]


@pytest.mark.parametrize("look", [{}, {"depth": 1}, {"highlight": "macs", "direction": "LR"}])
@pytest.mark.parametrize(("file", "network"), ALL)
def test_every_line_is_one_of_a_flowchart(
    file: str, network: str | None, look: dict[str, object]
) -> None:
    """Nodes are there before their edges, every frame is closed, all operands have an edge."""
    title, *lines = chart(str(EXAMPLES / f"{file}.cnn"), network, **look).splitlines()[1:]
    assert title.startswith('title: "')
    assert lines[:2] == ["---", f"flowchart {'LR' if 'direction' in look else 'TD'}"]
    nodes, depth = set(), 0
    for line in lines[2:]:
        if node := NODE.fullmatch(line):
            nodes.add(node[1])
        elif edge := EDGE.fullmatch(line):
            assert {edge[1], edge[2]} <= nodes
        elif FRAME.fullmatch(line):
            depth += -1 if line.endswith("end") else 1
            assert depth >= 0
        else:
            assert LOOK.fullmatch(line), line
    assert depth == 0


def test_blocks_shapes_and_skips() -> None:
    text = chart("examples/unet.cnn", "UNetNamed")
    assert 'subgraph s1["enc1  Double  38.8k params"]' in text
    assert '("Conv 3×3  conv1<br/>3 → 64 · pad same<br/>BN · ReLU<br/>1.86k params")' in text
    assert 'n0 -->|"3×H×W"| n1' in text
    assert text.count("==>") == 4
    (skips,) = re.findall(r"linkStyle (\S+) stroke:#D55E00", text)
    edges = [line for line in text.splitlines() if EDGE.fullmatch(line)]
    assert [i for i, line in enumerate(edges) if "==>" in line] == list(map(int, skips.split(",")))


def test_folded_blocks_and_closed_modules() -> None:
    assert '["1 – 2  Bottleneck × 2  141k params"]' in chart("zoo:resnet50")
    closed = chart("zoo:resnet50", depth=1)
    assert '[["layer3  Bottleneck × 6<br/>→ 1024×ceil#40;H/16#41;' in closed
    assert "subgraph" not in closed
    assert 'title: "ResNet50.layer1"' in chart("zoo:resnet50", only="layer1")


def test_names_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(
        'network N { input 3x8x8\n "a]\\"); click n0 <b>`x`": conv(4, 1x1)\n'
        ' "end": stack { conv(3, 1x1) -> conv(3, 1x1) } }'
    )
    text = chart(str(path))
    assert "click n0 #60;b#62;#96;x#96;<br/>" in text
    assert not re.search(r"[<>](?!br/>|-)", text.replace("<br/>", "").replace("-->", ""))
    assert 'subgraph s1["end  ' in text
    for line in text.splitlines()[4:]:
        assert any(form.fullmatch(line) for form in (NODE, EDGE, FRAME, LOOK)), line


def test_letters() -> None:
    assert escaped("a\x00\n" + "x" * 99) == "a??" + "x" * 56 + "…"
    shown = "".join(map(chr, ESCAPED))
    assert re.fullmatch(r"(#\d+;)+", escaped(shown))


def test_what_mermaid_does_not_draw_is_said() -> None:
    assert limits("a --> b\n") == ()
    (said,) = limits("a --> b\n" * 501)
    assert said.startswith("Mermaid draws 500 edges and 50,000 letters at the most, this has 501")


def test_the_command(tmp_path: Path) -> None:
    output = tmp_path / "net.mmd"
    run = CliRunner().invoke
    assert run(command, ["draw", "examples/lenet5.cnn", "-o", str(output)]).exit_code == 0
    assert output.read_text("utf-8") == chart("examples/lenet5.cnn")
    assert cnnlang.draw("examples/lenet5.cnn", output=output).format == "mermaid"
    for options in (["--style", "blocks"], ["--width", "8cm"], ["--theme", "auto"]):
        wrong = run(command, ["draw", "examples/lenet5.cnn", "-o", str(output), *options])
        assert wrong.exit_code == 2
