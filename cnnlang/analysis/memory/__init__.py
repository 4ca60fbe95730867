"""The memory of a training step and of inference, predicted from the graph alone.

A step is `zero_grad`, the forward pass with the cross-entropy of every output, `backward` and the
optimizer's step, in its steady state (the second one and all after it). What is live is counted
after every operation, as PyTorch counts references: a tensor is freed when no variable of the
source that runs, no saved tensor and no gradient on its way holds it any more. All amounts are
functions a + b N of the batch N, so that the largest batch that fits is known in one pass.
"""

from __future__ import annotations

from math import prod

from cnnlang.analysis.costs import owners, weights
from cnnlang.analysis.memory.backward import backward, loss, targets
from cnnlang.analysis.memory.forward import forward
from cnnlang.analysis.memory.optimizer import OPTIMIZERS, optimize, state
from cnnlang.graph import Graph
from cnnlang.layers.base import Weight
from cnnlang.layers.storage import WIDTHS, Bytes
from cnnlang.layers.tape import UNKNOWN, Tape, Unpredictable
from cnnlang.records import dataclass

DTYPES = ("float32", "float64", "bf16", "float16")
HALVES = ("bf16", "float16")
DEVICES = ("cuda", "cpu")
NOT_COUNTED = "workspaces of cuDNN, the CUDA context, the allocator's rounding and fragments"


@dataclass(frozen=True, slots=True)
class Setting:
    """How the network runs: in `dtype`, with parameters of type `weights`.

    Where these differ, under autocast. `device` chooses among the rules in which PyTorch's CPU
    and GPU differ: masks of dropout, types under autocast, how an optimizer goes over parameters.
    """

    dtype: str = "float32"
    weights: str = "float32"
    optimizer: str = "sgd"
    device: str = "cuda"

    @property
    def autocast(self) -> bool:
        return self.dtype != self.weights

    def __str__(self) -> str:
        if self.autocast:
            return f"{self.dtype} under autocast"
        return self.dtype


def setting(
    dtype: str = "float32",
    weights: str | None = None,
    optimizer: str = "sgd",
    device: str = "cuda",
) -> Setting:
    """The setting that is meant: weights stay in float32 under autocast unless they are named.

    Raises `ValueError` for what is not known, and for what PyTorch cannot run.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}")
    if optimizer not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"the memory of optimizer {optimizer!r} is not known: it knows {known}")
    usual = "float32" if dtype in HALVES else dtype
    found = Setting(dtype, weights or usual, optimizer, device)
    if found.weights not in (dtype, usual):
        raise ValueError(f"dtype {dtype} goes with weights of {dtype}, not {found.weights}")
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """What is live when: amounts in bytes for every batch.

    `weights` are parameters and buffers, `state` what the optimizer keeps, `saved` what autograd
    keeps of a forward pass, `layers` the same by node, where it is first saved. `training` and
    `inference` have what is live after every operation.
    """

    weights: int
    gradients: int
    state: int
    saved: Bytes
    layers: dict[int, Bytes]
    training: tuple[Bytes, ...]
    inference: tuple[Bytes, ...]

    def moments(self, training: bool) -> tuple[Bytes, ...]:
        return self.training if training else self.inference

    def peak(self, batch: int, training: bool = True) -> int:
        """The most bytes that are live at once."""
        return max(each.at(batch) for each in self.moments(training))

    def largest(self, limit: int, training: bool = True) -> int:
        """The largest batch whose peak is at most `limit`; 0 if there is none."""
        room = [(limit - m.fixed, m.each) for m in self.moments(training)]
        if any(left < 0 for left, _ in room):
            return 0
        return min(left // each for left, each in room if each)


def memory(graph: Graph, setting: Setting) -> Memory:
    """The memory of a network without free dimensions; raises `Unpredictable`."""
    if graph.free:
        raise Unpredictable(f"it depends on the free dimensions {', '.join(graph.free)}")
    own = [weight for node in owners(graph) for weight in weights(graph, node)]
    fixed = sum(size(weight, setting.weights) for weight in own)
    trained = [size(weight, setting.weights) for weight in own if weight.trainable]
    numbers = state(trained, setting.optimizer, setting.device)
    training, inference = (
        Tape(mode, setting.dtype, setting.weights, setting.device, Bytes(start))
        for mode, start in ((True, fixed + numbers), (False, fixed))
    )
    training.now += targets([graph.nodes[i].output for i in graph.returned(training=True)])
    outputs, layers = forward(graph, training)
    backward(training, loss(training, outputs))
    optimize(training, trained, setting.optimizer)
    forward(graph, inference)
    moments = (tuple(each.moments) for each in (training, inference))
    return Memory(fixed, sum(trained), numbers, training.kept, layers, *moments)


def size(weight: Weight, dtype: str) -> int:
    """The bytes of a parameter or buffer; a buffer without axes counts batches."""
    return prod(weight.shape) * WIDTHS["int" if counts(weight) else dtype]


def counts(weight: Weight) -> bool:
    return not weight.trainable and not weight.shape


__all__ = [
    "DEVICES",
    "DTYPES",
    "NOT_COUNTED",
    "OPTIMIZERS",
    "UNKNOWN",
    "Memory",
    "Setting",
    "Unpredictable",
    "memory",
    "setting",
]
