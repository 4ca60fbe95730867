"""What PyTorch, Keras and others call our layers and their arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Foreign:
    """A layer of another tool: whose it is, what it is here, its arguments by position.

    The arguments have our names. None: they mean something else there, such as axes that are
    counted with the batch, or a momentum of what is kept.
    """

    tool: str
    ours: str
    order: tuple[str, ...] | None


PYTORCH = {
    "Conv#d": "conv in_channels filters kernel stride padding dilation groups bias pad_mode",
    "ConvTranspose#d": "conv_transpose in_channels filters kernel stride padding output_padding "
    "groups bias dilation",
    "MaxPool#d": "maxpool kernel stride padding dilation",
    "AvgPool#d": "avgpool kernel stride padding ceil count_include_pad divisor",
    "AdaptiveAvgPool#d": "adaptive_avgpool size",
    "AdaptiveMaxPool#d": "adaptive_maxpool size",
    "BatchNorm#d": "batchnorm in_channels eps momentum affine track",
    "InstanceNorm#d": "instancenorm in_channels eps momentum affine track",
    "Dropout#d": "channel_dropout p inplace",
    "ZeroPad#d": "pad margins",
    "Linear": "dense in_features units bias",
    "GroupNorm": "groupnorm groups in_channels eps affine",
    "LocalResponseNorm": "lrn size alpha beta k",
    "FeatureAlphaDropout": "channel_alpha_dropout p inplace",
    "Dropout": "dropout p inplace",
    "ReLU": "relu inplace",
    "LeakyReLU": "leaky_relu slope inplace",
    "Upsample": "upsample size scale mode align_corners",
    "Flatten": "flatten ?",
    "Unflatten": "unflatten ?",
    "Softmax": "softmax ?",
    "Softmin": "softmin ?",
    "LogSoftmax": "log_softmax ?",
    "GLU": "glu ?",
    "LayerNorm": "layernorm ?",
}
KERAS = {
    "Conv#D": "conv filters kernel stride padding",
    "Conv#DTranspose": "conv_transpose filters kernel stride padding",
    "DepthwiseConv#D": "depthwise kernel stride padding",
    "SeparableConv#D": "separable filters kernel stride padding",
    "MaxPooling#D": "maxpool kernel stride padding",
    "AveragePooling#D": "avgpool kernel stride padding",
    "GlobalAveragePooling#D": "global_avgpool",
    "GlobalMaxPooling#D": "global_maxpool",
    "UpSampling#D": "upsample scale",
    "ZeroPadding#D": "pad margins",
    "Cropping#D": "crop margins",
    "SpatialDropout#D": "channel_dropout p",
    "BatchNormalization": "batchnorm ?",
    "LayerNormalization": "layernorm ?",
    "GroupNormalization": "groupnorm groups",
    "Concatenate": "concat ?",
    "Dense": "dense units",
}
OTHERS = {
    "convolution": "conv",
    "fc": "dense",
    "fully_connected": "dense",
    "bn": "batchnorm",
    "deconv": "conv_transpose",
    "swish": "silu",
    "cat": "concat",
    "gap": "global_avgpool",
    "sequential": "stack",
    "dwconv": "depthwise",
    "depthwise_conv": "depthwise",
    "separable_conv": "separable",
    "spatial_dropout": "channel_dropout",
}


PARTS = (
    "each part is a `slice` of a tensor with a name: `x -> a: slice(channels, 0, 32)`, and so on"
)
WAYS = {"split": PARTS, "chunk": PARTS, "tensor_split": PARTS}
"""How to say what is no single layer here."""


def spread(tool: str, table: dict[str, str]) -> Iterator[tuple[str, Foreign]]:
    """The layers of a tool, each that stands for three (`#`) under each of its names."""
    for name, text in table.items():
        ours, *order = text.split()
        layer = Foreign(tool, ours, None if order == ["?"] else tuple(order))
        for axes in "123" if "#" in name else "#":
            yield name.replace("#", axes), layer


LAYERS = dict((*spread("PyTorch", PYTORCH), *spread("Keras", KERAS)))
"""The layers of PyTorch and Keras, by their names there."""
NAMES = OTHERS | {name.lower().replace("_", ""): each.ours for name, each in LAYERS.items()}
"""Our layers by their names elsewhere, without case and underscores."""
ARGUMENTS = {
    "out_channels": ("filters", "units"),
    "out_features": ("units", "filters"),
    "filters": ("units",),
    "units": ("filters", "hidden"),
    "hidden_size": ("hidden",),
    "kernel_size": ("kernel",),
    "pool_size": ("kernel",),
    "strides": ("stride",),
    "padding_mode": ("pad_mode",),
    "dilation_rate": ("dilation",),
    "use_bias": ("bias",),
    "rate": ("p",),
    "num_features": ("in_channels",),
    "num_channels": ("in_channels",),
    "num_groups": ("groups",),
    "negative_slope": ("slope",),
    "scale_factor": ("scale",),
    "upscale_factor": ("factor",),
    "downscale_factor": ("factor",),
    "output_size": ("size",),
    "ceil_mode": ("ceil",),
    "epsilon": ("eps",),
    "depth_multiplier": ("multiplier",),
    "interpolation": ("mode",),
}
"""Arguments of other tools, and what they are called here: the first that a layer has."""
NEEDLESS = frozenset({"in_channels", "in_features", "inplace"})
"""Arguments that a layer finds out by itself, or that change nothing."""


def ours(name: str) -> str | None:
    """Our layer that is called by this name elsewhere."""
    return NAMES.get(name.lower()) or NAMES.get(name.lower().replace("_", ""))


def layer(name: str) -> Foreign | None:
    """The layer of another tool of this name; written small, if only one tool has it."""
    small = [each for other, each in LAYERS.items() if other.lower() == name]
    return LAYERS.get(name) or (small[0] if len(small) == 1 else None)


def argument(name: str, known: Collection[str]) -> str | None:
    """The argument among `known` that is called by this name elsewhere."""
    return next((each for each in ARGUMENTS.get(name, ()) if each in known), None)
