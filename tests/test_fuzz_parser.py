"""Whatever the text: a tree, located messages, no exception, and no long wait."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlang.diagnostics.model import Source, Span
from cnnlang.syntax.ast import File
from cnnlang.syntax.codes import CODES
from cnnlang.syntax.format import format_source
from cnnlang.syntax.parser import parse

EXAMPLES = sorted(Path(__file__).parents[1].glob("examples/*.cnn"))
TEXTS = [path.read_text(encoding="utf-8") for path in EXAMPLES]
SECONDS = 2.0

SIGNS = st.sampled_from(list("(){}[]|,:=.\"'\\#;\n \t\r0x9é\0\ufeff!<>+-*/%&^"))
WORDS = st.sampled_from(
    [
        "network ",
        "block ",
        " -> ",
        " if ",
        " else ",
        "let ",
        "in",
        " for ",
        "3x3",
        "output ",
        '"a{i}":',
    ]
)


def inspect(text: str) -> None:
    """The promises of `parse`."""
    source = Source("net.cnn", text)
    start = time.perf_counter()
    file, errors = parse(source)
    assert time.perf_counter() - start < SECONDS
    assert isinstance(file, File)
    places = []
    for error in errors:
        assert error.code in CODES
        assert error.message
        spans = [error.span, *(each.span for each in error.related)]
        assert all(span is not None and within(span, text) for span in spans)
        places.append(error.span.start if error.span else 0)
    assert places == sorted(places)
    if not errors:
        result, problems = format_source(source)
        assert (result is None, problems) == (False, [])


def within(span: Span, text: str) -> bool:
    return 0 <= span.start <= span.end <= len(text)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """An example with characters and lines deleted, inserted, doubled or swapped."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 5))):
        text = draw(st.sampled_from([delete, insert, double, swap, cut]))(draw, text)
    return text


def delete(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + text[at + draw(st.integers(1, 30)) :]


def insert(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(SIGNS | WORDS) + text[at:]


def double(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    return "\n".join([*lines[:to], lines[at], *lines[to:]])


def swap(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    a, b = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def cut(draw: st.DrawFn, text: str) -> str:
    return text[: draw(st.integers(0, len(text)))]


@settings(max_examples=300, deadline=None)
@given(damaged())
def test_damaged_programs(text: str) -> None:
    inspect(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    inspect(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(SIGNS | WORDS | st.sampled_from(["a", "b", "1"]), max_size=60).map("".join))
def test_words_and_signs_in_any_order(text: str) -> None:
    inspect(text)
