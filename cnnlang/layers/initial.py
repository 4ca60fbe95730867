"""Weight initialisation: what may be written as `init=`, and the call of `torch.nn.init` it is.

Sources: https://docs.pytorch.org/docs/stable/nn.init.html; He et al. 2015 (kaiming), Glorot and
Bengio 2010 (xavier), Saxe et al. 2013 (orthogonal).
"""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.suggest import nearest
from cnnlang.records import dataclass

SCHEMES: dict[str, tuple[str, dict[str, Any]]] = {
    "zeros": ("zeros_", {}),
    "ones": ("ones_", {}),
    "constant": ("constant_", {"val": ...}),
    "normal": ("normal_", {"mean": 0.0, "std": 1.0}),
    "uniform": ("uniform_", {"a": 0.0, "b": 1.0}),
    "truncated_normal": ("trunc_normal_", {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0}),
    "kaiming_normal": (
        "kaiming_normal_",
        {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    ),
    "kaiming_uniform": (
        "kaiming_uniform_",
        {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    ),
    "xavier_normal": ("xavier_normal_", {"gain": 1.0}),
    "xavier_uniform": ("xavier_uniform_", {"gain": 1.0}),
    "orthogonal": ("orthogonal_", {"gain": 1.0}),
    "dirac": ("dirac_", {"groups": 1}),
}
SHORT = {
    "kaiming": "kaiming_normal",
    "xavier": "xavier_uniform",
    "he": "kaiming_normal",
    "glorot": "xavier_uniform",
}
WORDS = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": ("relu", "leaky_relu", "linear", "conv2d", "sigmoid", "tanh", "selu"),
}


WIDE = (
    *("kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"),
    *("orthogonal", "dirac"),
)
"""Schemes that go by how many numbers a filter sums up; a bias or the scale of a norm sums none."""


@dataclass(frozen=True, slots=True)
class Initial:
    """An initialisation: the name of a scheme and the options that differ from its defaults."""

    scheme: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def function(self) -> str:
        """The function of `torch.nn.init`, such as `kaiming_normal_`."""
        return SCHEMES[self.scheme][0]


def initial(value: Any) -> Initial | None:
    """The initialisation that a word (`kaiming_normal`, `none`) or a finished one stands for."""
    if value is None or isinstance(value, Initial):
        return value
    if value == "none":
        return None
    if isinstance(value, str):
        return make(value, (), {})
    raise ValueError(f"an initialisation such as {', '.join(SCHEMES)}")


def make(scheme: str, positional: tuple[Any, ...], named: dict[str, Any]) -> Initial:
    """`truncated_normal(std=0.02)`; raises ValueError with the words for a person."""
    scheme = SHORT.get(scheme, scheme)
    if scheme not in SCHEMES:
        near = nearest(scheme, (*SCHEMES, *SHORT))
        hint = f"did you mean `{near}`?" if near else f"one of {', '.join(SCHEMES)}"
        raise ValueError(f"an initialisation: {hint}")
    known = SCHEMES[scheme][1]
    if len(positional) > len(known):
        raise ValueError(
            f"`{scheme}` with at most {len(known)} options ({', '.join(known) or 'none'})"
        )
    options = dict(zip(known, positional, strict=False)) | named
    for name, value in options.items():
        check(scheme, name, value, known)
    missing = [name for name, default in known.items() if default is ... and name not in options]
    if missing:
        raise ValueError(f"`{scheme}` with a value, as in `{scheme}({missing[0]}=0.1)`")
    bounded(scheme, known | options)
    return Initial(scheme, tuple((n, v) for n, v in options.items() if v != known[n]))


def bounded(scheme: str, options: dict[str, Any]) -> None:
    """Raises ValueError for numbers with which PyTorch cannot draw."""
    for name in ("std", "gain"):
        if options.get(name, 0) < 0:
            raise ValueError(f"`{scheme}` with a `{name}` of at least 0")
    if "b" in options and options["a"] > options["b"]:
        raise ValueError(f"`{scheme}` with `a` of at most `b`")
    if isinstance(options.get("groups", 1), float) or options.get("groups", 1) < 1:
        raise ValueError(f"`{scheme}` with a whole number of `groups` above 0")


def misfit(how: Initial, shape: tuple[int, ...]) -> str | None:
    """Why a weight of this shape cannot be initialised so; None if it can."""
    axes, least = len(shape), 3 if how.scheme == "dirac" else 2
    if how.scheme in WIDE and axes < least:
        return f"needs a weight of {least} axes or more, and this one has {axes}"
    groups = dict(how.options).get("groups", 1)
    if how.scheme == "dirac" and shape[0] % groups:
        return f"cannot split {shape[0]} filters into {groups} groups"
    return None


def check(scheme: str, name: str, value: Any, known: dict[str, Any]) -> None:
    if name not in known:
        raise ValueError(
            f"`{scheme}` with its own options ({', '.join(known) or 'none'}), not `{name}`"
        )
    if name in WORDS:
        if value not in WORDS[name]:
            raise ValueError(f"`{name}` of {', '.join(WORDS[name])}")
    elif not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"a number for `{name}`")
