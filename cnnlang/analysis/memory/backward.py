"""The backward pass on a tape: steps in reverse order, gradients added up where they meet.

Source: torch/csrc/autograd/engine.cpp and input_buffer.cpp. Of the nodes that are ready the one
that was made last goes first, which is the reverse order of the forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnlang.layers.storage import (
    NOTHING,
    Bytes,
    Edge,
    Gradient,
    Step,
    Storage,
    Stored,
    amount,
    known,
)
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor


def targets(outputs: Sequence[Tensor]) -> Bytes:
    """An integer for every position of the outputs, alike ones once."""
    shapes = {known(each.shape[1:]) for each in outputs}
    return sum((amount(shape, "int") for shape in shapes), NOTHING)


def loss(tape: Tape, outputs: Sequence[Stored]) -> Stored:
    """The cross-entropy of every output, in float32 at least; these are all let go."""
    losses = [cross_entropy(tape, each) for each in outputs]
    total = losses[0]
    for each in losses[1:]:
        total = tape.sum(total, each)
    tape.finish(total)
    for each in outputs:
        tape.drop(each.storage)
    tape.forget()
    return total


def cross_entropy(tape: Tape, output: Stored) -> Stored:
    """The cross-entropy of logits over the first axis."""
    wide = output if output.dtype == "float64" else tape.converted(output, "float32")
    likely = tape.unary("log_softmax", wide, "result")
    edges = [Edge(likely, "new", likely.size)] if likely.learned else []
    weight = amount((), wide.dtype, False)
    return tape.made((), wide.dtype, edges, (likely, weight), batched=False)


def backward(tape: Tape, total: Stored) -> None:
    """All steps; what is left are the gradients of the parameters."""
    first = Gradient(tape.hold(Storage(total.size)), holders=2)
    total.gradient = first
    tape.moment()
    while tape.steps:
        undo(tape, tape.steps.pop())
    let_go(tape, first)
    tape.drop(total.storage)


def undo(tape: Tape, step: Step) -> None:
    """One step: its gradients are made, then what it saved is let go, then these are added up."""
    incoming, step.result.gradient = step.result.gradient, None
    made: list[tuple[Edge, Gradient]] = []
    saved = step.saved
    if incoming is not None:
        saved = tape.unpack(step)
        made = [(edge, derive(tape, edge, incoming)) for edge in step.edges]
        tape.moment()
        let_go(tape, incoming)
    for storage in saved:
        tape.drop(storage)
    for edge, gradient in made:
        accumulate(tape, edge.target, gradient)


def derive(tape: Tape, edge: Edge, incoming: Gradient) -> Gradient:
    """The gradient of one operand."""
    if edge.way == "same":
        incoming.holders += 1
        return incoming
    if edge.way == "view":
        return Gradient(tape.hold(incoming.storage), view=True)
    tape.moment(edge.most)
    return Gradient(tape.hold(Storage(edge.target.size)), view=edge.way == "turned")


def accumulate(tape: Tape, target: Stored, gradient: Gradient) -> None:
    """Adds into the gradient that is there if nobody else holds it, else into new memory."""
    old = target.gradient
    if old is None:
        target.gradient = gradient
    elif not old.view and old.holders == 1 and old.storage.uses == 1:
        let_go(tape, gradient)
    else:
        target.gradient = Gradient(tape.hold(Storage(target.size)))
        tape.moment()
        for each in (old, gradient):
            let_go(tape, each)


def let_go(tape: Tape, gradient: Gradient) -> None:
    gradient.holders -= 1
    if not gradient.holders:
        tape.drop(gradient.storage)
