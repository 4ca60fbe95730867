"""`python -m tests.benchmarks.module [NAME ...]`: the module beside torchvision's, in pairs.

Both hold the same weights and see the same images under the same flags, on one core. They take
turns, the first of each round being the second of the next one. A cell is the median of the ratios
of CPU time, ours to theirs; in brackets is where the median itself lies with a probability of 95 %,
and the number of rounds. A last table compares what construction takes.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.module import class_name, execute
from cnnlang.backends.source import generate
from tests.benchmarks.pairs import Work, headed, printed, ratios, shown
from tests.benchmarks.processes import machine
from tests.zoo.comparison import tensors, theirs

NETWORKS = (
    *("resnet50", "mobilenet_v2", "densenet121"),
    *("googlenet", "efficientnet_b0", "convnext_tiny"),
)
WAYS = ("eager", "channels_last", "bf16", "compile")


# --- running ---------------------------------------------------------------------------------


class Trial:
    """A network under some flags: what one round does in training and in use."""

    def __init__(self, module: nn.Module, way: str, images: Tensor) -> None:
        self.optimizer = torch.optim.SGD(module.parameters(), 1e-6, momentum=0.9)
        self.bf16 = way == "bf16"
        if way == "compile":
            module.compile()
        if way in ("channels_last", "bf16"):
            images = images.to(memory_format=torch.channels_last)
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module, self.images = module, images
        self.labels = torch.zeros(len(images), dtype=torch.long)

    def train(self) -> None:
        """One step of SGD, with the loss of every output."""
        self.module.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            outputs = tensors(self.module(self.images))
            loss = sum(F.cross_entropy(each.float(), self.labels) for each in outputs)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        self.optimizer.step()

    @torch.inference_mode()
    def use(self) -> None:
        self.module.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            self.module(self.images)


def compared(name: str, way: str, batch: int, size: int, budget: float) -> tuple[str, str]:
    """The ratios of a training step and of inference."""
    torch.manual_seed(0)
    images = torch.rand(batch, 3, size, size)
    other = theirs(name, "cpu")
    own = cnnlang.load(f"zoo:{name}", weights=other.state_dict())
    mine, others = (Trial(each, way, images) for each in (own, other))
    found = []
    for work in (Trial.train, Trial.use):
        pair = [lambda trial=trial, work=work: work(trial) for trial in (mine, others)]
        for each in pair:
            each()
        found.append(shown(ratios(pair[0], pair[1], budget)))
    return found[0], found[1]


# --- building --------------------------------------------------------------------------------


def constructor(name: str) -> Callable[[], nn.Module]:
    """The class of our source; compiling the file is not counted."""
    source = generate(compile_file(f"zoo:{name}")[0])
    cls: Callable[[], nn.Module] = getattr(execute(source), class_name(source))
    return cls


@contextmanager
def initialised() -> Iterator[None]:
    """Without the warning that torchvision's GoogLeNet is slow to initialise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def construction(name: str, budget: float) -> list[str]:
    """Constructors, those on the meta device, and `load` with weights and without storage."""
    cls, state = constructor(name), theirs(name, "cpu").state_dict()

    def meta(work: Work) -> None:
        with torch.device("meta"):
            work()

    def build() -> nn.Module:
        options = {"init_weights": True} if name == "googlenet" else {}
        return theirs(name, "cpu", **options)

    def filled() -> None:
        theirs(name, "cpu").load_state_dict(state)

    pairs: list[tuple[Work, Work]] = [
        (cls, build),
        (lambda: meta(cls), lambda: theirs(name, "meta")),
        (lambda: cnnlang.load(f"zoo:{name}", device="meta"), build),
        (lambda: cnnlang.load(f"zoo:{name}", weights=state), filled),
    ]
    found = []
    with initialised():
        for first, second in pairs:
            first(), second()
            found.append(shown(ratios(first, second, budget)))
    return found


CONSTRUCTION = (
    "class / constructor",
    "class / constructor, both on meta",
    'load(device="meta") / constructor',
    "load(weights=...) / constructor and load_state_dict",
)


# --- the tables ------------------------------------------------------------------------------


def table(names: Sequence[str], ways: Sequence[str], chosen: argparse.Namespace) -> None:
    """Training and inference of every network in every way."""
    headed(["network", *(f"{way} {mode}" for way in ways for mode in ("training", "inference"))])
    for name in names:
        cells = [compared(name, way, chosen.batch, chosen.size, chosen.seconds) for way in ways]
        printed([name, *(cell for pair in cells for cell in pair)])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="torchvision's name of a network")
    parser.add_argument("--seconds", type=float, default=12.0, help="that each cell may take")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128, help="side of the images")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=WAYS[:3])
    parser.add_argument("--no-construction", action="store_true")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    names = chosen.names or NETWORKS
    print(f"{machine()}, torch {torch.__version__}, one thread")
    print(f"batch {chosen.batch} of {chosen.size}x{chosen.size}, {chosen.seconds:g} s a cell\n")
    if chosen.ways:
        table(names, chosen.ways, chosen)
    if not chosen.no_construction:
        print()
        headed(["network", *CONSTRUCTION])
        for name in names:
            printed([name, *construction(name, chosen.seconds)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
