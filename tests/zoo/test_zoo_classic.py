"""The classic families of the standard library are torchvision's networks, number by number.

One member of every family is compared in every run, the others where it is asked for:
`pytest -m zoo tests/zoo`; `python -m tests.zoo.table` prints the figures of all.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

import cnnlang
from cnnlang.analysis.validity import valid_sizes
from cnnlang.api import compile_file
from cnnlang.diagnostics.model import Severity
from cnnlang.sources import STANDARD, read
from cnnlang.syntax.format import format_source
from tests.zoo import comparison
from tests.zoo.comparison import apart, image, in_evaluation, in_training, ours, pair, theirs
from tests.zoo.torchvision_models import models

FAMILIES = {
    "alexnet": ["alexnet"],
    "vgg": [f"vgg{n}{suffix}" for n in (11, 13, 16, 19) for suffix in ("", "_bn")],
    "resnet": [
        *(f"resnet{n}" for n in (18, 34, 50, 101, 152)),
        *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
        *("wide_resnet50_2", "wide_resnet101_2"),
    ],
    "densenet": [f"densenet{n}" for n in (121, 161, 169, 201)],
    "squeezenet": ["squeezenet1_0", "squeezenet1_1"],
    "googlenet": ["googlenet"],
    "inception_v3": ["inception_v3"],
}
ALL = [name for family in FAMILIES.values() for name in family]
TRAINED = {
    "alexnet": (64, 64),
    "resnet18": (48, 64),
    "resnext50_32x4d": (48, 64),
    "densenet121": (48, 64),
    "squeezenet1_1": (48, 64),
    "googlenet": (48, 64),
    "vgg11_bn": (32, 48),
    "inception_v3": (299, 299),
}
"""One member or two of every family, with a size that they take in training."""
LARGE = ("vgg11_bn", "inception_v3")
"""Those of them that are trained and initialised where it is asked for only."""
CLOSE = 1e-6

REFERENCE = comparison.reference()


@pytest.fixture(autouse=True)
def torchvision() -> None:
    """Skips the tests where torchvision is not installed."""
    models()


def asked(names: Iterable[str], always: Iterable[str]) -> list[object]:
    """Parameters of a test: those not in `always` are left out unless they are asked for."""
    return [pytest.param(n, marks=() if n in always else pytest.mark.zoo) for n in names]


SMALLER = [name for name in TRAINED if name not in LARGE]


@pytest.mark.parametrize("name", asked(ALL, TRAINED))
def test_parameters_macs_and_keys(name: str) -> None:
    published = REFERENCE[name]
    shape = (3, published.size, published.size)
    found = cnnlang.summarise(f"zoo:{name}", shapes={0: shape})
    assert (found.parameters, found.macs) == (published.parameters, published.macs)
    states = [module.state_dict() for module in (ours(name), theirs(name))]
    keys = [list(comparison.shapes(state).items()) for state in states]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("name", asked((n for n in ALL if n != "inception_v3"), TRAINED))
def test_smallest_image_is_torchvisions(name: str) -> None:
    """Inception v3 is left out: its auxiliary head needs more than torchvision says."""
    sets, _ = valid_sizes(compile_file(f"zoo:{name}")[0])
    assert [sets[axis].least for axis in "HW"] == [REFERENCE[name].smallest] * 2


@pytest.mark.parametrize("name", asked(ALL, TRAINED))
def test_outputs_in_evaluation(name: str) -> None:
    first, second = pair(name)
    for size in comparison.sizes(REFERENCE[name]):
        assert in_evaluation(first, second, *size) < CLOSE, size


@pytest.mark.parametrize("name", asked(TRAINED, SMALLER))
def test_outputs_gradients_and_statistics_in_training(name: str) -> None:
    first, second = map(apart, pair(name))
    assert in_training(first, second, image(*TRAINED[name], batch=2)) < CLOSE


def test_auxiliary_head_of_inception_by_itself() -> None:
    """The whole network trains at 299 x 299 or more, which takes a while."""
    heads = [apart(module.get_submodule("AuxLogits")) for module in pair("inception_v3")]
    x = torch.randn(2, 768, 17, 19, dtype=torch.float64)
    assert in_training(*heads, x) < CLOSE


@pytest.mark.parametrize("name", asked(TRAINED, ["resnet18", "densenet121", "squeezenet1_1"]))
def test_fresh_weights_are_spread_alike(name: str) -> None:
    torch.manual_seed(0)
    told = {"init_weights": True} if name in comparison.UNINITIALISED else {}
    assert comparison.spread_apart(ours(name, "cpu"), theirs(name, "cpu", **told)) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_files_are_right_and_formatted(family: str) -> None:
    source, _ = read(str(STANDARD / f"{family}.cnn"))
    assert source is not None
    assert format_source(source)[0] == source.text
    problems = cnnlang.check(source.name)
    assert [each for each in problems if each.severity is Severity.ERROR] == []
