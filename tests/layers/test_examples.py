"""Layers by example: what they make of a tensor, what they say, and what they ask of free sizes."""

from __future__ import annotations

from typing import Any

import pytest

from cnnlang.layers import REGISTRY, Layer, LayerError, Need, Tensor
from cnnlang.layers.tensor import image
from cnnlang.layers.values import Ref
from cnnlang.sizes import free

H, W = free("H"), free("W")
FLAT, SEQUENCE, MAP, VOLUME = image(12), image(8, 20), image(12, 10, 14), image(4, 6, 7, 8)


def layer(name: str, *positional: Any, **named: Any) -> Layer:
    return REGISTRY[name].build(positional, named)


def show(each: Layer, *inputs: Tensor) -> str:
    return str(each.output(inputs, Need()))


@pytest.mark.parametrize(
    "each, x, output",
    [
        (layer("conv", 8, 3), SEQUENCE, "8x18"),
        (layer("conv", 8, (3, 5), stride=(1, 2), padding="same"), MAP, "8x10x7"),
        (layer("conv", 8, 3, padding=((0, 1), (2, 2))), MAP, "8x9x16"),
        (layer("depthwise", 3, multiplier=2), MAP, "24x8x12"),
        (layer("conv_transpose", 6, 2, stride=2), MAP, "6x20x28"),
        (layer("conv_transpose", 6, 3, stride=2, padding="same"), VOLUME, "6x12x14x16"),
        (layer("maxpool", 3, stride=2), MAP, "12x4x6"),
        (layer("maxpool", 3, stride=2, ceil=True), MAP, "12x5x7"),
        (layer("avgpool", 3, stride=2, padding="same"), MAP, "12x5x7"),
        (layer("global_avgpool"), VOLUME, "4x1x1x1"),
        (layer("adaptive_avgpool", (2, 3)), MAP, "12x2x3"),
        (layer("blurpool"), MAP, "12x5x7"),
        (layer("dense", 5), FLAT, "5"),
        (layer("dense", 5, axis="channels"), MAP, "5x10x14"),
        (layer("lstm", 6, bidirectional=True), SEQUENCE, "12x20"),
        (layer("gru", 6, returns="last"), SEQUENCE, "6"),
        (layer("glu"), MAP, "6x10x14"),
        (layer("flatten"), MAP, "1680"),
        (layer("flatten", "height"), MAP, "12x140"),
        (layer("unflatten", (3, 2, 2)), FLAT, "3x2x2"),
        (layer("unflatten", (-1, 4), axis="channels"), SEQUENCE, "2x4x20"),
        (layer("reshape", (6, -1)), MAP, "6x280"),
        (layer("permute", ("height", "width", "channels")), MAP, "10x14x12"),
        (layer("slice", "channels", 0, -4), MAP, "8x10x14"),
        (layer("pad", (1, 2)), MAP, "12x12x18"),
        (layer("crop", 2), MAP, "12x6x10"),
        (layer("upsample", 1.5), MAP, "12x15x21"),
        (layer("pixel_shuffle", 2), MAP, "3x20x28"),
        (layer("pixel_unshuffle", 2), MAP, "48x5x7"),
        (layer("mean", ("height", "width")), MAP, "12"),
        (layer("max", "channels", keep=True), MAP, "1x10x14"),
    ],
    ids=str,
)
def test_shapes(each: Layer, x: Tensor, output: str) -> None:
    assert show(each, x) == output


def test_merges() -> None:
    left, right, gate = image(8, 6, 6), image(4, 6, 6), image(8, 1, 1)
    assert show(layer("concat"), left, right) == "12x6x6"
    assert show(layer("add"), left, left, left) == "8x6x6"
    assert show(layer("multiply", broadcast=True), left, gate) == "8x6x6"
    assert show(layer("add", scalar=1), left) == "8x6x6"
    assert show(layer("matmul"), image(4, 6), image(6, 3)) == "4x3"
    assert show(layer("bilinear", units=5), FLAT, image(7)) == "5"


def test_axes_keep_their_names() -> None:
    """Channels split, exchanged and joined again are channels: a channel shuffle by hand."""
    x = MAP
    for each in (
        layer("unflatten", (3, 4)),
        layer("permute", ("channels2", "channels1", "height", "width")),
        layer("flatten", 0, 1),
    ):
        x = each.output((x,), Need())
    assert x == MAP
    turned = layer("permute", ("channels", "width", "height")).output((x,), Need())
    assert turned.size("height") == 10
    assert show(layer("conv", 4, 3), turned) == "4x12x8"


@pytest.mark.parametrize(
    "each, inputs, message",
    [
        (layer("conv", 8, 5), (image(3, 4, 4),), "`conv` kernel 5x5 is larger than its 4x4 input"),
        (layer("conv", 9, 1, groups=2), (MAP,), "`conv` cannot split 9 filters into 2 groups"),
        (layer("conv", 8, 3), (FLAT,), "`conv` needs a feature map, got 12"),
        (layer("dense", 5), (MAP,), "`dense` needs a flat tensor, got 12x10x14"),
        (
            layer("maxpool", 2, padding=2),
            (MAP,),
            "`maxpool` pads 2, more than half of its kernel 2",
        ),
        (
            layer("add"),
            (MAP, image(1, 10, 14)),
            "`add` needs tensors of one shape, got 12x10x14 and 1x10x14",
        ),
        (layer("concat"), (MAP, image(3, 9, 14)), "`concat` over channels got 12x10x14 and 3x9x14"),
        (layer("softmax", "width"), (FLAT,), "`softmax` has no axis `width` here"),
        (
            layer("log_softmax"),
            (image(1, 4, 4),),
            "`log_softmax` over channels gets one number, which always becomes 0",
        ),
        (layer("reshape", (5, 7)), (FLAT,), "`reshape` cannot make 5x7 of 12"),
        (
            layer("upsample", 2, mode="trilinear"),
            (MAP,),
            "`mode=trilinear` of `upsample` does not fit a map of 2 axes",
        ),
        (layer("groupnorm", 5), (MAP,), "`groupnorm` cannot split 12 channels into 5 groups"),
        (
            layer("instancenorm"),
            (image(8, 1, 1),),
            "`instancenorm` needs more than one position, got 8x1x1",
        ),
    ],
    ids=str,
)
def test_messages(each: Layer, inputs: tuple[Tensor, ...], message: str) -> None:
    with pytest.raises(LayerError) as error:
        each.output(inputs, Need())
    assert error.value.problems[0].message == message


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("maxpool", {}, "`maxpool` needs `kernel`"),
        ("conv", {"filters": 0, "kernel": 1}, "`filters` of `conv` is a number above 0, got 0"),
        (
            "upsample",
            {"scale": 2, "size": 4},
            "`upsample` needs one of scale, size or like, got scale and size",
        ),
        ("hardtanh", {"low": 1.0}, "`hardtanh` needs low < high, got 1 and 1"),
        (
            "lstm",
            {"hidden": 4, "dropout": 0.5},
            "`dropout` of `lstm` acts between layers, and there is one layer",
        ),
        ("dropout", {"p": 1.5}, "`p` of `dropout` is a number of at most 1, got 1.5"),
    ],
)
def test_messages_about_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError) as error:
        layer(name, **arguments)
    assert error.value.problems[0].message == message


def test_what_always_holds_is_not_asked() -> None:
    need = Need()
    x = image(3, H, W)
    for each in (layer("conv", 4, 3, padding=1), layer("upsample", 2), layer("pad", 1)):
        x = each.output((x,), need)
    assert str(x) == "4 x (2*H + 2) x (2*W + 2)"
    assert need.conditions == []


def test_a_skip_connection_asks_for_even_sizes() -> None:
    need = Need()
    down = layer("maxpool", 2).output((image(3, H, W),), need)
    up = layer("upsample", 2).output((down,), need)
    layer("concat").output((up, image(3, H, W)), need)
    values = [each.value for each in need.conditions if each.zero]
    assert [value.at({"H": 7, "W": 8}) for value in values] == [-1, 0]


def test_a_size_taken_from_a_tensor_asks_for_nothing_but_room() -> None:
    need = Need()
    skip = image(3, H, W)
    up = layer("upsample", like=Ref("skip")).output((image(3, H // 2, W // 2), skip), need)
    assert up.shape == skip.shape
    assert need.conditions == []
