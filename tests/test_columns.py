"""Long graphs in columns: where they are cut, what stands at the cuts, and that nothing is lost."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.diagram import Look
from cnnlang.backends.diagram.columns import columns, guessed, ordered, wished
from cnnlang.backends.diagram.drawing import Text
from cnnlang.backends.diagram.figure import split
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.scaling import extent
from cnnlang.backends.diagram.scopes import Scene
from cnnlang.backends.diagram.tracing import traced

LONG = ["resnet50", "googlenet", "densenet121", "mobilenet_v2", "vgg16_bn"]


def scene_of(name: str) -> Scene:
    return scene(compile_file(f"zoo:{name}")[0], Look())


@pytest.mark.parametrize("name", LONG)
def test_one_tensor_passes_from_each_column_to_the_next(name: str) -> None:
    found = scene_of(name)
    parts = columns(found, guessed(found), Look(columns=3))
    assert len(parts) == 3
    assert sorted(unit.key for part in parts for unit in part.units) == sorted(
        unit.key for unit in found.units
    )
    for before, after in pairwise(parts):
        entering = {each for unit in after.units for each in unit.inputs} - {*after.units}
        assert len(entering) == 1
        assert entering < {*before.units}


def test_blocks_are_not_cut() -> None:
    found = scene_of("resnet152")
    for part in columns(found, guessed(found), Look(columns=4)):
        for scope in {each for unit in part.units for each in unit.scope.around if each.title}:
            assert {*scope.units()} <= {*part.units}


def test_heads_stand_beside_what_they_hang_on() -> None:
    order = [unit.key for unit in ordered(scene_of("googlenet").units)]
    names = {unit.key: unit for unit in scene_of("googlenet").units}
    ends = [i for i, key in enumerate(order) if names[key].ends]
    assert names[order[ends[-1]]].name == "Output"
    first = next(i for i, key in enumerate(order) if "inception4b" in str(names[key].scope.names))
    assert ends[0] < first


def test_how_many_columns_suit_a_graph() -> None:
    assert wished(300, 1200, None) == 1
    assert wished(470, 3830, None) == 2
    assert wished(330, 8000, None) == 4
    assert wished(330, 8000, 500.0) == 2
    assert wished(330, 8000, 100.0) == 1


def test_marks_lead_from_column_to_column() -> None:
    found = scene_of("vgg16_bn")
    parts = columns(found, guessed(found), Look(columns=3))
    heading, first, second, third = (each.source for each in split(found, "light", parts))
    assert "VGG16_BN" in heading
    assert (first.count("-> column1"), first.count("column1 ->")) == (1, 0)
    assert (second.count("column1 ->"), second.count("-> column2")) == (1, 1)
    assert (third.count("column2 ->"), third.count("column3")) == (1, 0)
    assert "<B>features</B>" in second
    assert ">…<" in second
    assert re.search(r'column1 -> n\d+ \[label=" [^"]+"', second)


def test_the_page_holds_every_column(tmp_path: Path) -> None:
    """No text of one column lies on another, and all of them are on the page."""
    svg = cnnlang.draw("zoo:googlenet", style="graph").decode()
    drawing = traced(svg)
    assert drawing.sheet == pytest.approx((0, 0, *extent(svg)), abs=0.1)
    boxes = [mark.box for mark in drawing.flat if isinstance(mark, Text) and mark.text.strip()]
    left, top, right, bottom = drawing.sheet
    assert all(left < a and top < b and c < right and d < bottom for a, b, c, d in boxes)
    assert not any(
        a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 1 and b[1] < a[3] - 1
        for a, b in combinations(boxes, 2)
    )
    names = re.findall(r' id="([^"]+)"', svg)
    assert len(names) == len({*names})
    assert "?" not in "".join(mark.text for mark in drawing.flat if isinstance(mark, Text))


def test_a_number_of_columns_can_be_asked_for() -> None:
    one, two = (cnnlang.draw("zoo:vgg11", style="graph", columns=n).decode() for n in (1, 2))
    assert extent(two)[1] < 0.7 * extent(one)[1]
    with pytest.raises(ValueError, match="columns are for the style graph, downwards"):
        cnnlang.draw("zoo:vgg11", style="blocks", columns=2)
    with pytest.raises(ValueError, match="`columns` is a whole number from 1 on, not 0"):
        cnnlang.draw("zoo:vgg11", columns=0)


def test_rates_of_dropped_paths_do_not_keep_blocks_apart() -> None:
    text = cnnlang.draw("zoo:convnext_tiny", style="graph", format="dot").decode()
    assert "DropPath 0.035 – 0.076" in text or re.search(r"DropPath 0\.\d+ – 0\.\d+", text)
    assert "× 9" in text
