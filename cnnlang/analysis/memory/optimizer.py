"""What optimizers keep, and what their step takes while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlang.layers.storage import Bytes
from cnnlang.layers.tape import Tape

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""Optimizers, with the numbers that they keep for each parameter; `momentum` is SGD with it."""
COUNTED = 4
"""Bytes of the number of steps that Adam keeps for each parameter, in the memory of the CPU."""


def state(parameters: Sequence[int], optimizer: str, device: str) -> int:
    """The bytes that an optimizer keeps between steps for parameters of these sizes."""
    numbers = OPTIMIZERS[optimizer]
    steps = COUNTED * len(parameters) if numbers == 2 and device == "cpu" else 0
    return numbers * sum(parameters) + steps


def optimize(tape: Tape, parameters: Sequence[int], optimizer: str) -> None:
    """The step: Adam takes the roots of its second moments, of all parameters at once on a GPU.

    On the CPU it goes from one parameter to the next, and holds the last divisor meanwhile.
    """
    tape.moment()
    if OPTIMIZERS[optimizer] < 2:
        return
    if tape.device == "cuda":
        tape.moment(Bytes(sum(parameters)))
        return
    for before, size in zip((0, *parameters), parameters, strict=False):
        tape.moment(Bytes(before + 2 * size))
