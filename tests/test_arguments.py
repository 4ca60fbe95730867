"""Wrong calls from Python: every parameter with every kind of wrong value is told by its name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import cnnlang

FILE = Path(__file__).parents[1] / "examples" / "lenet5.cnn"
WRONG: tuple[Any, ...] = (
    *(None, 0, -1, 1.5, float("nan"), 10**30, True, "", "8", "nope", b"x", b"\0", object()),
    *([], [1], (1, 2), {}, {"a": 1}, torch.ones(2)),
)
SHAPES: tuple[Any, ...] = (
    *({0: 5}, {0: "x"}, {0: None}, {0: (3, None)}, {0: (1.5, 2, 3)}, {0: (-3, 32, 32)}),
    *({None: (3, 3, 3)}, {"x": (1, 2)}, {0: (0, 0, 0)}, {9: (1, 28, 28)}),
)
VAGUE = ("object of type", "object is not", "unhashable", "has no attribute", "expected str, bytes")
"""What Python says far inside of a value of the wrong type."""

NEED = {
    "check": "path select extend_select ignore shapes",
    "build": "path network classes",
    "summarise": "path network shapes classes",
    "compare": "before after network other shapes",
    "draw": "path network format style theme direction only depth collapse expand highlight width "
    "columns shapes",
    "load": "path network match strict device",
    "stages": "path network number batch dtype optimizer shapes",
    "load_weights": "module match strict",
    "weights_map": "module match",
    "optimize": "model for_ dtype example without graphs",
    "train": "memory batch shapes dtype optimizer device channels_last inplace",
}


def call(function: str, **given: Any) -> object:
    """A call that is right but for one argument."""
    usual: dict[str, Any] = {"path": FILE}
    if function == "compare":
        usual = {"before": FILE, "after": FILE}
    elif function == "draw":
        usual["format"] = "dot"
    elif function == "stages":
        usual["number"] = 1
    elif function in ("load_weights", "weights_map"):
        usual = {"module": MODEL, "weights": MODEL.state_dict()}
    elif function in ("optimize", "train"):
        usual = {"model": MODEL} | ({"for_": "training"} if function == "train" else {})
    run: Callable[..., object] = getattr(cnnlang, "optimize" if function == "train" else function)
    return run(**usual | given)


MODEL = cnnlang.load(FILE)


@pytest.mark.parametrize("function", NEED)
def test_a_wrong_argument_is_told(function: str) -> None:
    for name in NEED[function].split():
        for value in WRONG + (SHAPES if name == "shapes" else ()):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    call(function, **{name: value})
            except (TypeError, ValueError, cnnlang.CompileError, cnnlang.WeightsError) as error:
                told = str(error)
                assert told.strip(), (name, value)
                assert not any(each in told for each in VAGUE), (name, value, told)


@pytest.mark.parametrize(
    ("function", "given", "told"),
    [
        ("stages", {"batch": "8"}, "`batch` is a whole number from 1 on, not '8'"),
        ("draw", {"depth": -1}, "`depth` is a whole number from 1 on, not -1"),
        ("draw", {"only": ["a"]}, "`only` is the path of a module or layer, as text, not ['a']"),
        ("load", {"path": None}, "`path` is a path, as text or `pathlib.Path`, not None"),
        ("build", {"network": (1, 2)}, "`network` is the name of a network, not (1, 2)"),
        (
            "summarise",
            {"shapes": {0: (1.5, 2, 3)}},
            "`shapes` is shapes by input, as in {0: (3, 224, 224)}, not {0: (1.5, 2, 3)}",
        ),
        ("load", {"match": "nope"}, "`match` is 'name', 'order', or a mapping from names to names"),
        ("load", {"device": "nope"}, "device='nope' is no device here"),
        ("train", {"dtype": "bfloat17"}, "dtype='bfloat17' is none of"),
        ("train", {"memory": "16 Gb"}, "memory='16 Gb' is no amount of memory"),
        ("load_weights", {"module": 3}, "`module` is a module of PyTorch, not of type int"),
    ],
)
def test_the_words(function: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        call(function, **given)
    assert told in str(raised.value)
