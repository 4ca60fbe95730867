"""A tape on which the saved tensors of some parts are let go and made again.

It plays what `torch.utils.checkpoint` does without reentry: a part holds what flows into it; the
first of its operations that goes back runs the part again, up to the last tensor that is saved.
Source: torch/utils/checkpoint.py, `_CheckpointFrame` and the rules above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnlang.analysis.memory.forward import apply
from cnnlang.analysis.recomputation.plan import Part
from cnnlang.graph import Graph
from cnnlang.layers.storage import Bytes, Edge, Order, Saved, Step, Storage, Stored, kept_in
from cnnlang.layers.tape import Tape
from cnnlang.records import dataclass, field
from cnnlang.sizes import Size


@dataclass(eq=False, slots=True)
class Frame:
    """A part that ran once: what flowed in, and what its operations save, by their number."""

    part: Part
    given: Mapping[int, Stored]
    saving: Sequence[int] = ()
    again: list[tuple[Storage, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Packed(Step):
    """An operation of a part: its saved tensors are those of the second run."""

    frame: Frame
    number: int


class Stopped(Exception):
    """The last tensor that is saved has been made."""


@dataclass(eq=False, slots=True)
class Replaying(Tape):
    """Plays the nodes of a graph; those of `places` run in place.

    `whole` tells of the operation that saved tensors last whether it had to run for that: whether
    some of them are its own.
    """

    graph: Graph | None = None
    places: frozenset[int] = frozenset()
    leaving: Mapping[int, Sequence[int]] = field(default_factory=dict)
    packing: bool = False
    running: Frame | None = None
    reuse: Storage | None = None
    whole: bool = False

    # --- forward ---------------------------------------------------------------------------------

    def run(self, index: int, values: dict[int, Stored]) -> None:
        """One node: its output, in place if the plan says so."""
        assert self.graph is not None
        node = self.graph.nodes[index]
        if index in self.places:
            self.reuse = values[node.inputs[0]].storage
        values[index] = apply(self.graph, node, self, values)

    def leave(self, index: int, values: dict[int, Stored]) -> None:
        """What nobody reads after a node is let go."""
        for each in self.leaving[index]:
            if each in values:
                self.drop(values[each].storage)

    def pack(self, part: Part, given: Mapping[int, Stored], values: dict[int, Stored]) -> None:
        """A part for the first time: it holds what flows in, and nothing that is saved."""
        frame, first = Frame(part, given), len(self.steps)
        for each in given.values():
            self.keep(each.storage)
        self.packing = True
        for index in part.nodes:
            self.run(index, values)
            self.leave(index, values)
        self.packing = False
        steps = self.steps[first:]
        frame.saving = [number for number, step in enumerate(steps) if step.saved]
        self.steps[first:] = [
            Packed(step.result, (), step.edges, frame, number) for number, step in enumerate(steps)
        ]
        if not frame.saving:
            for each in given.values():
                self.drop(each.storage)

    def keep(self, storage: Storage) -> None:
        """Autograd keeps what flows into a part."""
        if not storage.saved:
            self.kept += storage.size
        storage.saved += 1
        self.hold(storage)

    def save(self, saved: Saved, result: Stored) -> Storage:
        if self.packing:
            return kept_in(saved, result)
        return Tape.save(self, saved, result)

    def made(
        self,
        shape: Sequence[Size],
        dtype: str,
        edges: Sequence[Edge],
        saves: Sequence[Saved] = (),
        order: Order = None,
        batched: bool = True,
        storage: Storage | None = None,
    ) -> Stored:
        """As on any tape; a second run ends at its last saved tensor."""
        if saves and edges:
            self.whole = any(each == "result" or isinstance(each, Bytes) for each in saves)
        last = self.running is not None and bool(edges) and self.at_end(self.running)
        if last and not self.whole:
            saved = [self.save(each, edges[0].target) for each in saves]
            self.steps.append(Step(edges[0].target, tuple(saved), tuple(edges)))
            raise Stopped
        storage, self.reuse = storage or self.reuse, None
        result = Tape.made(self, shape, dtype, edges, saves, order, batched, storage)
        if last:
            raise Stopped
        return result

    def at_end(self, frame: Frame) -> bool:
        return len(self.steps) == frame.saving[-1]

    # --- backward --------------------------------------------------------------------------------

    def unpack(self, step: Step) -> tuple[Storage, ...]:
        """The saved tensors; for the first operation of a part that goes back, the part runs."""
        if not isinstance(step, Packed) or step.number not in step.frame.saving:
            return step.saved
        frame = step.frame
        if frame.again is None:
            frame.again = self.replay(frame)
        done = step.number == frame.saving[0]
        held = tuple(each.storage for each in frame.given.values()) if done else ()
        return (*frame.again[step.number], *held)

    def replay(self, frame: Frame) -> list[tuple[Storage, ...]]:
        """The second run of a part: what its operations save, by their number."""
        before = self.steps, self.casts, self.kept
        self.steps, self.casts, self.running = [], {}, frame
        values = dict(frame.given)
        try:
            for index in frame.part.nodes:
                self.run(index, values)
                self.again_left(index, frame, values)
        except Stopped:
            for each in self.temporaries:
                self.drop(each.storage)
            self.temporaries.clear()
            self.reuse = None
        for index in set(values) - set(frame.given):
            self.drop(values[index].storage)
        self.forget()
        found = [step.saved for step in self.steps]
        (self.steps, self.casts, self.kept), self.running = before, None
        return found

    def again_left(self, index: int, frame: Frame, values: dict[int, Stored]) -> None:
        """What flowed into a part stays; its own tensors go with their last reader."""
        for each in self.leaving[index]:
            if each in values and each not in frame.given:
                self.drop(values.pop(each).storage)
