"""Did you mean: the nearest known name, looked for within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from cnnlang.diagnostics import suggest
from cnnlang.diagnostics.model import Edit, Fix, Span

CANDIDATES = 200
LONGEST = 32

FOREIGN = {
    "conv1d": "conv",
    "conv2d": "conv",
    "conv3d": "conv",
    "convolution": "conv",
    "linear": "dense",
    "fc": "dense",
    "fully_connected": "dense",
    "maxpooling2d": "maxpool",
    "maxpool2d": "maxpool",
    "avgpool2d": "avgpool",
    "bn": "batchnorm",
    "batchnorm2d": "batchnorm",
    "batch_norm": "batchnorm",
    "deconv": "conv_transpose",
    "convtranspose2d": "conv_transpose",
    "swish": "silu",
    "cat": "concat",
    "gap": "global_avgpool",
    "sequential": "stack",
}
"""Names of other tools, and ours."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for; the first `CANDIDATES` are compared."""
    if len(name) > LONGEST:
        return None
    return suggest.nearest(name, islice((k for k in known if len(k) <= LONGEST), CANDIDATES))


def meant(name: str, known: Iterable[str]) -> str | None:
    """As `nearest`, for layers: what other tools call by this name comes first."""
    return FOREIGN.get(name.lower()) or nearest(name, known)


def respelt(
    name: str, near: str | None, known: Iterable[str], span: Span, mark: str = ""
) -> tuple[Fix, ...]:
    """The fix that writes the name that was meant; safe where no other is as near.

    `mark` is what follows the name in what is said: `=` for an argument.
    """
    if near is None:
        return ()
    few = list(islice((k for k in known if len(k) <= LONGEST), CANDIDATES))
    sure = FOREIGN.get(name.lower()) == near or suggest.is_alone(name, near, few)
    return (Fix(f"write `{near}{mark}`", (Edit(span, near),), safe=sure),)
