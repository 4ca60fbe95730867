"""Operations one after another, and what PyTorch keeps of them in memory.

Storages are counted by references, as PyTorch does: a tensor which two operations save counts
once, and a view costs nothing.
Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors and the formulas in
tools/autograd/derivatives.yaml; what these allocate was measured with torch 2.13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnlang.layers.storage import (
    NOTHING,
    WIDTHS,
    Bytes,
    Edge,
    Order,
    Saved,
    Step,
    Storage,
    Stored,
    Way,
    aligned,
    amount,
    kept,
    kept_in,
    known,
    larger,
    natural,
    stretched,
    widest,
)
from cnnlang.records import dataclass, field
from cnnlang.sizes import Size

LOWERED = frozenset({"convolution", "linear", "matmul", "prelu"})
"""Operations that autocast runs in half precision."""
RAISED = {
    "cpu": frozenset({"avg_pool3d", "adaptive_avg_pool3d", "pad", "max_unpool"}),
    "cuda": frozenset(
        {"exp", "log", "pow", "softplus", "layer_norm", "rms_norm", "group_norm", "norm"}
        | {"softmax", "log_softmax", "sum", "upsample"}
    ),
}
"""Operations that autocast runs in float32, by device (ATen/autocast_mode.h)."""


@dataclass(eq=False, slots=True)
class Recorder:
    """Plays a network forward: `now` is what is live, `moments` what was after every operation.

    `dtype` is what is computed in, `weights` the type of the parameters: autocast where these
    differ. `training` records what autograd needs. `own` has the parameters and buffers of the
    layer that is being played, `kept` is what autograd has saved.
    """

    training: bool = True
    dtype: str = "float32"
    weights: str = "float32"
    device: str = "cuda"
    now: Bytes = NOTHING
    moments: list[Bytes] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    temporaries: list[Stored] = field(default_factory=list)
    parameters: dict[tuple[str, ...], Stored] = field(default_factory=dict)
    own: Mapping[str, Stored] = field(default_factory=dict)
    casts: dict[int, Stored] = field(default_factory=dict)
    kept: Bytes = NOTHING
    overwriting: bool = False
    """Whether the layer being played writes over its operand."""

    @property
    def autocast(self) -> bool:
        """True if operations choose their own types."""
        return self.dtype != self.weights

    @property
    def wide(self) -> int:
        """Bytes of a number in statistics: of the parameters' type, on a GPU float32 at least."""
        own = WIDTHS[self.weights]
        return own if self.device == "cpu" else max(own, WIDTHS["float32"])

    # --- storages --------------------------------------------------------------------------------

    def hold(self, storage: Storage) -> Storage:
        if not storage.uses:
            self.now += storage.size
        storage.uses += 1
        return storage

    def drop(self, storage: Storage) -> None:
        storage.uses -= 1
        if not storage.uses:
            self.now -= storage.size

    def moment(self, more: Bytes = NOTHING) -> None:
        """Notes what is live now, and `more`."""
        self.moments.append(self.now + more)

    def save(self, saved: Saved, result: Stored) -> Storage:
        """Autograd keeps a storage, which counts where it is kept for the first time."""
        storage = kept_in(saved, result)
        if not storage.saved:
            self.kept += storage.size
        storage.saved += 1
        return self.hold(storage)

    def unpack(self, step: Step) -> tuple[Storage, ...]:
        """What a step saved, as it is needed."""
        return step.saved

    def release(self, *values: Stored) -> None:
        """Temporaries are not used any more."""
        for each in values:
            self.temporaries.remove(each)
            self.drop(each.storage)

    def settle(self, result: Stored) -> Stored:
        """A part of the layer is done: all temporaries go but its result."""
        self.release(*(each for each in self.temporaries if each is not result))
        return result

    def abandon(self, number: int) -> None:
        """The steps after the first `number` lead to nothing: what they saved goes."""
        for step in self.steps[number:]:
            for storage in step.saved:
                storage.saved -= 1
                self.kept -= NOTHING if storage.saved else storage.size
                self.drop(storage)
        del self.steps[number:]

    def finish(self, result: Stored) -> Stored:
        """The layer is done: its temporaries go, its result stays."""
        self.hold(result.storage)
        for each in self.temporaries:
            self.drop(each.storage)
        self.temporaries.clear()
        return result

    # --- operations ------------------------------------------------------------------------------

    def op(
        self,
        name: str,
        shape: Sequence[Size],
        *reads: Stored,
        saves: Sequence[Saved] = (),
        way: Way = "new",
        others: Way | None = None,
        most: Bytes = NOTHING,
        order: Order = None,
    ) -> Stored:
        """An operation with a result of its own; `way` tells how the gradients are made.

        That is for all operands, unless `others` tells it for all but the first.
        """
        reads = self.cast(name, reads)
        ways = (way, *(others or way for _ in reads[1:]))
        pairs = zip(reads, ways, strict=True)
        edges = [Edge(x, how, larger(most, x.size)) for x, how in pairs if x.learned]
        batched = any(each.batched for each in reads)
        saved = [kept(each, reads) for each in saves]
        return self.made(shape, widest(reads), edges, saved, order, batched)

    def unary(
        self, name: str, x: Stored, *saves: Saved, way: Way = "new", most: Bytes = NOTHING
    ) -> Stored:
        """A function of each number by itself."""
        return self.op(name, x.shape, x, saves=saves, way=way, most=most, order=x.order)

    def binary(
        self,
        name: str,
        a: Stored,
        b: Stored,
        saves: tuple[Sequence[Saved], Sequence[Saved]] = ((), ()),
        ways: tuple[Way, Way] = ("new", "new"),
        work: tuple[int, int] = (1, 1),
        masks: int = 0,
    ) -> Stored:
        """A function of two tensors number by number, either of which may be stretched.

        `saves` says for each operand what its gradient needs, `work` and `masks` how many tensors
        of the size of the result, of numbers and of truth values, are live while that is made.
        """
        shape = tuple(map(max, *aligned(a, b)))
        batched, dtype = a.batched or b.batched, widest((a, b))
        full, mask = (amount(shape, kind, batched) for kind in (dtype, "bool"))
        edges, needed = [], []
        for x, saved, way, times in zip((a, b), saves, ways, work, strict=True):
            if not x.learned:
                continue
            edges.append(stretched(x, full, way, full.times(times) + mask.times(masks)))
            needed += [kept(each, (a, b)) for each in saved]
        return self.made(shape, dtype, edges, needed, a.order or b.order, batched)

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
        """The result of an operation: in a storage of its own, or in one that it shares.

        What is made beside it goes at once where autograd does not want it.
        """
        sizes = known(shape)
        storage = storage or Storage(amount(sizes, dtype, batched))
        learned = bool(edges)
        result = Stored(storage, sizes, dtype, batched, order, learned=learned)
        self.hold(storage)
        self.temporaries.append(result)
        if learned:
            saved = [self.save(each, result) for each in saves]
            self.steps.append(Step(result, tuple(saved), tuple(edges)))
        beside = [each for each in saves if isinstance(each, Bytes) and not learned]
        self.moment(sum(beside, NOTHING))
        return result

    def view(
        self, x: Stored, shape: Sequence[Size], order: Order = None, way: Way = "view"
    ) -> Stored:
        """The same storage with another shape."""
        edges = [Edge(x, way, x.size)] if x.learned else []
        result = self.made(shape, x.dtype, edges, (), order, x.batched, x.storage)
        result.whole = x.whole
        return result

    def overwritten(self, x: Stored, saved: Saved) -> Stored:
        """A function of each number that is written over it."""
        edges = [Edge(x, "new", x.size)] if x.learned else []
        saves = [saved] if x.learned else []
        return self.made(x.shape, x.dtype, edges, saves, x.order, x.batched, x.storage)

    def copy(self, x: Stored) -> Stored:
        """The same numbers in their natural order."""
        return self.op("copy", x.shape, x, way="view")

    def shaped(self, x: Stored, shape: Sequence[Size]) -> Stored:
        """The numbers in another shape: a view if they lie in their natural order."""
        return self.view(x, shape) if natural(x) else self.op("copy", shape, x, way="view")

    def permuted(self, x: Stored, places: Sequence[int]) -> Stored:
        """The axes in another order; the batch (0) stays first."""
        shape = [x.shape[place - 1] for place in places[1:]]
        old = x.order or range(len(places))
        return self.view(x, shape, tuple(places.index(axis) for axis in old))

    def moved(self, x: Stored, source: int, place: int) -> Stored:
        """One axis elsewhere, as `movedim` does it."""
        axes = len(x.shape) + 1
        source, place = source % axes, place % axes
        if source == place:
            return x
        places = [axis for axis in range(axes) if axis != source]
        return self.permuted(x, (*places[:place], source, *places[place:]))

    def cut(self, x: Stored, shape: Sequence[Size]) -> Stored:
        """A part of the tensor, in its storage; the gradient is filled up with zeros."""
        result = self.view(x, shape, x.order, way="new")
        result.whole = False
        return result

    def constant(self, shape: Sequence[Size], dtype: str, batched: bool = True) -> Stored:
        """A tensor that no gradient is wanted of."""
        return self.made(shape, dtype, (), (), None, batched)

    def weight(self, path: tuple[str, ...], shape: tuple[int, ...], trainable: bool) -> Stored:
        """A parameter or buffer, which lives as long as the network."""
        if path not in self.parameters:
            storage = Storage(NOTHING, uses=1)
            learned = trainable and self.training
            self.parameters[path] = Stored(
                storage, shape, self.weights, False, learned=learned, leaf=trainable
            )
        return self.parameters[path]

    # --- autocast --------------------------------------------------------------------------------

    def cast(self, name: str, reads: tuple[Stored, ...]) -> tuple[Stored, ...]:
        """The operands in the type in which autocast runs an operation."""
        if not self.autocast:
            return reads
        if name == "cat":
            return tuple(self.converted(each, widest(reads)) for each in reads)
        if name in LOWERED:
            return tuple(self.converted(each, self.dtype) for each in reversed(reads))[::-1]
        if name in RAISED[self.device]:
            return tuple(self.converted(each, "float32") for each in reads)
        return reads

    def converted(self, x: Stored, dtype: str) -> Stored:
        """A copy in another type; that of a parameter is kept until the forward pass is over."""
        if x.dtype in (dtype, "int"):
            return x
        if id(x) in self.casts:
            return self.casts[id(x)]
        edges = [Edge(x, "new", x.size)] if x.learned else []
        copy = self.made(x.shape, dtype, edges, (), x.order, x.batched)
        if x.leaf:
            self.casts[id(x)] = copy
            self.hold(copy.storage)
        return copy

    def forget(self) -> None:
        """Autocast ends: the copies of parameters go, but for those that are saved."""
        for each in self.casts.values():
            self.drop(each.storage)
        self.casts.clear()
