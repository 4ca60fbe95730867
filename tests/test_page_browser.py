"""The interactive page in Chromium, as one uses it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cnnlang
from tests.browser import Browser, Tab, installed
from tests.test_page import EVIL, program

pytestmark = pytest.mark.skipif(installed() is None, reason="no Chromium is installed")
SHIFT = 8
GAP = 8
"""Points between an arrow and the text of the node where it ends."""

Open = Callable[..., Tab]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a network; in the end nothing must have failed or been asked for."""
    tabs: list[Tab] = []

    def go(file: str, network: str | None = None, *, dark: bool = False, **options: str) -> Tab:
        target = tmp_path / "net.html"
        cnnlang.draw(file, network, output=target, **options)  # type: ignore[arg-type]
        tabs.append(browser.open(target.as_uri(), dark=dark))
        return tabs[-1]

    yield go
    for tab in tabs:
        assert tab.heard("Runtime.exceptionThrown") == []
        assert tab.heard("Log.entryAdded") == []
        asked = [each["request"]["url"] for each in tab.heard("Network.requestWillBeSent")]
        assert {url.split(":")[0] for url in asked} == {"file"} and len(asked) == 1


def count(tab: Tab, selector: str) -> int:
    """How many elements of a kind one sees."""
    found = tab.run(
        f"[...document.querySelectorAll({selector!r})]"
        ".filter(e => e.checkVisibility() && !e.closest('[hidden]')).length"
    )
    assert isinstance(found, int)
    return found


def names(tab: Tab, selector: str) -> list[str]:
    """The layers in some rows of the table."""
    rows = f"[...document.querySelectorAll({selector!r})]"
    found: list[str] = tab.run(f"{rows}.map(row => row.cells[0].textContent)")
    return found


def box(tab: Tab) -> list[float]:
    """What of the picture is in the window."""
    seen = "document.querySelector('.picture:not([hidden])')"
    return [float(n) for n in tab.run(f"{seen}.getAttribute('viewBox')").split()]


def test_search_marks_layers_in_picture_and_table(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    tab.press("/")
    assert tab.run("document.activeElement.id") == "search"
    tab.type("conv 5x5")
    assert tab.run("document.querySelector('#found').value") == "3 of 13"
    assert (count(tab, "#graph .node.match"), count(tab, "tr.match")) == (3, 3)
    tab.press("Enter")
    assert tab.run("document.querySelector('tr.selected td').textContent") == "conv1"
    tab.press("Enter")
    assert tab.run("document.querySelector('tr.selected td').textContent") == "conv2"
    tab.press("Escape")
    assert (count(tab, ".match"), count(tab, ".selected")) == (0, 0)


def test_a_click_selects_in_picture_table_and_source(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    tab.click("#graph-n4")
    assert names(tab, "tr.selected") == ["conv2", "tanh2"]
    assert tab.run("document.querySelector('#source .selected').dataset.number") == "7"
    assert "conv(16, 5x5)" in tab.run("document.querySelector('#details').textContent")
    assert "2,416" in tab.run("document.querySelector('#details').textContent")
    tab.click("#source li[data-number='10']")
    assert tab.run("document.querySelector('tr.selected td').textContent") == "flatten1"
    tab.click("tbody tr:last-child")
    assert tab.run("document.querySelector('#graph .selected').id") == "graph-n12"
    tab.press("Escape")
    assert count(tab, ".selected") == 0


def test_pointing_at_a_layer_tells_of_it(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    assert count(tab, "#details") == 0
    tab.mouse("mouseMoved", *tab.middle("#graph-n3"))
    told = tab.run("document.querySelector('#details').textContent")
    for each in ("avgpool1", "6x28x28", "6x14x14", "6x6 /2", "lenet5.cnn:6"):
        assert each in told


def test_blocks_collapse_and_expand(opened: Open) -> None:
    tab = opened("examples/googlenet.cnn", style="graph")
    tall, nodes, edges = height(tab), count(tab, "#graph .node"), count(tab, "#graph .edge")
    tab.press("C", SHIFT)
    assert count(tab, "#graph .collapsed") == 9
    few = count(tab, "#graph .node")
    assert few < nodes / 4
    assert height(tab) < tall / 2
    assert count(tab, "tr[aria-expanded='false']") == count(tab, "tr.group")
    assert not overlaps(tab)
    tab.press("E", SHIFT)
    assert (count(tab, "#graph .node"), count(tab, "#graph .edge")) == (nodes, edges)
    assert abs(height(tab) - tall) < 1
    toggle(tab, 0)
    assert count(tab, "#graph .collapsed") == 1
    assert not overlaps(tab)


@pytest.mark.parametrize(
    ("file", "network", "direction"),
    [("resnet", "ResNet50", "TB"), ("unet", "UNet", "TB"), ("siamese", None, "TB"),
     ("resnet", "ResNet18", "LR"), ("densenet", "DenseNet121", "TB")],
)  # fmt: skip
def test_any_set_of_collapsed_blocks_is_a_good_picture(
    opened: Open, file: str, network: str | None, direction: str
) -> None:
    """Layers never overlap, and every arrow ends at something that is shown."""
    tab = opened(f"examples/{file}.cnn", network, direction=direction)
    frames = tab.run("document.querySelectorAll('#graph .toggle').length")
    for step in (2, 3):
        for i in range(0, frames, step):
            toggle(tab, i)
        assert not overlaps(tab)
        assert loose(tab) == []


def toggle(tab: Tab, i: int) -> None:
    """Collapse or expand a block."""
    click = "dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    tab.run(f"document.querySelectorAll('#graph .toggle')[{i}].{click}")


def height(tab: Tab) -> float:
    """How high the picture is."""
    return float(tab.run("document.querySelector('#graph > g').getBBox().height"))


def boxes(tab: Tab, selector: str) -> dict[str, list[float]]:
    """Left, top, right, bottom of what one sees, in points of the picture."""
    found: dict[str, list[float]] = tab.run(
        "(k => Object.fromEntries("
        f"[...document.querySelectorAll({selector!r})].filter(e => !e.hasAttribute('hidden'))"
        ".map(e => [e, (e.querySelector('rect, polygon') ?? e).getBoundingClientRect()])"
        ".map(([e, b]) => [e.id, [b.left / k, b.top / k, b.right / k, b.bottom / k]])"
        "))(document.querySelector('#graph').getScreenCTM().a)"
    )
    return found


def meet(a: list[float], b: list[float], gap: float) -> bool:
    """True if two boxes come nearer than a gap, which is negative for what may overlap."""
    return all(a[i] < b[i + 2] + gap and b[i] < a[i + 2] + gap for i in (0, 1))


def overlaps(tab: Tab) -> list[tuple[str, str]]:
    """Layers that lie on one another."""
    nodes = boxes(tab, "#graph .node").items()
    return [(a, b) for a, one in nodes for b, other in nodes if a < b and meet(one, other, -1)]


def loose(tab: Tab) -> list[str]:
    """Edges whose head is not at a layer or a collapsed block."""
    ends = boxes(tab, "#graph .node, #graph .collapsed").values()
    heads = boxes(tab, "#graph .edge").items()
    return [name for name, head in heads if not any(meet(head, end, GAP) for end in ends)]


def test_the_wheel_zooms_at_the_pointer_and_dragging_moves(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    x, y = tab.middle("#graph-n1")
    before = box(tab)
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-400)
    near = box(tab)
    assert near[2] < before[2]
    assert tab.middle("#graph-n1") == pytest.approx((x, y), abs=2)
    tab.mouse("mousePressed", x, y)
    for step in (10, 20, 30):
        tab.mouse("mouseMoved", x + step, y + step)
    tab.mouse("mouseReleased", x + 30, y + 30)
    assert tab.middle("#graph-n1") == pytest.approx((x + 30, y + 30), abs=2)
    assert count(tab, ".selected") == 0


def test_the_keyboard_does_it_all(opened: Open) -> None:
    tab = opened("examples/resnet.cnn", "ResNet18", style="graph")
    tab.run("document.querySelector('#stage').focus()")
    first = box(tab)
    tab.press("ArrowDown")
    assert box(tab)[1] > first[1]
    tab.press("+")
    assert box(tab)[2] < first[2]
    tab.press("0")
    assert box(tab)[3] > first[3]
    tab.press("n"), tab.press("n")
    assert tab.run("document.querySelector('tr.selected td').textContent") == "conv1"
    tab.run("document.querySelector('tr.selected').focus()")
    for _ in range(4):
        tab.press("ArrowDown")
    assert tab.run("document.activeElement.cells[0].textContent").endswith("layer1")
    tab.press("ArrowLeft")
    assert tab.run("document.activeElement.ariaExpanded") == "false"
    assert count(tab, "#graph .collapsed") == 1
    tab.press("c")
    assert count(tab, "#graph .collapsed") == 0
    tab.press("3")
    assert tab.run("document.querySelector('.picture:not([hidden])').id") in ("blocks", "volumes")
    tab.press("?")
    assert tab.run("document.querySelector('#keys').open") is True
    tab.press("Escape")


def test_everything_can_be_reached_and_has_a_name(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    unnamed = tab.run(
        "[...document.querySelectorAll('button, input, [tabindex], svg')].filter(e =>"
        "!(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert unnamed == []
    stops = "[...document.querySelectorAll('main [tabindex=\"0\"]')].map(e => e.id || e.tagName)"
    assert tab.run(stops) == ["stage", "splitter", "TR", "source"]


@pytest.mark.parametrize("dark", [False, True])
def test_it_follows_its_surroundings_and_can_be_told(opened: Open, dark: bool) -> None:
    tab = opened("examples/lenet5.cnn", dark=dark)
    page = "getComputedStyle(document.documentElement).backgroundColor"
    node = "getComputedStyle(document.querySelector('#graph-n1 path')).fill"
    light = ("rgb(255, 255, 255)", "rgb(204, 227, 240)")
    night = ("rgb(13, 17, 23)", "rgb(33, 62, 82)")
    assert (tab.run(page), tab.run(node)) == (night if dark else light)
    tab.press("t")
    assert (tab.run(page), tab.run(node)) == light
    tab.press("t")
    assert (tab.run(page), tab.run(node)) == night


def test_paper_has_the_picture_alone(opened: Open) -> None:
    tab = opened("examples/lenet5.cnn")
    tab.ask("Emulation.setEmulatedMedia", media="print")
    assert (count(tab, "header"), count(tab, "aside"), count(tab, "#graph")) == (0, 0, 1)
    tab.ask("Emulation.setEmulatedMedia", media="screen")
    tab.settle()
    seen = box(tab)
    pdf = tab.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    end = time.monotonic() + 10
    while box(tab) != seen:
        assert time.monotonic() < end, (box(tab), seen)
        tab.settle()


def test_no_label_of_a_file_is_run(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "net.cnn"
    labels = [each for each in EVIL if each.isprintable()]
    file.write_text(program(labels, "</script><script>hacked = 1</script>"), encoding="utf-8")
    tab = opened(str(file))
    assert tab.run("typeof hacked") == "undefined"
    assert names(tab, "tbody tr")[1:] == labels


def test_scripts_from_elsewhere_do_not_run(browser: Browser, tmp_path: Path) -> None:
    """Even if something broke out, the policy of the page forbids it."""
    target = tmp_path / "net.html"
    cnnlang.draw("examples/lenet5.cnn", output=target)
    tab = browser.open(target.as_uri())
    tab.run("var script = document.createElement('script')")
    tab.run("script.textContent = 'hacked = 1'; document.body.append(script)")
    tab.run("document.body.append(new Image())")
    tab.run("document.querySelector('body > img').src = 'file:///picture.png'")
    assert tab.run("typeof hacked") == "undefined"
    told = [each["entry"]["text"] for each in tab.heard("Log.entryAdded")]
    assert ["Content Security Policy" in each for each in told] == [True, True]


def test_a_notebook_runs_it_in_its_frame(browser: Browser, tmp_path: Path) -> None:
    figure = cnnlang.draw("examples/lenet5.cnn", format="html")
    target = tmp_path / "notebook.html"
    target.write_text(f"<!DOCTYPE html><body>{figure._repr_html_()}", encoding="utf-8")
    tab = browser.open(target.as_uri())
    assert tab.heard("Runtime.exceptionThrown") == []
    assert tab.run("document.querySelector('iframe').offsetHeight") == 640
