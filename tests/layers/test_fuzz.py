"""Twenty thousand layers drawn by chance: cnnlang and PyTorch accept and reject the same.

`CNNLANG_FUZZ_SEED` draws others. The only difference that is wanted: a size of 0 is an error here
(and what `test_contract.OWN` lists, where the language knows more than PyTorch).
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import lottery
import pytest
import torch
from draw import SYMBOLS, Case
from evaluate import evaluate
from test_contract import filled, made, pytorch_fails, same_shape, says_the_same, tried

from cnnlang.layers import REGISTRY, LayerError

SEED = int(os.environ.get("CNNLANG_FUZZ_SEED", "0"))
CHUNKS, EACH = 20, 1_000
FREE = 4
"""Of so many layers, one is also tried with free dimensions."""
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_layers_stand_where_they_do_in_pytorch(chunk: int) -> None:
    random = Random(f"{SEED}-{chunk}")
    torch.set_num_threads(1)
    verdicts: Counter[bool] = Counter()
    for number in range(EACH):
        case = lottery.case(random)
        try:
            verdicts[agree(case)] += 1
            if number % FREE == 0:
                free(case, random)
        except AssertionError as error:
            shapes = ", ".join(map(str, case.inputs))
            raise AssertionError(f"{case.layer} of {shapes}: {error}") from error
    assert min(verdicts.values()) > EACH // 10, verdicts


def agree(case: Case) -> bool:
    """True if the layer stands, for both."""
    output, problem = tried(case)
    if output is None:
        assert problem is not None
        pytorch_fails(case, problem)
        return False
    module = made(case, output)
    code = case.layer.function(case.inputs, output)
    code = case.layer.code(case.inputs, output) if module is not None else code
    try:
        result = evaluate(code, filled(case), module)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise AssertionError(f"PyTorch rejects it: {error}") from error
    same_shape(result, output)
    return True


def free(case: Case, random: Random) -> None:
    """The same with free dimensions, at sizes drawn by chance."""
    from hypothesis.errors import UnsatisfiedAssumption

    try:
        says_the_same(case, tuple(random.randint(1, 12) for _ in SYMBOLS))
    except UnsatisfiedAssumption:
        return


WRONG = {"kernel": 0, "stride": 0, "dilation": 0, "padding": -1}


@pytest.mark.parametrize("name", ["conv", "depthwise", "maxpool", "avgpool"])
@pytest.mark.parametrize("field", WRONG)
def test_what_must_be_positive_is_so_in_pytorch(name: str, field: str) -> None:
    cls = REGISTRY[name]
    if field not in cls.fields:
        pytest.skip(f"{name} has no {field}")
    values = {"filters": 4, "kernel": 2} | {field: WRONG[field]}
    values = {key: value for key, value in values.items() if key in cls.fields}
    with pytest.raises(LayerError) as told:
        cls.build((), values)
    assert told.value.problems[0].code == "A203"
    assert told.value.problems[0].field == field
    x = torch.rand(1, 4, 6, 6)
    with pytest.raises((RuntimeError, ValueError, ZeroDivisionError)):
        run(name, values, x)


def run(name: str, values: dict[str, int], x: torch.Tensor) -> torch.Tensor:
    """PyTorch's own layer with these numbers."""
    options = {key: values[key] for key in ("stride", "dilation", "padding") if key in values}
    kernel = values["kernel"]
    if name in ("conv", "depthwise"):
        groups = 4 if name == "depthwise" else 1
        return torch.nn.Conv2d(4, 4, kernel, groups=groups, **options)(x)
    return getattr(torch.nn, {"maxpool": "MaxPool2d", "avgpool": "AvgPool2d"}[name])(
        kernel, **options
    )(x)
