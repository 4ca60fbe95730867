"""cnnlang: a declarative compiler for convolutional networks.

A `.cnn` file says what a network is; from it come checks, costs, a PyTorch module, its source and
its figure. `load` gives the module, `build` the source, `check` the problems, `summarise` the
costs, `compare` what changes, `draw` the figure, `stages` the parts for several devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnlang.api import (
        CompileError,
        Figure,
        WeightsError,
        build,
        check,
        compare,
        draw,
        load,
        load_weights,
        optimize,
        stages,
        summarise,
        weights_map,
    )

__version__ = "0.1.0"
__all__ = [
    "CompileError",
    "Figure",
    "WeightsError",
    "__version__",
    "build",
    "check",
    "compare",
    "draw",
    "load",
    "load_weights",
    "optimize",
    "stages",
    "summarise",
    "weights_map",
]


def __getattr__(name: str) -> Any:
    """The public functions, imported when they are first asked for."""
    if name in __all__:
        from cnnlang import api

        return getattr(api, name)
    raise AttributeError(f"module 'cnnlang' has no attribute '{name}'")
