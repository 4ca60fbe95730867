"""The standard library's networks are torchvision's, number by number.

One member or two of every family are compared in every run, the others where it is asked for:
`pytest -m zoo tests/zoo`; `python -m tests.zoo.table` prints the figures of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

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
    "mobilenet_v2": ["mobilenet_v2"],
    "mobilenet_v3": ["mobilenet_v3_small", "mobilenet_v3_large"],
    "mnasnet": ["mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"],
    "efficientnet": [
        *(f"efficientnet_b{n}" for n in range(8)),
        *(f"efficientnet_v2_{size}" for size in "sml"),
    ],
    "convnext": [f"convnext_{size}" for size in ("tiny", "small", "base", "large")],
    "regnet": [
        *(f"regnet_x_{n}gf" for n in ("1_6", "3_2", "8", "16", "32")),
        *(f"regnet_y_{n}gf" for n in ("1_6", "3_2", "8", "16", "32", "128")),
        *(f"regnet_{kind}_{n}mf" for kind in "xy" for n in (400, 800)),
    ],
    "shufflenet": [f"shufflenet_v2_x{n}" for n in ("0_5", "1_0", "1_5", "2_0")],
}
ALL = [name for family in FAMILIES.values() for name in family]
ALWAYS = {
    "alexnet": (64, 64),
    "vgg11_bn": (32, 48),
    "resnet18": (48, 64),
    "resnext50_32x4d": (48, 64),
    "densenet121": (48, 64),
    "squeezenet1_1": (48, 64),
    "googlenet": (48, 64),
    "inception_v3": (299, 299),
    "mobilenet_v2": (64, 96),
    "mobilenet_v3_small": (64, 96),
    "mnasnet0_5": (64, 96),
    "efficientnet_b0": (64, 96),
    "convnext_tiny": (64, 96),
    "regnet_x_400mf": (64, 96),
    "regnet_y_400mf": (64, 96),
    "shufflenet_v2_x0_5": (64, 96),
}
"""One member or two of every family, with a size that they take in training."""
TRAINED = ALWAYS | dict.fromkeys(
    ("mobilenet_v3_large", "efficientnet_b5", "efficientnet_v2_s"), (64, 96)
)
FRESH = (
    *("resnet18", "densenet121", "squeezenet1_1", "mobilenet_v2", "mnasnet0_5"),
    *("efficientnet_b0", "regnet_y_400mf", "shufflenet_v2_x0_5"),
)
"""Those whose fresh weights are compared in every run: the others are large."""
CLOSE = 1e-6

REFERENCE = comparison.reference()


@pytest.fixture(autouse=True)
def torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's networks, without two habits that keep them from being built and filled here.

    RegNet works out its widths with tensors, which on the device `meta` hold nothing; MNASNet looks
    for the version of a saved state, which a plain dictionary does not have.
    """
    found = models()
    parameters = found.regnet.BlockParams
    planned = parameters.from_init_params

    def plan(*arguments: Any, **options: Any) -> Any:
        with torch.device("cpu"):
            return planned(*arguments, **options)

    monkeypatch.setattr(parameters, "from_init_params", plan)
    loading = nn.Module._load_from_state_dict
    monkeypatch.setattr(found.mnasnet.MNASNet, "_load_from_state_dict", loading)


def asked(names: Iterable[str], always: Iterable[str]) -> list[object]:
    """Parameters of a test: those not in `always` are left out unless they are asked for."""
    return [pytest.param(n, marks=() if n in always else pytest.mark.zoo) for n in names]


def settings(module: nn.Module) -> Iterator[tuple[float, ...]]:
    """What no weight shows: eps and momentum of the norms, probabilities of what is dropped."""
    idle = [
        each.stochastic_depth
        for each in module.modules()
        if hasattr(each, "stochastic_depth") and not getattr(each, "use_res_connect", True)
    ]
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            yield each.eps, each.momentum or 0.0
        elif type(each).__name__ in ("Dropout", "StochasticDepth") and each not in idle:
            yield (each.p,)  # type: ignore[misc]
        elif hasattr(each, "normalized_shape"):
            yield (each.eps,)  # type: ignore[misc]


@pytest.mark.parametrize("name", asked(ALL, ALWAYS))
def test_parameters_macs_keys_and_settings(name: str) -> None:
    published = REFERENCE[name]
    shape = (3, published.size, published.size)
    found = cnnlang.summarise(f"zoo:{name}", shapes={0: shape})
    assert (found.parameters, found.macs) == (published.parameters, published.macs)
    first, second = ours(name), theirs(name)
    keys = [list(comparison.shapes(each.state_dict()).items()) for each in (first, second)]
    assert keys[0] == keys[1]
    assert list(settings(first)) == list(settings(second))


@pytest.mark.parametrize("name", asked((n for n in ALL if n != "inception_v3"), ALWAYS))
def test_smallest_image_is_torchvisions(name: str) -> None:
    """Inception v3 is left out: its auxiliary head needs more than torchvision says."""
    sets, _ = valid_sizes(compile_file(f"zoo:{name}")[0])
    assert [sets[axis].least for axis in "HW"] == [REFERENCE[name].smallest] * 2


@pytest.mark.parametrize("name", asked(ALL, ALWAYS))
def test_outputs_in_evaluation(name: str) -> None:
    first, second = pair(name)
    for size in comparison.sizes(REFERENCE[name]):
        assert in_evaluation(first, second, *size) < CLOSE, size


@pytest.mark.parametrize("name", asked(TRAINED, ALWAYS))
def test_outputs_gradients_and_statistics_in_training(name: str) -> None:
    first, second = map(apart, pair(name))
    assert in_training(first, second, image(*TRAINED[name], batch=2)) < CLOSE


@pytest.mark.parametrize("name", asked(ALWAYS, FRESH))
def test_fresh_weights_are_spread_alike(name: str) -> None:
    torch.manual_seed(0)
    told = {"init_weights": True} if name in comparison.UNINITIALISED else {}
    assert comparison.spread_apart(ours(name, "cpu"), theirs(name, "cpu", **told)) == []


@pytest.mark.parametrize(
    ("name", "width"), [("mobilenet_v2", 1.4), ("mobilenet_v3_small", 0.75), ("mnasnet", 0.35)]
)
def test_any_width_and_number_of_classes(name: str, width: float) -> None:
    first = cnnlang.load(f"zoo:{name}", device="meta", width=width, classes=10)
    with torch.device("meta"):
        if name == "mnasnet":
            second = models().MNASNet(width, num_classes=10)
        else:
            second = models().get_model(name, weights=None, width_mult=width, num_classes=10)
    assert comparison.shapes(first.state_dict()) == comparison.shapes(second.state_dict())


@pytest.mark.parametrize("family", FAMILIES)
def test_files_are_right_and_formatted(family: str) -> None:
    source, _ = read(str(STANDARD / f"{family}.cnn"))
    assert source is not None
    assert format_source(source)[0] == source.text
    problems = cnnlang.check(source.name)
    assert [each for each in problems if each.severity is Severity.ERROR] == []
