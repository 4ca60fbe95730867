"""`python -m tests.benchmarks.training [NAME ...]`: a training step beside torchvision's.

The first table has for each network and each way to run it the time of a step of torchvision's
module over that of ours, prepared with `cnnlang.backends.training.prepare`, both with the same
flags: the median of rounds in which they take turns, with its interval. Times are CPU seconds of
one thread; above 1 ours is faster. The second has the peaks of a step, predicted and measured,
with parts recomputed so that the activations have that share of their memory, and the time of a
step over that of the plain one.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import cnnlang
from cnnlang.backends.training import prepare
from tests.benchmarks.pairs import headed, printed, ratios, shown
from tests.memory.measure import measure
from tests.zoo.comparison import tensors, theirs

NAMES = ("resnet18", "resnet50", "mobilenet_v2", "googlenet", "densenet121")
WAYS = ("eager", "channels_last", "bf16 autocast, channels_last")
SHARES = (0.75, 0.5, 0.0)
"""Shares of the memory between the least that is possible and that of the plain step."""
Step = Callable[[], None]


def step(module: nn.Module, x: Tensor, autocast: bool) -> Step:
    """A step of SGD with momentum on the sum of all losses."""
    target = torch.zeros(len(x), dtype=torch.long)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9, fused=True)

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs = tensors(module(x))
        losses = [F.cross_entropy(each.float(), target) for each in outputs]
        torch.stack(losses).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return run


def rivals(name: str, way: str, x: Tensor) -> tuple[Step, Step]:
    """The same step of torchvision's module and of ours."""
    last, half = way != WAYS[0], way == WAYS[2]
    layout = torch.channels_last if last else torch.contiguous_format
    other = theirs(name, "cpu").train().to(memory_format=layout)  # type: ignore[call-overload]
    own = prepare(
        cnnlang.load(f"zoo:{name}"),
        channels_last=last,
        dtype=torch.bfloat16 if half else None,
    )
    x = x.contiguous(memory_format=layout)
    return step(other, x, half), step(own.train(), x, False)


def warm(steps: tuple[Step, Step], budget: float) -> list[float]:
    """The ratios of two steps that have run before."""
    for each in steps:
        each()
    return ratios(*steps, budget)


def budgets(name: str, x: Tensor, budget: float) -> Iterator[list[str]]:
    """Rows of a network without and with parts recomputed."""
    options = {"batch": len(x), "shapes": {0: tuple(x.shape[1:])}, "optimizer": "momentum"}
    plain = prepare(cnnlang.load(f"zoo:{name}"), **options)
    report = plain.cnnlang_training
    most, least = report.peak.planned, smallest(name, options)
    yield [name, "plain", *peaks(plain, x), "0.0%", "1.00"]
    for share in SHARES:
        limit = int(least + share * (most - least)) + 1
        module = prepare(cnnlang.load(f"zoo:{name}"), memory=limit, **options)
        again = f"{module.cnnlang_training.peak.again:.1%}"
        steps = step(module.train(), x, False), step(plain.train(), x, False)
        seconds = shown(warm(steps, budget))
        share_of = f"{module.cnnlang_training.peak.planned / most:.0%} of it"
        yield [name, share_of, *peaks(module, x), again, seconds]


def smallest(name: str, options: dict[str, object]) -> int:
    """The least memory that is possible, as the error tells it."""
    try:
        prepare(cnnlang.load(f"zoo:{name}"), memory=1, **options)  # type: ignore[arg-type]
    except ValueError as error:
        found = re.search(r"\((\d+) bytes\)", str(error))
        assert found is not None
        return int(found[1])
    raise AssertionError


def peaks(module: nn.Module, x: Tensor) -> list[str]:
    """Predicted and measured, in MiB, and how far they are apart."""
    predicted = module.cnnlang_training.peak.planned
    measured = measure(module, [x], "momentum").training
    sizes = [f"{each / 2**20:.1f}" for each in (predicted, measured)]
    return [*sizes, f"{predicted / measured - 1:+.3%}"]


def main(arguments: list[str] | None = None) -> int:
    """Compare the networks that are named, those of the table unless any is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="torchvision's name of a network")
    parser.add_argument("--size", type=int, default=96, help="side of the images")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=12.0, help="that each cell may take")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    x = torch.rand(chosen.batch, 3, chosen.size, chosen.size)
    names = chosen.names or NAMES
    print(f"batch {chosen.batch}, 3x{chosen.size}x{chosen.size}, torch {torch.__version__}\n")
    headed(["network", *WAYS])
    for name in names:
        printed([name, *(shown(warm(rivals(name, way, x), chosen.seconds)) for way in WAYS)])
    print()
    headed(["network", "memory", "predicted", "measured", "apart", "MACs again", "time of a step"])
    for name in names:
        for row in budgets(name, x, chosen.seconds):
            printed(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
