"""Fixes are tried before they are told, and a file never comes out of --fix worse than it was."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from cnnlang.cli.group import command
from cnnlang.compilation import AS_WRITTEN, check_source, inspect
from cnnlang.diagnostics.model import Diagnostic, Edit, Source, Span
from cnnlang.elaborate.limits import Budget
from cnnlang.explanations import pages
from cnnlang.mend import is_faithful, mend
from cnnlang.repair import Workshop, applied, edited, errors, key, moved, repaired, unmoved
from cnnlang.sources import fetch
from cnnlang.syntax import ast


def source(text: str) -> Source:
    """A network with these statements."""
    body = dedent(text).strip().replace("\n", "\n    ")
    return Source("net.cnn", f"network N {{\n    {body}\n}}\n")


def found(text: str) -> list[Diagnostic]:
    return check_source(source(text), fetch)


def fixed(text: str) -> str:
    """The statements with the one fix applied that is told."""
    (each,) = errors(found(text))
    assert each.help and each.edits
    return inside(applied(source(text), each.edits).text)


def inside(text: str) -> str:
    return "\n".join(line[4:] for line in text.splitlines()[1:-1])


# --- what is told --------------------------------------------------------------------------------


PAGES = [
    page for page in pages().values() if len(page.examples) == 1 and not page.examples[0].words
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_a_fix_that_is_told_mends_its_mistake(page) -> None:
    text = page.examples[0].text
    if page.code in ("P023", "E303"):
        return
    net = Source("net.cnn", text)
    for each in errors(check_source(net, fetch)):
        if each.edits:
            after = check_source(applied(net, each.edits), fetch)
            assert moved(key(each), each.edits) not in map(key, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("input 3x4x4\nconv(8, 5x5)", "conv(8, 5x5, padding=1)"),
        ("input 3x4x4\nconv(8, 5x1)", "conv(8, 5x1, padding=1x0)"),
        ("input 3x4x4\nconv(8, 5x5, padding=0)", "conv(8, 5x5, padding=1)"),
        ("input 3x4x4\nmaxpool(4) -> maxpool(2)", "maxpool(4) -> maxpool(2, ceil=true)"),
        ("input 3x4x4\nmaxpool(4) -> maxpool(2, ceil=false)",
         "maxpool(4) -> maxpool(2, ceil=true)"),
        ("input 6x8x8\nconv(8, 3, groups=4)", "conv(8, 3, groups=2)"),
        ("input 8x8x8\nconv(6, 3, groups=4)", "conv(8, 3, groups=4)"),
        ("input 8x8x8\nmaxpool(3, padding=2)", "maxpool(3, padding=1)"),
        ("input 8x8x8\nmaxpool(3x5, padding=2x3)", "maxpool(3x5, padding=1x2)"),
        ("input 8x8x8\nmaxpool(2, padding=[[0, 1], [0, 2]])",
         "maxpool(2, padding=[[0, 1], [0, 1]])"),
        ("input 8x8x8\nhead: dense(9)", "flatten -> head: dense(9)"),
        ("input 8x8x8\ndense(9, in_features=8)",
         "global_avgpool -> flatten -> dense(9, in_features=8)"),
        ("input 8xHxW\ndense(9)", "global_avgpool -> flatten -> dense(9)"),
        ("input 8xHxW\nrelu -> flatten -> dense(9)",
         "relu -> global_avgpool -> flatten -> dense(9)"),
        ("input 8x8x8\nflatten -> relu -> conv(4, 1)", "relu -> conv(4, 1)"),
        ("input 2x8x8\npermute([1, 2, 0]) -> conv(4, 1)",
         "permute([1, 2, 0]) -> permute([channels, height, width]) -> conv(4, 1)"),
        ("input 8x8x8\nresidual { conv(4, 1) }",
         "residual { conv(4, 1) } shortcut { conv(4, 1x1) }"),
        ("input 8x8x8\nresidual { conv(4, 1) } shortcut { identity }",
         "residual { conv(4, 1) } shortcut { conv(4, 1x1) }"),
        ("input 8x8x8\nresidual { conv(8, 3, stride=2, padding=1) } shortcut { relu }",
         "residual { conv(8, 3, stride=2, padding=1) }"
         " shortcut { relu -> conv(8, 1x1, stride=2) }"),
        ("input 8x8x8\nadd { | conv(4, 1) | identity }",
         "add { | conv(4, 1) | conv(4, 1x1) }"),
        ("input 8x8x8\na: conv(4, 3)\nx -> add(a)", None),
        ("input 8x9x9\na: relu\nmaxpool(2) -> upsample(2) -> concat(a)",
         "maxpool(2) -> upsample(2) -> pad(like=a) -> concat(a)"),
        ("input 8x8x8\nmultiply { | identity | global_avgpool }",
         "multiply(broadcast=true) { | identity | global_avgpool }"),
        ("input 8xHxW\nmultiply { | identity | global_avgpool }",
         "multiply(broadcast=true) { | identity | global_avgpool }"),
        ("input 8xHxW\nresidual { conv(8, 3, stride=4, padding=1) }",
         "residual { conv(8, 3, stride=4, padding=1) } shortcut { conv(8, 1x1, stride=4) }"),
        ("input 8xHxW\nresidual { maxpool(4) }", "residual { maxpool(4) } shortcut { maxpool(4) }"),
        ("input 8xHxW\nconcat { | identity | conv(8, 3x3, stride=2, padding=1) }",
         "concat { | identity | conv(8, 3x3, stride=2, padding=1) -> upsample(2) }"),
        ("input 8xHxW\nconcat { | conv(8, 3x3, stride=2, padding=1) | identity }",
         "concat { | conv(8, 3x3, stride=2, padding=1) | maxpool(2, ceil=true) }"),
        ("input 4x8\nb: conv(6, 1)\nx -> matmul(b)", "x -> matmul(b, axis=length)"),
        ("input 4x8\nb: conv(8, 1)\nx -> matmul(b, axis=channels)", "x -> matmul(b)"),
        ("input 4x8x8\na: relu\nmaxunpool(2x2, like=a)",
         "maxpool(2x2) -> maxunpool(2x2, like=a)"),
        ("input 4x8x8\na: relu\nconv(4, 3x3) -> maxunpool(2x2, like=a)",
         "conv(4, 3x3) -> crop(size=4x4) -> maxunpool(2x2, like=a)"),
        ("input 8x8x8\nconv(8, 3x3, 2)", "conv(8, 3x3, stride=2)"),
        ("input 8x8x8\nconv(8, 3x3, kernel=3x3)", "conv(8, 3x3)"),
        ("input 8x8x8\nupsample(2, align_corners=true)", "upsample(2)"),
        ("input 8x8x8\nchannel_shuffle(3)", "channel_shuffle(1)"),
        ("input 8x9x9\npixel_unshuffle(2)", "pad([[0, 1], [0, 1]]) -> pixel_unshuffle(2)"),
        ("input 8x8x8\nconv(5, 1) -> glu", "conv(6, 1) -> glu"),
        ("input 8\ndense(5) -> glu", "dense(6) -> glu"),
        ("input 8x8x8\nlstm(4)", "flatten(height) -> lstm(4)"),
        ("input 8x8x8\nx -> relu -> x", "x -> relu -> add(x)"),
        ("input t: [9]\nembedding(5, 4)", None),
        ("input 8x8\nmean(height)", "mean(length)"),
        ("input 8x8\nflatten -> softmax(length)", "flatten -> softmax(features)"),
        ("input 8x8x8\na: relu\nconcat(a, axis=depth)", "concat(a)"),
        ("input 8x8x8\nsoftmax(3)", "softmax(width)"),
        ("input 8x8x8\nlayernorm([8, 8])", "layernorm"),
        ("input 8x8x8\npermute([0, 2, 3, 1])", "permute([height, width, channels])"),
        ("input 8x8x8\nconv(4, 3, 2, 1)", "conv(4, 3, stride=2, padding=1)"),
        ("input 8x8x8\nconv_transpose(4, 3, pad_mode=reflect)", "conv_transpose(4, 3)"),
        ("input 8x8x8\nconv(4, 3, bias=no)", "conv(4, 3, bias=false)"),
        ("input 8x8x8\nconv(4, 3, pad_mode=mirror)", "conv(4, 3)"),
        ("input 8x8x8\nconv(4, 3, pad_mode=expected)", "conv(4, 3)"),
        ("input 8x8x8\ndropout(50)", "dropout(0.5)"),
        ("input 8x8x8\nupsample(2, size=16)", "upsample(2)"),
        ("input 784\nconv(4, 3x3)", "unflatten(1x28x28) -> conv(4, 3x3)"),
        ("input 310\nconv(4, 3)", "unflatten(1x310) -> conv(4, 3)"),
        ("input 3x8\nconv(4, 3x3, padding=1x1)", "conv(4, 3, padding=1)"),
        ("input 4x7x8\nglu(height)", "pad([[0, 1], [0, 0]]) -> glu(height)"),
        ("input 8x8x8\na: relu\nconv(4, 1) -> flatten -> concat(a)", "conv(4, 1) -> concat(a)"),
        ("input 9x1x1\na: relu\nglobal_avgpool -> flatten -> dense(5) -> concat(a)",
         "global_avgpool -> flatten -> dense(5) -> concat { | identity | a -> flatten }"),
    ],
)  # fmt: skip
def test_the_fix_that_is_told(before: str, after: str | None) -> None:
    if after is not None:
        assert fixed(before).splitlines()[-1] == after
        return
    (each,) = errors(found(before))
    assert each.help is None or not errors(check_source(applied(source(before), each.edits), fetch))


def test_a_larger_input_is_the_smallest_that_fits() -> None:
    text = "input 3x20x24\nlet k = 3\ndefault conv(padding=0)\nlet p = 0\n"
    text += "conv(4, 11x11, stride=4) -> maxpool(k, stride=2) -> conv(4, k, padding=p)"
    (each,) = errors(found(text))
    assert (each.code, each.help) == ("S101", "start from a larger input: `3x35x35`")
    each = errors(found(text + " -> conv(4, k, padding=p)"))[0]
    assert (each.code, each.help) == ("S101", "start from a larger input: `3x70x70`")


def test_an_input_of_the_nearest_valid_size() -> None:
    text = """
        input 3x51x51
        a: conv(4, 3x3, padding=1) -> maxpool(2) -> b: conv(4, 3x3, padding=1)
        maxpool(2) -> c: relu -> maxpool(2) -> upsample(2) -> concat(c)
        upsample(2) -> concat(b)
        upsample(2) -> concat(a)
    """
    each = errors(found(text))[0]
    assert (each.code, each.help) == ("S137", "start from another input: `3x48x48`")


@pytest.mark.parametrize(
    ("before", "start"),
    [
        ("input 56x1x20\nconv(32, 3, in_channels=56) -> conv(8, 3)", "1x56x20"),
        ("input 224x224x3\nconv(64, 7x7, stride=2, in_channels=3)", "3x224x224"),
        ("input 100x3\nmaxpool(5)", "3x100"),
        ("input 28x28\nconv(8, 3x3, padding=1x1) -> relu", "1x28x28"),
        ("input 1x3x32x32\nconv(8, 3x3) -> flatten -> dense(3)", "3x32x32"),
        ("input 63x16x16\nrelu -> pixel_shuffle(4)", "64x16x16"),
        ("input v: [7, H, W]\nglu", "v: [8, H, W]"),
        ("input 3x8x8 of int\nconv(4, 3)", "3x8x8"),
        ("input 3x8x8 of int\nrelu", "3x8x8"),
    ],
)
def test_the_input_may_be_what_is_wrong(before: str, start: str) -> None:
    assert fixed(before).splitlines()[0] == f"input {start}"


def test_channels_come_from_a_layer_more_where_nothing_else_gives_them() -> None:
    text = "input 10x6x6\nlet n = 10\nbatchnorm(in_channels=n)\npixel_shuffle(4)"
    assert fixed(text).endswith("conv(16, 1x1) -> pixel_shuffle(4)")


def test_where_nothing_mends_it_nothing_is_claimed() -> None:
    (each,) = errors(found("input 3xHxW\nflatten -> batchnorm"))
    assert each.help is None and not each.edits and not each.fixes


def test_an_explanation_is_a_note() -> None:
    (each,) = errors(found("input 3x8x8\nconv(8)"))
    assert each.help is None
    assert each.notes == ("a `conv` is written `conv(filters, kernel)`",)


def test_a_value_that_other_calls_give_is_left_alone() -> None:
    text = "block B(k) { conv(4, k, padding=k // 9) }\nnetwork N { input 3x4x4\n B(5) }\n"
    (each,) = errors(check_source(Source("net.cnn", text), fetch))
    assert each.help == "start from a larger input: `3x5x5`"
    assert each.layer == "b1.conv1"
    assert [related.label for related in each.related] == ["called here"]


def test_a_fix_in_a_file_that_is_used_is_tried_there() -> None:
    parts = Source("parts.cnn", "block B { convv(4, 1) }\n")

    def find(node: ast.Use) -> Source | str:
        return parts

    net = Source("net.cnn", 'use B from "parts.cnn"\nnetwork N { input 3x4x4\n B }\n')
    (each,) = errors(check_source(net, find))
    assert each.help == "write `conv`"
    assert [edit.span.source for edit in each.edits] == [parts]
    assert mend(net, find).source is net


def test_a_name_that_could_be_two_is_not_safe() -> None:
    near = errors(found("input 3x8x8\nlet a1 = 4\nlet a2 = 5\nconv(a3, 1)"))
    assert [each.safe for each in near] == [False]
    assert [each.safe for each in errors(found("input 3x8x8\nconv(4, 1, strid=2)"))] == [True]


@pytest.mark.parametrize(
    ("text", "help", "safe"),
    [
        ("input 8x9x9\nDropout2d(0.5)", "write `channel_dropout`", False),
        ("input 8x9x9\ndropout2d", "write `channel_dropout`", False),
        ("input 8x9x9\nDropout3d", "write `channel_dropout`", False),
        ("input 8x9x9\nrelu -> dwconv(8, 3x3)", None, False),
        ("input 8x9x9\nRelu", "write `relu`", True),
        ("input 8x9x9\nMax_Pool(2)", "write `maxpool`", True),
        ("input 8x9x9\ncovn(4, 3)", "write `conv`", True),
        ("input 8x9x9\nconv2(4, 3)", "write `conv`", False),
        ("input 8x9x9\ndepthwize(3)", "write `depthwise`", True),
        ("input 8x9x9\nlet k = 3\nconv(4, k2)", "write `k`", False),
        ("input 8x9x9\nconv(4, kernel_size=3)", "write `kernel=`", False),
        ("input 8x9x9\nconv(out_channels=4, kernel=3)", "write `filters=`", False),
        ("input 72\ndense(out_features=4)", "write `units=`", False),
        ("input 8x9x9\nSoftmax(1)", None, False),
        ("input 8x9x9\ndefault conv(use_bias=false)", "write `bias=`", False),
        ("input 8x9x9\nreapeat 2 { relu }", "did you mean `repeat`?", True),
        ("input 8x9x9\nrepeats2 2 { relu }", "did you mean `repeat`?", False),
        ("input 8x9x9\nBatchNormalization(momentum=0.9)", None, False),
        ("input 8x9x9\nFlatten()", "write `flatten`", True),
        ("input 8x9x9\nMaxPool2d(2)", "write `maxpool`", False),
    ],
)
def test_a_safe_fix_of_a_name_never_changes_the_operation(text: str, help, safe: bool) -> None:
    each = errors(found(text))[0]
    assert (each.help, each.safe) == (help, safe)
    if not safe:
        assert mend(source(text), fetch).source.text == source(text).text


@pytest.mark.parametrize(
    ("call", "ours"),
    [
        ("Conv2d(8, 16, 3)", "conv(16, 3)"),
        ("Conv2d(8, 16, 3, 2, bias=False)", "conv(16, 3, stride=2, bias=false)"),
        ("Conv2d(in_channels=8, out_channels=16, kernel_size=3)", "conv(16, 3)"),
        ('Conv2D(16, 3, strides=2, padding="same")', "conv(16, 3, stride=2, padding=same)"),
        ("ConvTranspose2d(8, 4, 2, stride=2)", "conv_transpose(4, 2, stride=2)"),
        ("BatchNorm2d(64)", "batchnorm"),
        ("batchnorm2d(8)", "batchnorm"),
        ("GroupNorm(2, 8)", "groupnorm(2)"),
        ("MaxPool2d(3, 2)", "maxpool(3, stride=2)"),
        ("MaxPooling2D(pool_size=2)", "maxpool(2)"),
        ("DepthwiseConv2D(3)", "depthwise(3)"),
        ("SpatialDropout2D(rate=0.2)", "channel_dropout(0.2)"),
        ("Upsample(scale_factor=2)", "upsample(2)"),
        ("Upsample(2)", "upsample(size=2)"),
        ("ReLU(inplace=True)", "relu"),
        ("Flatten() -> Linear(648, 10)", "flatten -> dense(10)"),
    ],
)
def test_calls_of_other_tools_are_told_in_our_words(call: str, ours: str) -> None:
    after = mend(source(f"input 8x9x9\n{call}"), fetch, unsafe=True)
    assert inside(after.source.text).replace("()", "") == f"input 8x9x9\n{ours}"
    assert after.left == []


def test_why_channels_are_gone_is_told() -> None:
    (each,) = errors(found("input 3x8x8\nConv2d(3, 16, 3)"))
    text = "PyTorch's `Conv2d(3, 16, 3)` is `conv(16, 3)`: incoming channels are inferred"
    assert each.help == text
    (each,) = errors(found("input 3x8x8\nLinear(7200, 10)"))
    text = "PyTorch's `Linear(7200, 10)` is `dense(10)`: incoming features are inferred"
    assert (each.help, each.edits, each.notes) == (None, (), (text,))


@pytest.mark.parametrize(
    "call",
    [
        "Conv2d(8, 16, kernel_size=3, out_channels=5)",
        "conv2d(8, 16, 3)",
        'Conv2D(16, 3, activation="relu")',
        "conv(8, 16, 3, padding=1)",
        "depthwise(8, 3x3)",
        "crop(-1)",
        "relu(3)",
    ],
)
def test_what_would_be_another_network_is_not_offered(call: str) -> None:
    each = errors(found(f"input 8x20x20\n{call}"))[0]
    assert each.help is None and not each.edits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input 8x9x9\nrelu(3)", "`relu` got 1 argument without a name"),
        ("input 8x9x9\npermute([0, 0, 1])", "each of the 3 axes once, got channels twice"),
        ("input 8x9x9\npermute([0, 1])", "each of the 3 axes once, got 2"),
        ("input 8x9x9\na: relu\nb: relu\na + b", "tensors are joined by a layer: `add(b)`"),
        ("input 8x9x9\na: relu\nb: relu\na * b", "`multiply(b)`"),
        (
            "input 8x9x9\nconv(8, 16, 3)",
            "channels are inferred: it is written `conv(filters, kernel)`",
        ),
        ("input 8x9x9\ncrop(-1)", "`pad` adds positions"),
        ('input 8x9x9\nconv(8, 5x5, "same")', "write `conv(8, 5x5, padding=same)`"),
        ("input 8x9x9\nconv(8, 3, 2)", "write `conv(8, 3, stride=2)`"),
        ("input 8x9x9\nbatchnorm(eps=0)", "leave out `eps=0`"),
        ("input 28x28x1\nconv(8, 5)", "start from channels first: `1x28x28`"),
        ("input 32x1x28x28\nconv(8, 3x3)", "the batch is never written: `1x28x28`"),
        ("input 8x9x9\nif M == 3 { relu }", "no parameter, `let` or block has this name"),
        ("input 8x9x9\nif Network == 3 { relu }", "no parameter, `let` or block has this name"),
    ],
)
def test_the_words(text: str, words: str) -> None:
    (each,) = errors(found(text))
    assert words in " ".join([each.message, each.label, *each.notes, each.help or ""])


def test_a_network_is_no_value_that_was_meant() -> None:
    net = Source("net.cnn", "network Depth { input 3x8x8\n if Dept == 3 { relu } }\n")
    (each,) = errors(check_source(net, fetch))
    assert (each.code, each.help, each.edits) == ("N101", None, ())


def test_independent_mistakes_of_one_chain_are_told_at_once() -> None:
    text = "input 3x8x8\nconv(8, 40) -> relu -> conv(9, 3, groups=2) -> dense(10) -> conv(4, 1)"
    assert [each.code for each in found(text)] == ["S101", "S111", "S104", "S103"]


def test_what_follows_from_an_unknown_size_is_silent() -> None:
    text = """
        input 3x8x8
        a: conv(8, 40)
        x -> conv(8, 3) -> add(a) -> flatten -> dense(10, in_features=288)
        a -> concat(x) -> conv(in.height, 3)
        a -> flatten -> batchnorm
        a -> permute([1, 2, 0])
    """
    assert [each.code for each in found(text)] == ["S101"]


def test_axes_behind_a_guess_are_not_judged() -> None:
    text = "input 1x28x28\ndense(9) -> relu -> softmax(height)"
    assert [each.code for each in found(text)] == ["S104"]
    assert fixed(text).endswith("flatten -> dense(9) -> relu -> softmax(height)")


CHAINS = [
    "conv(8, 9) -> conv(8, 9) -> flatten -> dense(10, in_features=77)",
    "a: conv(8, 40)\nx -> conv(8, 3, padding=9, pad_mode=reflect) -> add(a) -> dense(5)",
    "conv(8, 3, groups=2) -> maxpool(20) -> relu -> flatten -> dense(3, in_features=5)",
    "dense(4, in_features=100) -> softmax(height)",
    "conv(8, 9) -> a: relu\nresidual { conv(8, 3) } -> concat(a) -> dense(3)",
    "conv(8, 9)\nstack { relu -> conv(4, 3, groups=3) }\nrepeat 2 { maxpool(5) }",
    "conv(8, 9) -> add { | conv(4, 1) | conv(5, 1) }",
]


@pytest.mark.parametrize("text", CHAINS)
def test_what_a_mistake_had_hidden_does_not_hide_its_fix(text: str) -> None:
    """One fix after the other is told, to the end."""
    net = source(f"input 3x8x8\n{text}")
    for _ in range(12):
        left = errors(check_source(net, fetch))
        if not left:
            break
        assert left[0].edits, left[0]
        net = applied(net, left[0].edits)
    assert not left


def test_a_fix_that_does_harm_elsewhere_is_not_told() -> None:
    """All sizes are known here, so a sum that no longer fits comes from the fix."""
    text = "input 8x8x8\na: relu\nx -> maxpool(3, stride=1, padding=2) -> add(a)"
    (each,) = errors(found(text))
    assert (each.code, each.help) == ("S136", "write `padding=1`")
    (each,) = errors(found(text.replace("add(a)", "crop(1) -> add(a)").replace("=2", "=3")))
    assert each.code == "S136"


def test_a_name_that_is_no_value_is_not_meant() -> None:
    (each,) = errors(found("input 3xHxW\nconv(H, 3)"))
    assert (each.code, each.help) == ("N101", None)


def test_trials_are_bounded() -> None:
    text = "input 3x8x8\n" + "x -> maxpool(3, padding=2)\n" * 60
    told = errors(found(text))
    assert len(told) == 60
    assert 0 < sum(each.help is not None for each in told) <= 40


# --- edits ---------------------------------------------------------------------------------------


def test_edits_are_made_from_the_end() -> None:
    net = Source("net.cnn", "abcdef")
    edits = [Edit(Span(net, 1, 2), "XX"), Edit(Span(net, 4, 4), "-"), Edit(Span(net, 5, 6), "")]
    assert applied(net, edits).text == "aXXcd-e"
    assert edited(edits)["net.cnn"].text == "aXXcd-e"
    assert [moved(("S", "net.cnn", at), edits)[2] for at in (0, 1, 3, 4, 5)] == [0, 1, 4, 6, 7]
    back = [unmoved(("S", "net.cnn", at), edits)[2] for at in (0, 1, 2, 4, 5, 6, 7)]
    assert back == [0, 1, 1, 3, 4, 4, 6]


# --- whole files ---------------------------------------------------------------------------------


def test_safe_fixes_only_unless_asked() -> None:
    text = "input 3x8x8\nconv(4, 3x3, strid=2)  # kept\nx -> maxpool(3, padding=2)"
    after = mend(source(text), fetch)
    assert inside(after.source.text) == text.replace("strid", "stride")
    assert (after.fixed, [each.code for each in after.left]) == (1, ["S136"])
    after = mend(source(text), fetch, unsafe=True)
    assert inside(after.source.text) == text.replace("strid", "stride").replace("g=2", "g=1")
    assert (after.fixed, after.left) == (2, [])


def test_a_name_that_hid_more_than_is_fixed_is_left() -> None:
    text = """
        block B(k) {
            conv(8, 3) -> x: relu
            dense(3)
            flatten -> conv(3, 1)
        }
        network N { input 3x8x8
            BB(3)
        }
    """
    before = Source("net.cnn", dedent(text))
    assert mend(before, fetch).source is before
    assert len(mend(before, fetch, unsafe=True).left) <= 1


def test_fixes_at_one_place_are_applied_one_after_the_other() -> None:
    text = "input 3x8x8\nconvv(4, 3x3, strid=0)"
    after = mend(source(text), fetch, unsafe=True)
    assert inside(after.source.text) == "input 3x8x8\nconv(4, 3x3, stride=1)"
    assert after.left == []


def test_an_edit_that_changes_what_it_is_not_about_is_not_faithful() -> None:
    net = Source("net.cnn", "network N { input 3x8x8\n relu }\nlet a = 1  # one\n")
    at = net.text.index("relu")

    def faithful(start: int, end: int, text: str) -> bool:
        edits = [Edit(Span(net, start, end), text)]
        return is_faithful(net, applied(net, edits), edits)

    assert faithful(at, at + 4, "tanh")
    assert not faithful(at, at + 4, "relu  # and")
    assert not faithful(at, at + 4, "relu }\nnetwork M { input 3x8x8\n relu")


def test_line_ends_and_comments_stay() -> None:
    text = "# head\r\nnetwork N {\r\n  input 3x8x8 # in\r\n  Relu( ) # odd   layout\r\n}\r\n"
    after = mend(Source("net.cnn", text), fetch)
    assert after.source.text == text.replace("Relu", "relu")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_no_file_comes_out_worse(page) -> None:
    if page.code in ("P013", "E302", "E303", "E306", "P023"):
        return
    before = Source("net.cnn", page.examples[0].text)
    after = mend(before, fetch, unsafe=True)
    assert len(errors(after.left)) <= len(errors(check_source(before, fetch)))
    assert mend(after.source, fetch, unsafe=True).source is after.source


# --- files damaged by chance ---------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
FILES = [ROOT / f"examples/{name}.cnn" for name in ("lenet5", "unet", "autoencoder", "dcgan")]
TOKEN = re.compile(r"[A-Za-z_]\w*|[0-9]+|->|[^\s\w]")


def damaged(text: str, chance: Random) -> str:
    """A text with up to three tokens left out, put in again elsewhere, or numbers changed."""
    for _ in range(chance.randint(1, 3)):
        places = [each.span() for each in TOKEN.finditer(text)]
        (start, end), (low, high) = chance.choice(places), chance.choice(places)
        how = chance.choice("leave put swap count".split())  # noqa: SIM905
        new = {"leave": "", "put": f"{text[low:high]} {text[start:end]}", "swap": text[low:high]}
        if how == "count" and text[start].isdigit():
            new["count"] = str(chance.choice((0, 1, 3, 5, 64, 255)))
        text = text[:start] + new.get(how, text[start:end]) + text[end:]
    return text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_damaged_file_never_comes_out_worse(path: Path) -> None:
    chance = Random(path.stem)
    for _ in range(6):
        before = Source(path.name, damaged(path.read_text(encoding="utf-8"), chance))
        wrong = len(errors(check_source(before, fetch)))
        after = mend(before, fetch, unsafe=True)
        assert len(errors(after.left)) <= wrong, before.text
        assert errors(after.left) == errors(check_source(after.source, fetch))
        assert after.source.text.count("#") >= before.text.count("#")


# --- the command line ----------------------------------------------------------------------------

BROKEN = "network N {\n    input 3x9x9\n    convv(4, 3x3)  # first\n    maxpool(3, padding=2)\n}\n"


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("net.cnn")
    path.write_text(BROKEN)
    return path


def check(*words: str, input: str | None = None) -> Result:
    return CliRunner().invoke(command, ["check", *words], input=input)


def test_fix_writes_and_tells_what_is_left(net: Path) -> None:
    result = check("net.cnn", "--fix")
    assert result.exit_code == 1
    assert net.read_text() == BROKEN.replace("convv", "conv")
    assert result.output.endswith("\n1 file checked: fixed 1, 1 error left\n")
    result = check("net.cnn", "--fix", "--unsafe-fixes")
    assert (result.exit_code, result.output) == (0, "1 file checked: fixed 1, no errors left\n")
    assert net.read_text() == BROKEN.replace("convv", "conv").replace("g=2", "g=1")


def test_diff_shows_and_writes_nothing(net: Path) -> None:
    result = check("net.cnn", "--fix", "--diff", "--unsafe-fixes")
    assert result.exit_code == 1
    assert net.read_text() == BROKEN
    assert "-    convv(4, 3x3)  # first\n" in result.stdout
    assert "+    maxpool(3, padding=1)\n" in result.stdout


def test_standard_input_comes_out_fixed() -> None:
    result = check("-", "--fix", input=BROKEN)
    assert result.exit_code == 1
    assert result.stdout == BROKEN.replace("convv", "conv")
    assert "fixed 1, 1 error left" in result.stderr


def test_the_byte_order_mark_stays(net: Path) -> None:
    net.write_bytes(b"\xef\xbb\xbf" + BROKEN.encode())
    check("net.cnn", "--fix")
    assert net.read_bytes() == b"\xef\xbb\xbf" + BROKEN.replace("convv", "conv").encode()


def test_line_ends_stay_in_a_file(net: Path) -> None:
    net.write_bytes(BROKEN.replace("\n", "\r\n").encode())
    check("net.cnn", "--fix")
    assert net.read_bytes() == BROKEN.replace("convv", "conv").replace("\n", "\r\n").encode()


def test_a_file_that_is_no_text_is_left_as_it_is(net: Path) -> None:
    net.write_bytes(b"network N { \xff }")
    result = check("net.cnn", "--fix")
    assert result.exit_code == 1
    assert "error[P092]" in result.output
    assert net.read_bytes() == b"network N { \xff }"


def test_a_directory_is_told_of_and_left(net: Path) -> None:
    Path("more").mkdir()
    Path("more/a.cnn").write_text(BROKEN)
    result = check("more", "--fix", "--unsafe-fixes")
    assert result.exit_code == 1
    assert "cannot read more: it is a directory" in result.output
    assert Path("more/a.cnn").read_text() == BROKEN


def test_a_file_that_is_used_is_left_as_it_is(net: Path) -> None:
    parts = Path("parts.cnn")
    parts.write_text("block B { convv(4, 1x1) }\n")
    net.write_text('use B from "parts.cnn"\nnetwork N { input 3x8x8\n B }\n')
    result = check("net.cnn", "--fix", "--unsafe-fixes")
    assert result.exit_code == 1
    assert "help: write `conv`" in result.output
    assert parts.read_text() == "block B { convv(4, 1x1) }\n"


def test_safe_edits_of_lints_are_made_too(net: Path) -> None:
    net.write_text("network N { input 3x8x8\nconv(4, 3x3) -> batchnorm -> relu\n}\n")
    result = check("net.cnn", "--fix")
    assert result.exit_code == 0
    assert "conv(4, 3x3, bias=false) -> batchnorm" in net.read_text()
    before = net.read_bytes()
    assert check("net.cnn", "--fix", "--ignore", "L6").exit_code == 0
    assert net.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_told(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    result = check("net.cnn", "--fix")
    assert result.exit_code == 1
    assert "cannot write net.cnn: no permission" in result.output
    assert net.read_text() == BROKEN


def test_a_file_that_is_right_is_not_written(net: Path) -> None:
    net.write_text("network N { input 3x8x8\nrelu }\n")
    net.chmod(0o444)
    assert check("net.cnn", "--fix").exit_code == 0


def test_what_cannot_be_fixed_is_told(net: Path) -> None:
    result = check("missing.cnn", "zoo:lenet5", "--fix")
    assert result.exit_code == 1
    assert "error[P090]" in result.output


def test_standard_input_cannot_be_watched() -> None:
    result = check("-", "--watch", input=BROKEN)
    assert result.exit_code != 0
    assert "standard input cannot be watched" in result.output


@pytest.mark.parametrize("words", [("--diff",), ("--unsafe-fixes",), ("--fix", "--watch")])
def test_wrong_calls(words: tuple[str, ...]) -> None:
    assert check("net.cnn", *words).exit_code == 2


def test_a_fix_of_the_syntax_is_tried_by_the_parser_alone() -> None:
    text = source("input 3x8x8\nconv(8 3x3)")
    problems, budget = inspect(text, fetch, (), AS_WRITTEN)

    def never(source: Source, using: object) -> tuple[list[Diagnostic], Budget]:
        raise AssertionError("the networks need not be unfolded again")

    (mended,) = errors(repaired(Workshop(text, fetch, never, problems, budget)))
    assert applied(text, mended.edits).text == source("input 3x8x8\nconv(8, 3x3)").text
