"""Whatever the program: located messages, no exception, and the same answer twice."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fuzz_parser import damaged

from cnnlang.analysis import lints
from cnnlang.codes import rules
from cnnlang.compilation import check_source
from cnnlang.diagnostics.model import Diagnostic, Source, Span
from cnnlang.diagnostics.text import render
from cnnlang.layers import REGISTRY
from cnnlang.sources import fetch

CODES = rules()
SECONDS = 12.0

# --- programs ------------------------------------------------------------------------------------
# Names come from small sets, so that most are known where they stand, but not all.

LABELS = st.sampled_from(["a", "b", "skip", "layer{i}", '"0"', '"x-{n}"', "train"])
TENSORS = st.sampled_from(["a", "b", "skip", "x"])
VALUES = st.sampled_from(["i", "n", "width", "k", "table", "A", "B", "same", "missing"])
BLOCKS = st.sampled_from(["A", "B", "C", "N", "X", "s"])
FIELDS = st.sampled_from(["channels", "height", "width", "length", "features", "shape", "size"])
LITERALS = st.sampled_from(
    ["0", "1", "2", "3", "8", "64", "0.5", "-1", "3x3", "1x2", "true", '"t"', "[1, 2]", "[]",
     "2 ** 62", "1e300", "5M", "range(3)", "[[1, 2], [3, 4]]", "channels", "height", "none"]
)  # fmt: skip
OPERATORS = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", "and", "or", "!="])
FUNCTIONS = st.sampled_from(
    ["f", "min", "max", "len", "range", "sum", "zip", "enumerate", "normal"]
)
SHAPES = st.sampled_from(
    ["3x8x8", "3xHxW", "1xHxH", "16", "8xL", "2x4x6x6", "[T] of int", "[n, n]"]
)


def expressions() -> st.SearchStrategy[str]:
    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("({} {} {})".format, inner, OPERATORS, inner),
            st.builds("({} if {} else {})".format, inner, inner, inner),
            st.builds("{}[{}]".format, inner, inner),
            st.builds("{}({})".format, FUNCTIONS, st.lists(inner, max_size=3).map(", ".join)),
            st.builds("[{}]".format, st.lists(inner, max_size=3).map(", ".join)),
            st.builds("(not {})".format, inner),
        )

    return st.recursive(LITERALS | VALUES | FIELDS.map("in.{}".format), larger, max_leaves=5)


EXPRESSIONS = expressions()


USUAL = st.sampled_from(
    ["conv(8, 3x3, padding=1)", "conv(width, 1)", "conv(in.channels * 2, 3, padding=same)",
     "maxpool(2)", "relu", "flatten", "dense(4)", "global_avgpool", "batchnorm", "dropout(0.5)",
     "upsample(2)", "conv_transpose(8, 2, stride=2)", "pad(1)", "crop(1)", "crop(like=x)",
     "add(x)", "concat(x, a)", "multiply(0.5)", "layernorm", "mean(height)", "permute([1, 0])",
     "lstm(8)", "dense(4, axis=channels)", "embedding(9, 4)", "reshape([-1])", "pixel_shuffle(2)"]
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A layer with arguments that often fit, or a block, a tensor, a shared piece."""
    kind = draw(st.integers(0, 5))
    if kind > 2:
        return draw(USUAL)
    if kind == 0:
        return draw(BLOCKS | st.builds("{}({})".format, BLOCKS, EXPRESSIONS) | TENSORS)
    name = draw(st.sampled_from(["conv", "relu", "maxpool", "flatten", "dense", *sorted(REGISTRY)]))
    layer = REGISTRY[name]
    values = [draw(EXPRESSIONS) for field in layer.positional if layer.fields[field] is ...]
    options = draw(st.lists(st.sampled_from([*layer.fields, "strid"]), max_size=2))
    values += [f"{option}={draw(EXPRESSIONS | TENSORS)}" for option in options]
    return f"{name}({', '.join(values)})" if values else name


def bodies(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(statements, max_size=4).map(lambda lines: "{\n" + "\n".join(lines) + "\n}")


def branches(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branch = statements.map("| {}".format)
    nested = st.one_of(
        branch,
        st.builds("for i in {} {{\n{}\n}}".format, EXPRESSIONS, branch),
        st.builds("if {} {{\n{}\n}}".format, EXPRESSIONS, branch),
    )
    return st.lists(nested, max_size=3).map(lambda lines: "{\n" + "\n".join(lines) + "\n}")


CHAINS = st.lists(
    calls() | st.builds("{}: {}".format, LABELS, calls()), min_size=1, max_size=3
).map(" -> ".join)
MERGES = st.sampled_from(["add", "concat", "multiply(broadcast=true)", "matmul"])


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = bodies(inner)
    return st.one_of(
        st.builds("stack {}".format, body),
        st.builds("b: stack {}".format, body),
        st.builds("residual {}".format, body),
        st.builds("residual {} shortcut {}".format, body, body),
        st.builds("{} {}".format, MERGES, branches(inner)),
        st.builds("repeat {} {}".format, EXPRESSIONS, body),
        st.builds("for i in {} {}".format, EXPRESSIONS, body),
        st.builds("for i, n in {} {}".format, EXPRESSIONS, body),
        st.builds("if {} {} else {}".format, EXPRESSIONS, body, body),
        st.builds("shared s {}".format, body),
    )


SIMPLE = st.one_of(
    CHAINS,
    CHAINS,
    CHAINS,
    st.builds("let {} = {}".format, st.sampled_from(["k", "n", "width"]), EXPRESSIONS),
    st.builds("fn f(n) = {}".format, EXPRESSIONS),
    st.builds("default {}({}={})".format, st.sampled_from(["conv", "A", "dense"]),
              st.sampled_from(["bias", "padding", "width"]), EXPRESSIONS),
    st.builds("require {}".format, EXPRESSIONS | st.just("params < 5M")),
    st.builds("shared s = {}".format, calls()),
    st.builds("input {}".format, SHAPES),
    st.builds("input {}: {}".format, st.sampled_from(["a", "x"]), SHAPES),
    st.builds("output {}".format, st.sampled_from(["a", "a, b", "training a", "x"])),
)  # fmt: skip
STATEMENTS = st.recursive(SIMPLE, nested, max_leaves=8)

DEFINITIONS = st.one_of(
    st.builds("block A(width = {}) {}".format, EXPRESSIONS, bodies(STATEMENTS)),
    st.builds("block B(X, n) {}".format, bodies(STATEMENTS)),
    st.builds("block C {}".format, bodies(STATEMENTS)),
    st.builds("let table = {}".format, EXPRESSIONS),
    st.builds("fn f(n, k = {}) = {}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds('extern X: [C, H, W] -> [{}, H, W] from "here:X"'.format, EXPRESSIONS),
    st.builds("network M(n) {}".format, bodies(STATEMENTS)),
    st.builds("network V = M({})".format, EXPRESSIONS),
    st.sampled_from(['use A from "missing.cnn"', "use Bottleneck as B from std.resnet"]),
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A file that can be parsed, with a network that has an input."""
    definitions = draw(st.lists(DEFINITIONS, max_size=4))
    body = "\n".join(draw(st.lists(STATEMENTS, max_size=6)))
    main = f"network N(n = 3, width = 8) {{\ninput x: {draw(SHAPES)}\n{body}\n}}"
    return "\n".join([*definitions, main]) + "\n"


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A program with a stretch taken out, doubled, or replaced by one of another program."""
    text = draw(programs())
    at = draw(st.integers(0, len(text)))
    end = at + draw(st.integers(0, 30))
    other = draw(
        st.sampled_from(["", text[at:end] * 2, "{", "}", ")", " -> ", "9" * 20]) | programs()
    )
    return text[:at] + other + text[end:]


# --- laws ----------------------------------------------------------------------------------------


def inspect(text: str) -> None:
    start = time.process_time()
    found = check_source(Source("net.cnn", text), fetch, lints.CODES)
    assert time.process_time() - start < SECONDS
    for each in found:
        assert each.code in CODES
        assert each.message and each.message[-1] != "."
        assert len(each.message) < 1000
        assert all(map(within, [each.span, *(related.span for related in each.related)]))
    again = check_source(Source("net.cnn", text), fetch, lints.CODES)
    assert list(map(said, again)) == list(map(said, found))
    render(found)


def within(span: Span | None) -> bool:
    return span is not None and 0 <= span.start <= span.end <= len(span.source.text)


def said(each: Diagnostic) -> tuple[object, ...]:
    place = (each.span.start, each.span.end) if each.span else None
    return each.code, each.message, each.label, each.help, each.notes, place


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=250, deadline=None, suppress_health_check=SLOW)
@given(programs())
def test_any_program(text: str) -> None:
    inspect(text)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(mutated())
def test_mutated_programs(text: str) -> None:
    inspect(text)


@settings(max_examples=100, deadline=None)
@given(damaged())
def test_damaged_examples(text: str) -> None:
    inspect(text)
