"""The networks of `spec/compositions.md` compute what PyTorch, written by hand, computes.

Each reference is called as its network is; it gets the network's weights by their names, and the
inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil, sqrt
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from spec.pages import cases
from test_module_reference import example, one_thread
from torch import Tensor, nn

import cnnlang
from cnnlang.api import compile_file

PROGRAMS = cases(Path(__file__).parent / "spec" / "compositions.md")
SIZES = ({"H": 6, "W": 8, "T": 5}, {"H": 7, "W": 9, "T": 8})
Weights: TypeAlias = dict[str, Tensor]

# --- convolutions --------------------------------------------------------------------------------


def padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2."""
    pads: list[int] = []
    for size in reversed(x.shape[2:]):
        total = max((ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def spread(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """The transpose of a convolution with SAME, as its gradient: TensorFlow's definition."""
    size = [stride * n for n in x.shape[2:]]
    image = torch.zeros(len(x), weight.shape[1], *size, dtype=x.dtype, requires_grad=True)
    made = F.conv2d(padded(image, weight.shape[-1], stride), weight, stride=stride)
    (result,) = torch.autograd.grad(made, image, x)
    return result + bias[:, None, None]


def same(w: Weights, x: Tensor) -> Tensor:
    x = F.conv2d(padded(x, 3, 2), w["conv1.weight"], w["conv1.bias"], stride=2)
    x = padded(x, 5, 2)
    x = F.conv2d(x, w["depthwise1.weight"], w["depthwise1.bias"], stride=2, groups=4)
    with torch.enable_grad():
        x = spread(x, w["conv_transpose1.weight"], w["conv_transpose1.bias"], 2)
        return spread(x, w["conv_transpose2.weight"], w["conv_transpose2.bias"], 3)


def standard(weight: Tensor, eps: float, gain: Tensor | None = None) -> Tensor:
    """As collections do it: the filters are a batch that is normalised."""
    flat = weight.reshape(1, len(weight), -1)
    return F.batch_norm(flat, None, None, weight=gain, training=True, eps=eps).view_as(weight)


def standardized(w: Weights, x: Tensor) -> Tensor:
    weight = standard(w["conv1.weight"], 1e-6)
    x = F.conv2d(padded(x, 3, 2), weight, w["conv1.bias"], stride=2)
    x = F.relu(F.group_norm(x, 2, w["groupnorm1.weight"], w["groupnorm1.bias"]))
    return F.conv2d(x, standard(w["conv2.weight"], 1e-5), padding=1)


def normalizer_free(w: Weights, x: Tensor) -> Tensor:
    gain = w["scaled_conv1.gain"].flatten() * 1.7139588594436646 / sqrt(27)
    weight = standard(w["scaled_conv1.conv1.weight"], 1e-5, gain)
    return F.conv2d(x, weight, w["scaled_conv1.offset"].flatten(), padding=1)


# --- gates and attention -------------------------------------------------------------------------


def squeeze_excite(w: Weights, x: Tensor) -> Tensor:
    gate = x.mean((2, 3), keepdim=True)
    gate = F.relu(F.conv2d(gate, w["excite1.conv1.weight"], w["excite1.conv1.bias"]))
    return x * F.conv2d(gate, w["excite1.conv2.weight"], w["excite1.conv2.bias"]).sigmoid()


def efficient(w: Weights, x: Tensor) -> Tensor:
    weight = w["efficient_channel_attention1.conv1.weight"]
    gate = F.conv1d(x.mean((2, 3))[:, None], weight, padding=1).sigmoid()
    return x * gate[:, 0, :, None, None]


def block_attention(w: Weights, x: Tensor) -> Tensor:
    first, second, spatial = w.values()

    def mlp(pooled: Tensor) -> Tensor:
        return F.conv2d(F.relu(F.conv2d(pooled, first)), second)

    x = x * (mlp(F.adaptive_avg_pool2d(x, 1)) + mlp(F.adaptive_max_pool2d(x, 1))).sigmoid()
    both = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
    return x * F.conv2d(both, spatial, padding=3).sigmoid()


def non_local(w: Weights, x: Tensor) -> Tensor:
    queries, keys, values = (
        F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"]).flatten(2).transpose(1, 2)
        for name in ("theta", "phi", "g")
    )
    made = F.scaled_dot_product_attention(queries, keys, values)
    made = made.transpose(1, 2).unflatten(2, x.shape[2:])
    return x + F.conv2d(made, w["out.weight"], w["out.bias"])


def heads(w: Weights, x: Tensor) -> Tensor:
    module = nn.MultiheadAttention(8, 2, batch_first=True).double()
    names = {"in_proj.weight": "in_proj_weight", "in_proj.bias": "in_proj_bias"}
    named = {key.removeprefix("self_attention1."): value for key, value in w.items()}
    module.load_state_dict({names.get(key, key): value for key, value in named.items()})
    tokens = x.transpose(1, 2)
    return module(tokens, tokens, tokens)[0].transpose(1, 2)


# --- parts and order -----------------------------------------------------------------------------


def shuffle(w: Weights, x: Tensor) -> Tensor:
    own = {key.removeprefix("shuffle_unit1."): value for key, value in w.items()}

    def normed(x: Tensor, number: int) -> Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(own[f"batchnorm{number}.{name}"] for name in names))

    kept, x = x.chunk(2, 1)
    x = F.relu(normed(F.conv2d(x, own["conv1.weight"]), 1))
    x = normed(F.conv2d(x, own["depthwise1.weight"], padding=1, groups=4), 2)
    x = F.relu(normed(F.conv2d(x, own["conv2.weight"]), 3))
    both = torch.stack([kept, x], 1)
    return both.transpose(1, 2).flatten(1, 2)


def halves(w: Weights, x: Tensor) -> Tensor:
    left, right = x.split(4, 3)
    x = torch.cat([left * 2, F.relu(right)], 2)
    return torch.cat([x, F.pad(x[:, :, :-1:4], (0, 0, 4, 5))], 3)


def blocks(x: Tensor) -> Tensor:
    """TensorFlow's space-to-depth: a position of the block is the slower part of the channel."""
    return torch.cat([x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 1)


def space_to_depth(w: Weights, x: Tensor) -> Tensor:
    return blocks(x).unflatten(1, (4, 3)).transpose(1, 2).flatten(1, 2)


def space_to_depth_of_tensorflow(w: Weights, x: Tensor) -> Tensor:
    return F.conv2d(blocks(x), w["conv1.weight"], w["conv1.bias"])


def space_to_depth_of_sequences(w: Weights, x: Tensor) -> Tensor:
    x = torch.stack([x[:, :, i::4] for i in range(4)], 2).flatten(1, 2)
    return F.conv1d(x, w["conv1.weight"], w["conv1.bias"])


# --- normalised and scaled -----------------------------------------------------------------------


def convnext_v2(w: Weights, x: Tensor) -> Tensor:
    """With channels last, as in https://github.com/facebookresearch/ConvNeXt-V2."""
    y = F.conv2d(x, w["dwconv.weight"], w["dwconv.bias"], padding=3, groups=4)
    y = F.layer_norm(y.permute(0, 2, 3, 1), (4,), w["norm.weight"], w["norm.bias"], 1e-6)
    y = F.gelu(F.linear(y, w["pwconv1.weight"], w["pwconv1.bias"]))
    lengths = torch.norm(y, p=2, dim=(1, 2), keepdim=True)
    ratio = lengths / (lengths.mean(-1, keepdim=True) + 1e-6)
    gamma, beta = (w[f"global_response_norm1.{name}"].flatten() for name in ("gamma", "beta"))
    y = gamma * (y * ratio) + beta + y
    y = F.linear(y, w["pwconv2.weight"], w["pwconv2.bias"]) * w["layer_scale"].flatten()
    return x + y.permute(0, 3, 1, 2)


def local_response(w: Weights, x: Tensor) -> Tensor:
    squares = F.pad(x * x, (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).mean(-1)
    x = x / (2 + 0.5 * squares) ** 0.75
    squares = F.unfold(x * x, 3, padding=1).view(len(x), 6, 9, 25).mean(2).view_as(x)
    return x / (1 + 0.5 * squares) ** 0.75


def cosine(w: Weights, left: Tensor, right: Tensor) -> Tensor:
    one, other = (F.conv2d(x, *w.values()).mean((2, 3)) for x in (left, right))
    return F.cosine_similarity(one, other)[:, None]


# --- pooling -------------------------------------------------------------------------------------


def blur(w: Weights, x: Tensor) -> Tensor:
    row = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype) / 8
    x = F.pad(F.max_pool2d(x, 2, stride=1), (1, 2, 1, 2), mode="reflect")
    return F.conv2d(x, (row[:, None] * row).repeat(3, 1, 1, 1), stride=2, groups=3)


def generalised_mean(w: Weights, x: Tensor) -> Tensor:
    return x.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)


def one_axis(w: Weights, x: Tensor) -> Tensor:
    return x.unflatten(2, (2, 4)).mean(3)


def unpooled(w: Weights, x: Tensor) -> Tensor:
    x = F.relu(F.conv2d(x, w["features.weight"], w["features.bias"], padding=1))
    small, places = F.max_pool2d(x, 2, return_indices=True)
    small = F.conv2d(small, w["conv2.weight"], w["conv2.bias"])
    return F.max_unpool2d(small, places, 2, output_size=x.shape[2:])


# --- up again, and text --------------------------------------------------------------------------


def any_size(w: Weights, x: Tensor) -> Tensor:
    down = F.relu(F.conv2d(x, w["down.weight"], w["down.bias"], stride=2, padding=1))
    more = [1 - n % 2 for n in x.shape[2:]]
    up = F.conv_transpose2d(down, w["up.weight"], w["up.bias"], 2, 1, output_padding=more)
    weight, bias = w["conv_transpose2.weight"], w["conv_transpose2.bias"]
    return F.conv_transpose2d(up, weight, bias)[:, :, 1:-2, :-1]


def tokens(w: Weights, x: Tensor) -> Tensor:
    words = F.embedding(x, w["embedding1.weight"])
    lstm = nn.LSTM(8, 6, bidirectional=True, batch_first=True).double()
    gru = nn.GRU(12, 5, batch_first=True).double()
    for name, module in (("lstm1.", lstm), ("gru1.", gru)):
        own = {key.removeprefix(name): value for key, value in w.items() if key.startswith(name)}
        module.load_state_dict(own)
    both = torch.cat([words.mean(1), gru(lstm(words)[0])[0][:, -1]], 1)
    return F.linear(both, w["dense1.weight"], w["dense1.bias"])


REFERENCES: dict[str, Callable[..., Tensor]] = {
    "Same": same,
    "Standardized": standardized,
    "NormalizerFree": normalizer_free,
    "SqueezeExcite": squeeze_excite,
    "Efficient": efficient,
    "BlockAttention": block_attention,
    "NonLocal": non_local,
    "Heads": heads,
    "Shuffle": shuffle,
    "Halves": halves,
    "SpaceToDepth": space_to_depth,
    "SpaceToDepthOfTensorFlow": space_to_depth_of_tensorflow,
    "SpaceToDepthOfSequences": space_to_depth_of_sequences,
    "ConvNeXtV2": convnext_v2,
    "LocalResponse": local_response,
    "Cosine": cosine,
    "Blur": blur,
    "GeneralisedMean": generalised_mean,
    "OneAxis": one_axis,
    "Unpooled": unpooled,
    "AnySize": any_size,
    "Tokens": tokens,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_composition_computes_what_pytorch_computes(tmp_path: Path, name: str) -> None:
    """At once and traced; for even and odd sizes where these are free."""
    path = tmp_path / "net.cnn"
    path.write_text(next(c.program.text for c in PROGRAMS if f"network {name} " in c.program.text))
    graph, _ = compile_file(path, name)
    module = cnnlang.load(path, name, dtype=torch.float64).eval()
    torch.manual_seed(0)
    with one_thread(), torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True):
        for each in module.parameters():
            each.add_(torch.rand_like(each) * 0.2)
        traced = torch.compile(module, fullgraph=True, dynamic=True, backend="eager")
        for sizes in SIZES:
            inputs = example(graph, sizes)
            wanted = REFERENCES[name](module.state_dict(), *inputs)
            torch.testing.assert_close(module(*inputs), wanted)
            torch.testing.assert_close(traced(*inputs), wanted)


def test_every_network_of_the_page_has_a_reference() -> None:
    words = " ".join(case.program.text for case in PROGRAMS)
    assert set(re.findall(r"network (\w+)", words)) - {"N"} == REFERENCES.keys()
