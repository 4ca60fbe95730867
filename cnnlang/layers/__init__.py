"""The layers of the language: one class each, one file a family."""

from cnnlang.layers import (
    activation,
    adaptive,
    convolution,
    dense,
    elementwise,
    fitting,
    learned,
    magnitude,
    matmul,
    merge,
    normalization,
    pooling,
    reduction,
    regularization,
    resampling,
    sequence,
    shape,
    shrinkage,
    shuffling,
    softmax,
    transposed,
    unpooling,
)
from cnnlang.layers.base import REGISTRY, Condition, Layer, LayerError, Need, Problem, Weight
from cnnlang.layers.tensor import Tensor

FAMILIES = (
    convolution,
    transposed,
    pooling,
    adaptive,
    unpooling,
    dense,
    sequence,
    normalization,
    magnitude,
    activation,
    softmax,
    shrinkage,
    elementwise,
    regularization,
    shape,
    fitting,
    resampling,
    shuffling,
    merge,
    matmul,
    learned,
    reduction,
)
"""The modules with the layers, in the order in which a reference tells of them."""

__all__ = [
    "FAMILIES",
    "REGISTRY",
    "Condition",
    "Layer",
    "LayerError",
    "Need",
    "Problem",
    "Tensor",
    "Weight",
]
