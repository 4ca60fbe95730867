"""The interactive page: what stands in it; nothing is loaded, and no name breaks out."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.diagram.interactive.document import framed, harmless
from cnnlang.cli.group import command

DRAWN = [
    ("examples/lenet5.cnn", None),
    ("examples/googlenet.cnn", None),
    ("examples/resnet.cnn", "ResNet152"),
    ("examples/unet.cnn", "UNet"),
    ("examples/unet.cnn", "UNetNamed"),
    ("examples/siamese.cnn", None),
    ("examples/textcnn.cnn", None),
]
networks = pytest.mark.parametrize(("file", "network"), DRAWN, ids=str)


class Page(HTMLParser):
    """The elements of a page as a browser would see them."""

    VOID = ("meta", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    @property
    def data(self) -> Any:
        """What the script reads."""
        return json.loads(self.texts["script"][0])

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def page(file: str, network: str | None = None, **options: Any) -> Page:
    return Page(cnnlang.draw(file, network, format="html", **options).decode())


# --- what is in it -------------------------------------------------------------------------------


@networks
def test_the_page_is_whole(file: str, network: str | None) -> None:
    """Elements are closed, ids are unique, and every link leads to an element."""
    found = page(file, network)
    assert found.open == []
    assert [i for i, number in Counter(found.ids).items() if number > 1] == []
    ids = set(found.ids)
    for view in found.data["views"].values():
        ends = [end for pair in view["ends"].values() for end in pair]
        assert {*view["parts"], *view["frames"], *view["ends"], *ends} <= ids
        held = [key for frame in view["frames"].values() for key in frame["holds"]]
        assert set(held) <= ids


@networks
def test_every_layer_is_in_the_table_and_in_the_pictures(file: str, network: str | None) -> None:
    graph = compile_file(file, network)[0]
    data = page(file, network).data
    every = list(range(len(graph.nodes)))
    assert [each["path"] for each in data["layers"]] == [".".join(n.path) for n in graph.nodes]
    assert {row["layer"] for row in data["rows"] if "layer" in row} == set(every)
    for key in {"graph", "all"} & set(data["views"]):
        shown = [i for part in data["views"][key]["parts"].values() for i in part]
        assert sorted(shown) == every


@networks
def test_drawings_show_what_has_weights(file: str, network: str | None) -> None:
    data = page(file, network).data
    heavy = {i for i, each in enumerate(data["layers"]) if each["weights"] != "0"}
    for key in ("blocks", "volumes"):
        shown = {i for part in data["views"][key]["parts"].values() for i in part}
        assert heavy <= shown


def test_lines_are_those_of_the_source() -> None:
    data = page("examples/lenet5.cnn").data
    text = data["sources"][0]["text"].split("\n")
    first = next(each for each in data["layers"] if each["path"] == "conv1")
    file, line = first["line"]
    assert (file, text[line - 1].strip()) == (0, "conv(6, 5x5) -> tanh")


def test_files_that_are_used_come_along(tmp_path: Path) -> None:
    (tmp_path / "parts.cnn").write_text("block B(n) { conv(n, 1x1) -> relu }\n")
    file = tmp_path / "net.cnn"
    file.write_text('use B from "parts.cnn"\nnetwork N { input 3x8x8\n B(4)\n B(5) }\n')
    data = page(str(file)).data
    assert [each["name"] for each in data["sources"]] == ["net.cnn", "parts.cnn"]
    assert [each["line"] for each in data["layers"][1:]] == [[1, 1]] * 4
    assert [row["line"] for row in data["rows"] if "module" in row] == [[0, 3], [0, 4]]


def test_repetitions_have_a_picture_of_their_own_where_there_are_some() -> None:
    assert list(page("examples/lenet5.cnn").data["views"]) == ["graph", "blocks", "volumes"]
    views = page("examples/resnet.cnn", "ResNet50").data["views"]
    assert list(views) == ["graph", "all", "blocks", "volumes"]
    assert len(views["all"]["parts"]) > len(views["graph"]["parts"])


def test_of_a_very_large_network_there_are_overviews(tmp_path: Path) -> None:
    file = tmp_path / "net.cnn"
    file.write_text("network N { input 2x4x4\n repeat 801 { maxpool(1) } }")
    data = page(str(file)).data
    assert (list(data["views"]), data["first"]) == (["blocks", "volumes"], "blocks")


def test_options_say_how_it_opens() -> None:
    plain = page("examples/lenet5.cnn")
    assert (plain.data["first"], plain.data["theme"]) == ("graph", "Auto")
    assert "color-scheme: light dark" in plain.texts["style"][0]
    asked = page("examples/lenet5.cnn", style="volumes", theme="dark").data
    assert (asked["first"], asked["theme"]) == ("volumes", "Dark")
    assert page("examples/lenet5.cnn", direction="LR").data["views"]["graph"]["along"] == "LR"


def test_large_pages_stay_small() -> None:
    for file, network in (("googlenet", None), ("resnet", "ResNet152")):
        assert len(cnnlang.draw(f"examples/{file}.cnn", network, format="html")) < 1_500_000


def test_the_command_writes_it(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    run = CliRunner().invoke(command, ["draw", "examples/lenet5.cnn", "-o", str(target)])
    assert run.exit_code == 0
    assert target.read_bytes() == cnnlang.draw("examples/lenet5.cnn", format="html")


def test_a_notebook_shows_it_in_a_frame() -> None:
    figure = cnnlang.draw("examples/lenet5.cnn", format="html")
    shown = figure._repr_html_()
    assert shown is not None
    ((tag, attributes),) = Page(shown).elements
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts allow-modals"
    assert attributes["srcdoc"] == figure.decode()
    assert cnnlang.draw("examples/lenet5.cnn")._repr_html_() is None


# --- nothing is loaded, nothing breaks out -------------------------------------------------------


def test_nothing_is_loaded() -> None:
    """No address but those that name the vocabulary of SVG, and a policy that forbids the rest."""
    html = cnnlang.draw("examples/resnet.cnn", "ResNet50", format="html").decode()
    assert set(re.findall(r"\w+://[^\"'\s)]+", html)) == {"http://www.w3.org/2000/svg"}
    found = Page(html)
    loading = {"src", "href", "xlink:href", "srcset", "action", "background", "style"}
    for tag, attributes in found.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "image", "use")
        assert not loading & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    policy = next(a["content"] for _, a in found.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy and "http" not in policy
    assert "url(" not in html and "@import" not in html


EVIL = [
    "</script>", "<script>hacked=1</script>", "<!--", "-->", "]]>", "</style>", "</svg>",
    "</title>", "<img src=x onerror=hacked=1>", "'", "&lt;", "&#60;", "`", "g<0>", "://", "x" * 8,
]  # fmt: skip
WORSE = [*EVIL, "{{script}}", "{{data}}", "`${hacked=1}`", "\\g<0>", "\\u003c", '"', "a\tb"]
"""What a comment may have, but no label."""
labels = st.lists(st.sampled_from(EVIL), min_size=1, max_size=3).map("".join)
comments = st.lists(st.sampled_from(WORSE), max_size=5).map("".join)


def program(names: list[str], comment: str) -> str:
    lines = [f'    "{name}": conv(2, 1x1)' for name in names]
    return "\n".join([f"# {comment}", "network N {", "    input 2x4x4", *lines, "}", ""])


@settings(max_examples=10, deadline=None)
@given(st.lists(labels, min_size=1, max_size=4, unique=True), comments)
def test_no_name_breaks_out(tmp_path_factory: Any, names: list[str], comment: str) -> None:
    """The page is that of a network with other names, but for the marks of its pictures."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "evil.cnn").write_text(program(names, comment), encoding="utf-8")
    (folder / "good.cnn").write_text(program(["a", "b", "c", "d"][: len(names)], "x"))
    evil, good = page(str(folder / "evil.cnn")), page(str(folder / "good.cnn"))
    assert others(evil) == others(good)
    assert set(tags(evil)) <= {*tags(good), *DRAWN_WITH}
    assert evil.open == []
    assert evil.texts["script"][1:] == good.texts["script"][1:]
    assert [each["path"] for each in evil.data["layers"][1:]] == names
    assert evil.data["sources"][0]["text"] == program(names, comment)


DRAWN_WITH = ("g", "path", "polygon", "rect", "text")
"""What pictures are made of: how many there are depends on how long names are."""


def tags(found: Page) -> list[str]:
    return [tag for tag, _ in found.elements]


def others(found: Page) -> list[str]:
    return [tag for tag in tags(found) if tag not in DRAWN_WITH]


def test_a_network_with_labels_like_markup(tmp_path: Path) -> None:
    names = ["</script><script>hacked=1</script>", "<!--<script>", "-->", "it's &amp;"]
    file = tmp_path / "<b>&amp;.cnn"
    file.write_text(program(names, "</script>"), encoding="utf-8")
    found = page(str(file))
    assert [each["path"] for each in found.data["layers"][1:]] == names
    assert found.data["sources"][0]["name"] == "<b>&amp;.cnn"
    assert tags(found).count("script") == 2


@given(st.text())
def test_data_are_harmless(text: str) -> None:
    written = harmless([text])
    assert json.loads(written) == [text]
    assert written.isascii() and not set("<>&") & set(written)


def test_a_frame_holds_any_page() -> None:
    evil = "\"'><script>&amp;</iframe>"
    ((_, attributes),) = Page(framed(evil)).elements
    assert attributes["srcdoc"] == evil
