"""Bounds that keep a stranger's file from using up time or memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cnnlang.diagnostics.model import Diagnostic, Span
from cnnlang.elaborate.faults import Fault, fault

STEPS = 2_000_000
LAYER_STEPS = 4
CALL_STEPS = 8
FAULT_STEPS = 1_000
VARIANT_STEPS = 10
ERRORS = 100
LAYERS = 200_000
DEPTH = 1_100
LEVELS = 12_000
FRAMES = 500_000
CALLS = 200
ITEMS = 100_000
NESTED = 16
BITS = 63
LETTERS = 120


class Budget:
    """What may still be spent; spending more is a `Fault` at the place that did.

    All networks of one compilation share the steps; each has layers of its own. `unread` has the
    lines with errors of syntax, by file: of what is left of them, nothing more is told. `muted` has
    the places, by file, of which nothing could be told because of a mistake before them.
    """

    def __init__(self) -> None:
        self.steps = STEPS
        self.layers = LAYERS
        self.calls = 0
        self.levels = 0
        self.unread: set[tuple[str, int]] = set()
        self.muted: set[tuple[str, int, int]] = set()

    @property
    def used(self) -> int:
        """The steps that were taken."""
        return STEPS - self.steps

    @property
    def spent(self) -> bool:
        """True once the steps are used up: nothing more is elaborated, and that has been told."""
        return self.steps < 0

    def begin(self) -> None:
        """A new network."""
        self.layers = LAYERS
        self.calls = self.levels = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is worked out for a remark may use half of what is left, and runs out silently."""
        kept = self.steps - self.steps // 2
        self.steps //= 2
        try:
            yield
        finally:
            self.steps = kept + max(self.steps, 0)

    def step(self, span: Span, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise exhausted("E302", f"the file takes more than {STEPS:,} steps to unfold", span)

    def mistake(self, fault: Fault, told: int) -> None:
        """A mistake was found, and so many were told."""
        span = next((each.span for each in fault.diagnostics if each.span), None)
        if span is not None:
            self.step(span, FAULT_STEPS)
        if span is not None and told > ERRORS:
            raise exhausted(
                "E306", f"there are more than {ERRORS} errors", span, "mend those first"
            )

    def mute(self, span: Span) -> None:
        """Nothing can be told of a place."""
        self.muted.add((span.source.name, span.start, span.end))

    def layer(self, span: Span) -> None:
        self.step(span, LAYER_STEPS)
        self.layers -= 1
        if self.layers < 0:
            raise exhausted("E303", f"the network has more than {LAYERS:,} layers", span)

    def deeper(self, depth: int, span: Span, name: str) -> None:
        if depth > DEPTH:
            raise exhausted(
                "E304",
                f"`{name}` is nested more than {DEPTH:,} blocks deep",
                span,
                "a block that calls itself needs an `if` that ends it",
            )

    def enter(self, span: Span, name: str) -> None:
        self.step(span, CALL_STEPS)
        if self.calls >= CALLS:
            raise fault(
                "E304",
                f"`{name}` calls itself more than {CALLS} times deep",
                span,
                help="a function that calls itself needs a condition that ends it",
            )

        self.calls += 1

    def leave(self) -> None:
        self.calls -= 1

    def descend(self, span: Span) -> None:
        """One more body inside others, blocks and braces alike."""
        if self.levels >= LEVELS:
            raise exhausted(
                "E304",
                f"blocks and braces are nested more than {LEVELS:,} deep",
                span,
                "a block that calls itself needs an `if` that ends it",
            )
        self.levels += 1

    def ascend(self) -> None:
        self.levels -= 1


class Exhausted(Fault):
    """A limit was reached: nothing more of the network is elaborated."""


@contextmanager
def room() -> Iterator[None]:
    """Room for blocks nested as deep as the limits allow; no garbage collection meanwhile."""
    before, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(before, FRAMES))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        if collecting:
            gc.enable()


def exhausted(code: str, message: str, span: Span, help: str | None = None) -> Exhausted:
    return Exhausted(Diagnostic(code, message, span, help=help or "make loops and lists smaller"))
