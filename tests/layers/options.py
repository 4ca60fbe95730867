"""What each layer is in PyTorch, option by option: our argument for it, or why there is none.

`{}` in a name stands for 1, 2 and 3, the number of spatial axes. A module's options are those of
its constructor and of its call; names that begin with `aten` are the schemas of functions that
Python cannot inspect.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

ANY = frozenset({1, 2, 3, 4})
MAPS = frozenset({2, 3, 4})
"""Numbers of axes of a tensor without its batch."""


class Reason(str):
    """Why an option has no argument."""


ALWAYS = {
    "self": Reason("the function's tensor, or the module"),
    "input": Reason("the tensor that flows in"),
    "x": Reason("the tensor that flows in"),
    "tensors": Reason("the tensors that flow in"),
    "other": Reason("the second tensor"),
    "device": Reason("`load(device=)` and `.to()` are for the whole network"),
    "dtype": Reason("`load(dtype=)` and `.to()` are for the whole network"),
    "inplace": Reason("what may be overwritten depends on who else reads it; no result changes"),
    "out": Reason("writes into a tensor that is given; no result changes"),
    "return_indices": Reason("a layer has one result; `maxunpool` finds the places again"),
}
SIZE = Reason("inferred from the tensor that flows in")
COMPUTED = Reason("worked out from the other arguments and the tensor")


@dataclass(frozen=True)
class Counterpart:
    """A layer's classes and functions in PyTorch, and what their options are called here."""

    pytorch: tuple[str, ...]
    options: dict[str, str]
    ranks: frozenset[int] = ANY


def like(*pytorch: str, ranks: Iterable[int] = (), **options: str) -> Counterpart:
    """An option that is not listed has a field of its own name."""
    spatial = any("{}" in name for name in pytorch)
    return Counterpart(pytorch, options, frozenset(ranks) or (MAPS if spatial else ANY))


def each(names: str, **more: Any) -> dict[str, Counterpart]:
    """Layers that are called as PyTorch's functions are."""
    pairs = (name.split("=") for name in names.split())
    return {name: like(*pytorch.split("|"), **more) for name, pytorch in pairs}


SAMPLED = {"kernel_size": "kernel", "ceil_mode": "ceil"}
CONVOLVED = {"kernel_size": "kernel", "padding_mode": "pad_mode"}
RUNNING = {"num_features": "in_channels", "track_running_stats": "track"}
SHAPED = {"normalized_shape": "axis", "elementwise_affine": "affine"}
RECURRENT = {
    "input_size": "in_channels",
    "hidden_size": "hidden",
    "num_layers": "layers",
    "batch_first": Reason("tensors are channels x length; the source turns them"),
    "hx": Reason("a sequence begins from the zero state"),
}
SHRUNK = {"lambd": "bound"}
ALONG = {"dim": "axis"}
REDUCED = {"dim": "axis", "keepdim": "keep"}
MERGED = {"alpha": Reason("`multiply(0.5)` before it says the same")}

COUNTERPARTS: dict[str, Counterpart] = {
    "conv": like("nn.Conv{}d", out_channels="filters", **CONVOLVED),
    "depthwise": like(
        "nn.Conv{}d", out_channels="multiplier", groups=Reason("one for each channel"), **CONVOLVED
    ),
    "separable": like(
        "nn.Conv{}d", out_channels="filters", groups=Reason("one for each channel"), **CONVOLVED
    ),
    "conv_transpose": like(
        "nn.ConvTranspose{}d",
        out_channels="filters",
        output_size="like",
        **CONVOLVED | {"padding_mode": Reason("PyTorch takes `zeros` only")},
    ),
    "maxpool": like("nn.MaxPool{}d", **SAMPLED),
    "avgpool": like("nn.AvgPool{}d", divisor_override="divisor", **SAMPLED),
    "lppool": like("nn.LPPool{}d", norm_type="power", **SAMPLED),
    "global_avgpool": like("nn.AdaptiveAvgPool{}d", output_size=Reason("1 on every axis")),
    "global_maxpool": like("nn.AdaptiveMaxPool{}d", output_size=Reason("1 on every axis")),
    "adaptive_avgpool": like("nn.AdaptiveAvgPool{}d", output_size="size"),
    "adaptive_maxpool": like("nn.AdaptiveMaxPool{}d", output_size="size"),
    "maxunpool": like("nn.MaxUnpool{}d", kernel_size="kernel", indices="like", output_size="like"),
    "blurpool": like(ranks=MAPS),
    "dense": like("nn.Linear", out_features="units"),
    "bilinear": like(
        "nn.Bilinear",
        ranks={1},
        in1_features=SIZE,
        in2_features=SIZE,
        out_features="units",
        input1=SIZE,
        input2=SIZE,
    ),
    "embedding": like(
        "nn.Embedding",
        ranks={1, 2, 3},
        num_embeddings="count",
        embedding_dim="width",
        padding_idx="padding_index",
        _weight=Reason("weights are loaded into the network, or made by `init=`"),
        _freeze=Reason("what is trained is told to the optimiser; `requires_grad_(False)`"),
    ),
    "lstm": like("nn.LSTM", ranks={2}, proj_size="projection", **RECURRENT),
    "gru": like("nn.GRU", ranks={2}, **RECURRENT),
    "rnn": like("nn.RNN", ranks={2}, nonlinearity="activation", **RECURRENT),
    "batchnorm": like("nn.BatchNorm{}d", ranks=ANY, **RUNNING),
    "instancenorm": like("nn.InstanceNorm{}d", **RUNNING),
    "groupnorm": like("nn.GroupNorm", num_groups="groups", num_channels="in_channels"),
    "layernorm": like("nn.LayerNorm", **SHAPED),
    "rmsnorm": like("nn.RMSNorm", **SHAPED),
    "lrn": like("nn.LocalResponseNorm", ranks=MAPS),
    "l2norm": like(
        "F.normalize",
        p=Reason("2 by its name; for others `divide` by `abs -> power -> sum -> power`"),
        **ALONG,
    ),
    "leaky_relu": like("nn.LeakyReLU", negative_slope="slope"),
    "prelu": like("nn.PReLU", num_parameters="per_channel", init="slope"),
    "hardtanh": like(
        "nn.Hardtanh",
        min_val="low",
        max_val="high",
        min_value=Reason("an old name of `min_val`"),
        max_value=Reason("an old name of `max_val`"),
    ),
    "rrelu": like("nn.RReLU", lower="low", upper="high"),
    **each("softshrink=nn.Softshrink hardshrink=nn.Hardshrink", **SHRUNK),
    **each(
        "relu=nn.ReLU relu6=nn.ReLU6 elu=nn.ELU selu=nn.SELU celu=nn.CELU gelu=nn.GELU "
        "silu=nn.SiLU mish=nn.Mish sigmoid=nn.Sigmoid tanh=nn.Tanh softplus=nn.Softplus "
        "softsign=nn.Softsign hardswish=nn.Hardswish hardsigmoid=nn.Hardsigmoid "
        "threshold=nn.Threshold tanhshrink=nn.Tanhshrink log_sigmoid=nn.LogSigmoid"
    ),
    **each("softmax=nn.Softmax softmin=nn.Softmin log_softmax=nn.LogSoftmax glu=nn.GLU", **ALONG),
    **each(
        "abs=aten.abs exp=aten.exp log=aten.log sqrt=aten.sqrt square=aten.square "
        "negative=aten.neg sin=aten.sin cos=aten.cos power=aten.pow.Tensor_Scalar"
    ),
    "clamp": like("aten.clamp", min="low", max="high"),
    **each("dropout=nn.Dropout alpha_dropout=nn.AlphaDropout"),
    "channel_dropout": like("nn.Dropout{}d"),
    "channel_alpha_dropout": like("nn.FeatureAlphaDropout", ranks=MAPS),
    "droppath": like(),
    "flatten": like("nn.Flatten", start_dim="start", end_dim="end"),
    "unflatten": like("nn.Unflatten", dim="axis", unflattened_size="shape"),
    "reshape": like("aten.reshape"),
    "permute": like("aten.permute", dims="order"),
    "slice": like("aten.slice.Tensor", dim="axis", end="stop"),
    "pad": like("F.pad", ranks=MAPS, pad="margins"),
    "crop": like(ranks=MAPS),
    "upsample": like(
        "nn.Upsample",
        "F.interpolate",
        ranks=MAPS,
        scale_factor="scale",
        recompute_scale_factor="recompute_scale",
    ),
    "pixel_shuffle": like("nn.PixelShuffle", ranks={3}, upscale_factor="factor"),
    "pixel_unshuffle": like("nn.PixelUnshuffle", ranks={3}, downscale_factor="factor"),
    "channel_shuffle": like("nn.ChannelShuffle", ranks=MAPS),
    **each("add=aten.add.Tensor subtract=aten.sub.Tensor", **MERGED),
    **each(
        "multiply=aten.mul.Tensor divide=aten.div.Tensor maximum=aten.maximum minimum=aten.minimum"
    ),
    "average": like(),
    "concat": like("aten.cat", **ALONG),
    "matmul": like("aten.matmul", ranks={2, 3, 4}),
    "scale": like(),
    "bias": like(),
    **each(
        "mean=aten.mean.dim sum=aten.sum.dim_IntList max=aten.amax min=aten.amin "
        "logsumexp=aten.logsumexp std=aten.std.correction var=aten.var.correction",
        **REDUCED,
    ),
}

TABLE = "`embedding -> mean(length)` or another reduction says the same"
ATTENTION = "said with `dense`, `unflatten`, `matmul` and `softmax`"
LOSS = "a loss is a part of training, not of the network"
CONTAINER = "a container; `stack`, blocks and the network itself are modules"
STEP = "one step of a recurrent layer, which runs over the whole sequence"
ELSEWHERE: dict[str, str] = {
    "Container": CONTAINER,
    "CosineSimilarity": "said with `l2norm`, `multiply` and `sum`",
    "CrossMapLRN2d": "an older `LocalResponseNorm`",
    "EmbeddingBag": TABLE,
    "Fold": "adds up overlapping patches, which `conv_transpose` does with weights",
    "FractionalMaxPool2d": "draws its windows at random, in evaluation too",
    "FractionalMaxPool3d": "draws its windows at random, in evaluation too",
    "GRUCell": STEP,
    "Identity": "`identity`, which is a word of the language",
    "LSTMCell": STEP,
    "LinearCrossEntropyOptions": LOSS,
    "Module": CONTAINER,
    "ModuleDict": CONTAINER,
    "ModuleList": CONTAINER,
    "MultiheadAttention": ATTENTION,
    "PairwiseDistance": "said with `subtract`, `square`, `sum` and `sqrt`",
    "ParameterDict": CONTAINER,
    "ParameterList": CONTAINER,
    "RNNBase": CONTAINER,
    "RNNCell": STEP,
    "RNNCellBase": STEP,
    "Sequential": CONTAINER,
    "Softmax2d": "`softmax` of a map",
    "SyncBatchNorm": "made of `batchnorm` by `convert_sync_batchnorm` for training",
    "Transformer": ATTENTION,
    "TransformerDecoder": ATTENTION,
    "TransformerDecoderLayer": ATTENTION,
    "TransformerEncoder": ATTENTION,
    "TransformerEncoderLayer": ATTENTION,
    "Unfold": "lays out patches, which `conv` reads where they are",
    "UpsamplingBilinear2d": "an older `Upsample`",
    "UpsamplingNearest2d": "an older `Upsample`",
}
"""The modules of `torch.nn` that are no layer, and why."""
PADS = ("Zero", "Constant", "Reflection", "Replication", "Circular")


def found(name: str) -> set[str]:
    """All options that a layer has in PyTorch."""
    names = [name for pattern in COUNTERPARTS[name].pytorch for name in named(pattern)]
    return {option for each in names for option in options(each)}


def covered() -> set[str]:
    """The modules of `torch.nn` that are a layer."""
    names = [each for one in COUNTERPARTS.values() for name in one.pytorch for each in named(name)]
    modules = {name.removeprefix("nn.") for name in names if name.startswith("nn.")}
    return modules | {f"{kind}Pad{n}d" for kind in PADS for n in (1, 2, 3)}


def named(pattern: str) -> list[str]:
    """The names that a pattern stands for."""
    return [pattern.format(n) for n in (1, 2, 3)] if "{}" in pattern else [pattern]


def options(name: str) -> set[str]:
    """The options of a class, a function or a schema of PyTorch."""
    where, _, rest = name.partition(".")
    if where == "aten":
        operator, _, overload = rest.partition(".")
        schema = getattr(getattr(torch.ops.aten, operator), overload or "default")._schema
        return {argument.name for argument in schema.arguments}
    found = getattr({"nn": nn, "F": F}[where], rest)
    if where == "F":
        return set(inspect.signature(found).parameters)
    return signature(found.__init__) | signature(found.forward)


def signature(function: Any) -> set[str]:
    """The names of the parameters; those of the first overload where there are several."""
    function = next(iter(typing.get_overloads(function)), function)
    kinds = inspect.signature(function).parameters.items()
    return {n for n, p in kinds if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
