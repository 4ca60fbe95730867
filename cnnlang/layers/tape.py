"""The vocabulary in which a layer says what it does to memory: its facet `trace`."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlang.diagnostics.model import Diagnostic, Span
from cnnlang.layers.recorder import Recorder
from cnnlang.layers.storage import Bytes, Edge, Saved, Stored, Way, amount, known, widest
from cnnlang.sizes import Size

UNKNOWN = "the memory of the network cannot be told from its file"


class Unpredictable(Exception):
    """What a layer keeps in memory cannot be told from the file; the message says why.

    `span` is where the layer is written.
    """

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.span = span

    @property
    def diagnostic(self) -> Diagnostic:
        """The error to be shown at the layer."""
        return Diagnostic("R503", UNKNOWN, self.span, str(self))


class Tape(Recorder):
    """Plays the layers of a network, one operation of PyTorch after another."""

    # --- number by number ------------------------------------------------------------------------

    def sum(self, a: Stored, b: Stored) -> Stored:
        """a + b: nothing is saved, and the gradient is handed on."""
        return self.binary("add", a, b, ways=("same", "same"))

    def scaled(self, a: Stored, b: Stored) -> Stored:
        """a * b: each is saved for the gradient of the other."""
        return self.binary("mul", a, b, ((1,), (0,)))

    def quotient(self, a: Stored, b: Stored) -> Stored:
        """a / b."""
        return self.binary("div", a, b, ((1,), (0, 1)), work=(1, 3))

    def extreme(self, a: Stored, b: Stored) -> Stored:
        """The larger or smaller of each two numbers."""
        return self.binary("maximum", a, b, ((0, 1), (0, 1)), work=(2, 2), masks=2)

    def clamp(self, x: Stored, bounds: int) -> Stored:
        """Each number held between some bounds."""
        work = x.size + x.mask.times(bounds) + Bytes(self.wide)
        return self.unary("clamp", x, 0, most=work)

    def prelu(self, x: Stored, slopes: Stored) -> Stored:
        """The gradient of the slopes is first as large as that of the tensor."""
        x, slopes = self.cast("prelu", (x, slopes))
        edges = [Edge(x, "new", x.size)] if x.learned else []
        edges += [Edge(slopes, "turned", x.size + slopes.size)] if slopes.learned else []
        return self.made(x.shape, widest((x, slopes)), edges, (x, slopes), x.order)

    # --- products --------------------------------------------------------------------------------

    def product(
        self,
        name: str,
        shape: Sequence[Size],
        x: Stored,
        weight: Stored,
        bias: Stored | None = None,
    ) -> Stored:
        """A convolution or a matrix product; it saves its input, even where only weights learn."""
        reads = (x, weight) if bias is None else (x, weight, bias)
        if name == "linear":
            saves = (0, 1) if x.learned else (0,)
            way: Way = "new" if len(x.shape) == 1 else "turned"
            return self.op(name, shape, *reads, saves=saves, way=way, others="turned")
        last = x.order is not None and x.order[-1] == 1
        return self.op(name, shape, *reads, saves=(0, 1), order=x.order if last else None)

    def standardized(self, weight: Stored) -> Stored:
        """Weights with mean 0 and variance 1 in every filter."""
        few = weight.shape[:1] + (1,) * (len(weight.shape) - 1)
        work = weight.size.times(3)
        means = self.op("mean", few, weight, most=work)
        variances = self.op("var", few, weight, most=work)
        centred = self.binary("sub", weight, means, ways=("same", "new"))
        shifted = self.unary("add", variances, way="same")
        deviations = self.unary("sqrt", shifted, "result", most=shifted.size.times(2))
        self.release(shifted)
        made = self.quotient(centred, deviations)
        self.release(means, variances, centred, deviations)
        return made

    # --- windows ---------------------------------------------------------------------------------

    def padded(
        self,
        x: Stored,
        borders: Sequence[tuple[Size, Size]],
        mode: str = "constant",
        channels: int = 0,
    ) -> Stored:
        """The map with positions added at its borders, and with more channels."""
        if mode == "circular":
            raise Unpredictable("padding with `circular` copies slices, which is not followed")
        gaps = [sum(known(pair)) for pair in borders] or [0] * (len(x.shape) - 1)
        shape = [size + gap for size, gap in zip(x.shape, (channels, *gaps), strict=True)]
        plain = mode in ("constant", "zeros")
        return self.op("constant_pad" if plain else "pad", shape, x, saves=() if plain else (0,))

    def cropped(self, x: Stored, shape: Sequence[Size]) -> Stored:
        """Every axis cut to its size, one after another."""
        for place, size in enumerate(known(shape)):
            if size != x.shape[place]:
                x = self.cut(x, (*x.shape[:place], size, *x.shape[place + 1 :]))
        return x

    def pooled(self, name: str, x: Stored, shape: Sequence[Size], indices: bool = False) -> Stored:
        """Pooling over windows: the input is saved, and the places of the largest numbers."""
        places = (amount(known(shape), "int"),) if indices else ()
        return self.op(name, shape, x, saves=(0, *places))

    def pooled_to(self, x: Stored, shape: Sequence[Size], indices: bool = False) -> Stored:
        """Pooling to a given size; the average of all positions saves nothing."""
        name = f"adaptive_avg_pool{len(shape) - 1}d"
        if indices:
            places = amount(known(shape), "int")
            return self.op("adaptive_max_pool", shape, x, saves=(0, places))
        return self.op(name, shape, x, saves=() if set(shape[1:]) == {1} else (0,))

    def indices(self, x: Stored) -> Stored:
        """The places that pooling finds again, whose numbers are thrown away."""
        places = self.constant(x.shape, "int")
        self.moment(x.size)
        return places

    # --- normalisation ---------------------------------------------------------------------------

    def normalized(self, name: str, x: Stored, statistics: Bytes) -> Stored:
        """The input and the statistics are saved; the type stays that of the input."""
        own = (each for key, each in self.own.items() if key in ("weight", "bias"))
        reads = self.cast(name, (x, *own))
        edges = [Edge(each, "new", each.size) for each in reads if each.learned]
        running = (each for key, each in self.own.items() if key.startswith("running"))
        order = x.order if name == "batch_norm" else None
        saved: list[Saved] = [*reads[:2], *running, statistics]
        return self.made(x.shape, reads[0].dtype, edges, saved, order)

    def repeated(self, parameter: Stored) -> Stored:
        """A parameter or buffer once for each sample."""
        edges = [Edge(parameter, "new", parameter.size)] if parameter.learned else []
        return self.made(parameter.shape, parameter.dtype, edges)
