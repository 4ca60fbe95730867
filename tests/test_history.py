"""What earlier checks found changes how soon an answer comes, and never the answer."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from cnnlang import api
from cnnlang.analysis.lints import CODES
from cnnlang.compilation import Checks, Settings, afresh, check_source
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.elaborate.values import NetworkValue
from cnnlang.history import ROOM, History, Outcome, Part, Recalled
from cnnlang.syntax import ast

SHARED = """default conv(bias=false)
let width = 8

fn twice(n) = 2 * n

block Unit(filters, kernel = 3x3) {
    conv(filters, kernel, padding=1) -> batchnorm -> relu
}

block Gate {
    multiply(broadcast=true) { | identity | global_avgpool -> conv(in.channels, 1x1) -> sigmoid }
}

network Plain {
    input 3x32x32
    Unit(width) -> Gate
    conv(twice(width), 3x3) -> batchnorm
    require params <= 10K
}

network Open(classes = 10) {
    input 3xHxW
    skip: Unit(width)
    maxpool(2x2) -> Unit(width) -> upsample(2) -> add(skip)
    global_avgpool -> flatten -> dense(classes)
}

default conv(bias=true)

network Base(depth, unit = Unit) {
    input image: 3x16x16
    repeat depth { unit(4) }
    trunk: conv(4, 3x3, padding=1) -> batchnorm
    conv(2, 1x1)
    output trunk
}

network Small = Base(1)
network Deep = Base(twice(2))
"""
USING = """use Unit, Gate as Weighing from "parts.cnn"
use ResNet18 from std.resnet

network One {
    input 3x32xW
    Unit(8) -> Weighing
    conv(8, 3x3) -> batchnorm   # ignore: L611 because it is published so
}

network Two(n = 2) {
    input 3x32x32
    for i in range(n) { layer{i}: Unit(8) }
    shared piece { conv(8, 3x3, padding=1) -> relu }
    piece -> piece
    require memory(batch=8) <= 1GiB
}
"""
LINTED = """block Unit(n) { conv(n, 3x3, stride=1) -> batchnorm -> relu }
network A { input 3x32x32
    Unit(16) -> Unit(16) }

network B { input 3x32x32
    Unit(16) -> dropout(0.5) -> batchnorm }

network C {
    input 3x32x32

    conv(8, 3x3) -> batchnorm   # ignore: L611
    relu -> relu
}
network D { input 1x8x8
 sigmoid }
"""
FILES = {"net.cnn": SHARED, "using.cnn": USING, "linted.cnn": LINTED, "parts.cnn": SHARED}
PIECES = (
    *("a", "x", "1", "8", "(", ")", "{", "}", ",", "->", "\n", "\n\n", "#", '"', "=", " "),
    *("relu\n", "Unit(4)\n", "network N { input 3x8x8 }\n", "let width = 9\n", "let H = 3\n"),
    *("# ignore: L611 because\n", "block Gate { relu }\n", "default conv(bias=false)\n", "3xHxW"),
)


def check(
    name: str, files: Mapping[str, str], history: History | None, on: frozenset[str]
) -> list[Diagnostic]:
    from cnnlang import sources

    def fetch(node: ast.Use) -> Source | str:
        if not node.quoted:
            return sources.fetch(node)
        return Source(node.origin, files[node.origin]) if node.origin in files else "it is not here"

    return check_source(
        Source(name, files[name]), fetch, on, begin=history.begin if history else afresh
    )


def edited(text: str, rng: random.Random) -> str:
    """A text with a stretch of it replaced, mostly a short one."""
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((0, 0, 1, 1, 1, 3, 40)))
    other = rng.choice((rng.choice(PIECES), rng.choice(PIECES), text[end : end + 30], ""))
    return text[:start] + other + text[end:]


def assert_alike(
    found: list[Diagnostic], afresh: list[Diagnostic], files: Mapping[str, str]
) -> None:
    """Word for word the same, at places of the texts as they are now."""
    assert list(map(repr, found)) == list(map(repr, afresh))
    spans = [
        span for each in found for span in (each.span, *(r.span for r in each.related)) if span
    ]
    assert all(files.get(s.source.name, s.source.text) == s.source.text for s in spans)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["net.cnn", "using.cnn", "linted.cnn"])
def test_edits(name: str, seed: int) -> None:
    """Edits one after the other, some of them taken back, some in a file that is used."""
    rng, history = random.Random(f"{name} {seed}"), History()
    on = frozenset(CODES) if seed % 2 else frozenset(("L611", "L642"))
    files, before = dict(FILES), [dict(FILES)]
    for _ in range(20):
        place = name if rng.random() < 0.9 else "parts.cnn"
        files[place] = edited(files[place], rng)
        if rng.random() < 0.4:
            files = dict(rng.choice(before))
        before = [*before[:1], *before[-3:], dict(files)]
        found = check(name, files, history, on)
        assert_alike(found, check(name, files, None, on), files)


def test_files_that_are_checked_in_turn(tmp_path: Path) -> None:
    """`cnnlang.check` remembers all of them, and sees what changes on disk."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in FILES]
    first = [list(map(str, api.check(path))) for path in paths]
    assert [list(map(str, api.check(path))) for path in paths] == first
    (tmp_path / "parts.cnn").write_text(SHARED.replace("conv(filters", "conv(filter"))
    assert {each.code for each in api.check(tmp_path / "using.cnn")} >= {"N101"}


# --- what is looked at ---------------------------------------------------------------------------


@pytest.fixture
def unfolded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the networks that were unfolded."""
    names: list[str] = []
    plain = Checks.compile

    def compile(self: Checks, network: NetworkValue) -> list[Diagnostic]:
        names.append(network.name)
        return plain(self, network)

    monkeypatch.setattr(Checks, "compile", compile)
    return names


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ("", "", []),
        ("3x16x16", "3x18x18", ["Small", "Deep"]),
        ("output trunk", "output trunck", ["Small", "Deep"]),
        ("output trunk", "output trunk(", ["Small", "Deep"]),
        ("dense(classes)", "dense(classes + 1)", ["Open"]),
        ("network Plain {", "# It says more.\n\nnetwork Plain {", ["Open"]),
        ("network Plain {", "block More { relu }; network Plain {", ["Plain"]),
        ("    multiply(", "    multiply( ", ["Plain"]),
        ("let width = 8", "let width = 9", ["Plain", "Open", "Small", "Deep"]),
        ("= Base(1)", "= Base(2)", ["Small"]),
    ],
)  # fmt: skip
def test_what_is_unfolded(before: str, after: str, again: list[str], unfolded: list[str]) -> None:
    """What says something else than before, and what has a note on lines that have moved."""
    history = History()
    assert [each.code for each in check("net.cnn", FILES, history, frozenset())] == ["V401"]
    assert unfolded == ["Plain", "Open", "Small", "Deep"]
    unfolded.clear()
    check("net.cnn", {"net.cnn": SHARED.replace(before, after, 1)}, history, frozenset())
    assert list(dict.fromkeys(unfolded)) == again


def test_lints_look_at_what_they_complain_of_and_what_shares_a_block_with_it(
    unfolded: list[str],
) -> None:
    text = """block Unit(bias) { conv(8, 3x3, bias=bias) -> batchnorm }

network Wrong { input 3x8x8
    Unit(true) }
network Right { input 3x8x8
    Unit(false) }
network Other { input 3x8x8
    conv(8, 3x3) }
"""
    on, history = frozenset(("L611",)), History()
    for _ in range(2):
        unfolded.clear()
        (found,) = check("net.cnn", {"net.cnn": text}, history, on)
        assert "1 of the 2 layers" in found.notes[-1]
    assert unfolded == ["Wrong", "Right"]


def test_input_shapes_are_part_of_what_is_known() -> None:
    history, source = History(), Source("net.cnn", "network N { input 3x8x8\n conv(8, 3x3) }")
    fetch = lambda node: "it is not here"  # noqa: E731
    assert check_source(source, fetch, begin=history.begin) == []
    small = Settings(shapes={0: (3, 2, 2)})
    assert check_source(source, fetch, settings=small, begin=history.begin)
    assert check_source(source, fetch, begin=history.begin) == []


def test_what_is_kept_is_bounded() -> None:
    """What was asked for longest ago is forgotten first."""
    history = History()
    for number in range(30):
        history.recall(("N", 0))
        part = Part("x" * (ROOM // 20), 0, 1)
        history.keep(("N", number), Outcome((part,), (), set(), ROOM // 20, set()))
        assert history.cost <= ROOM
    assert set(history.outcomes) == {("N", 0), *(("N", number) for number in range(21, 30))}


def test_texts_of_earlier_files_are_not_kept() -> None:
    """A note has its place by the name of the file; a network on free sizes always has one."""
    history = History()
    for width in range(8, 12):
        text = SHARED.replace("width = 8", f"width = {width}")
        found = check_source(Source("net.cnn", text), lambda _: "", CODES, begin=history.begin)
        assert any(each.span and each.span.source.text == text for each in found)
    kept = [each.span for known in history.outcomes.values() for each in known.found]
    assert kept and all(span is not None and span.source.text == "" for span in kept)


def test_few_steps_left_hide_nothing_that_lints_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unfolded again for lints has all steps, whatever the rest of the file took."""
    lint = Recalled.lint

    def late(self: Recalled, codes: Collection[str], source: Source) -> list[Diagnostic]:
        self.program.budget.steps = 1
        return lint(self, codes, source)

    monkeypatch.setattr(Recalled, "lint", late)
    history, source = History(), Source("net.cnn", BIASED)
    first, again = (
        check_source(source, lambda _: "", CODES, begin=history.begin) for _ in range(2)
    )
    assert "L611" in {each.code for each in first}
    assert again == first


BIASED = """network Biased {
    input 3x8x8
    conv(8, 3x3) -> batchnorm -> relu
}
"""
