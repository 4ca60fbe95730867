"""Small networks drawn by chance, each written twice: as a `.cnn` file and as calls of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

T = torch.Tensor
REJECTED = (RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError)


FITTING, TRIES = 0.92, 6
"""How often a step should fit, and how often another one is drawn for it."""


class Refused(Exception):
    """The language refuses what PyTorch takes: unequal operands of `add`, an empty tensor."""


@dataclass(frozen=True)
class Step:
    """One line: the labels of what flows in, how it is written, and how PyTorch does it."""

    sources: tuple[str, ...]
    text: str
    run: Callable[..., T]


@dataclass(frozen=True)
class Net:
    """Steps in order, each labelled `s0`, `s1`, ...; the input is `x`."""

    shape: tuple[int, ...]
    steps: tuple[Step, ...]

    def source(self, shape: str | None = None) -> str:
        """The file; line i + 3 is step i."""
        written = shape or "x".join(map(str, self.shape))
        return f"network N {{\n    input {written}\n{self.lines()}}}\n"

    def lines(self) -> str:
        found = ""
        for number, step in enumerate(self.steps):
            head, *others = step.sources
            text = step.text.replace("&", ", ".join(others))
            found += f"    {head} -> s{number}: {text}\n"
        return found

    def outcomes(self, *spatial: int) -> dict[str, tuple[int, ...] | None]:
        """What PyTorch makes of every step: a shape, or None; steps behind those are left out."""
        sizes = spatial or self.shape[1:]
        tensors: dict[str, T] = {"x": torch.rand(2, self.shape[0], *sizes)}
        found: dict[str, tuple[int, ...] | None] = {}
        for number, step in enumerate(self.steps):
            if not all(source in tensors for source in step.sources):
                continue
            label = f"s{number}"
            try:
                result = step.run(*(tensors[source] for source in step.sources))
                if 0 in result.shape:
                    raise Refused
            except (*REJECTED, Refused):
                found[label] = None
                continue
            tensors[label] = result
            found[label] = tuple(result.shape[1:])
        return found


def net(random: Random, flat: bool = True) -> Net:
    """A network of up to ten steps; with `flat`, it may end in a dense layer."""
    shape = (random.choice((1, 2, 3, 4, 6, 8)), random.randint(4, 20), random.randint(4, 20))
    steps: list[Step] = []
    tensors: dict[str, T | None] = {"x": torch.rand(2, *shape)}
    for number in range(random.randint(2, 10)):
        for _ in range(TRIES if random.random() < FITTING else 1):
            step = drawn(random, list(tensors))
            result = tried(step, tensors)
            if result is not None:
                break
        steps.append(step)
        tensors[f"s{number}"] = result
    labels = list(tensors)
    if flat and random.random() < 0.3:
        features = random.choice((None, 64, 16))
        steps.append(Step((labels[-1],), "flatten", lambda x: x.flatten(1)))
        label = f"s{len(steps) - 1}"
        steps.append(Step((label,), *dense(random, features)))
    return Net(shape, tuple(steps))


def drawn(random: Random, labels: list[str]) -> Step:
    """A step that takes the last tensor or an earlier one, and now and then a second."""
    head = labels[-1] if random.random() < 0.75 else random.choice(labels)
    merges = random.random() < 0.25 and len(labels) > 1
    text, run = merge(random) if merges else random.choice(LAYERS)(random)
    return Step((head, random.choice(labels)) if merges else (head,), text, run)


def tried(step: Step, tensors: dict[str, T | None]) -> T | None:
    """What a step gives, None if it fails."""
    operands = [tensors[source] for source in step.sources]
    try:
        result = step.run(*operands)
        return result if result is not None and 0 not in result.shape else None
    except (*REJECTED, Refused, AttributeError):
        return None


Made = tuple[str, Callable[..., T]]


def dense(random: Random, features: int | None) -> Made:
    units = random.choice((4, 10))
    declared = f", in_features={features}" if features else ""
    return f"dense({units}{declared})", lambda x: nn.Linear(features or x.shape[1], units)(x)


def spatial(x: T) -> T:
    """PyTorch takes a tensor without its batch; here every map has one."""
    if x.dim() != 4:
        raise Refused
    return x


def conv(random: Random) -> Made:
    filters, k = random.choice((2, 4, 6, 8)), random.choice((1, 2, 3, 3, 5, 7))
    s, p, d = random.choice((1, 1, 2, 3)), random.choice((0, 0, 1, 2)), random.choice((1, 1, 1, 2))
    g = random.choice((1, 1, 1, 2, 4))
    mode = random.choice(("zeros", "zeros", "zeros", "reflect", "circular", "replicate"))
    text = (
        f"conv({filters}, {k}, stride={s}, padding={p}, dilation={d}, groups={g}, pad_mode={mode})"
    )

    def run(x: T) -> T:
        options = {"stride": s, "padding": p, "dilation": d, "groups": g, "padding_mode": mode}
        return nn.Conv2d(spatial(x).shape[1], filters, k, **options)(x)

    return text, run


def conv_transpose(random: Random) -> Made:
    filters, k, s = random.choice((2, 4)), random.choice((1, 2, 3, 4)), random.choice((1, 2, 3))
    p, more = random.choice((0, 0, 1, 2)), random.choice((0, 0, 0, 1, 2))
    text = f"conv_transpose({filters}, {k}, stride={s}, padding={p}, output_padding={more})"

    def run(x: T) -> T:
        options = {"stride": s, "padding": p, "output_padding": more}
        return nn.ConvTranspose2d(spatial(x).shape[1], filters, k, **options)(x)

    return text, run


def pool(random: Random) -> Made:
    kind, function = random.choice((("maxpool", F.max_pool2d), ("avgpool", F.avg_pool2d)))
    k, s, p = random.choice((2, 2, 3, 4)), random.choice((1, 2, 2, 3)), random.choice((0, 0, 1, 2))
    ceil = random.random() < 0.3
    text = f"{kind}({k}, stride={s}, padding={p}, ceil={str(ceil).lower()})"
    return text, lambda x: function(spatial(x), k, stride=s, padding=p, ceil_mode=ceil)


def upsample(random: Random) -> Made:
    factor = random.choice((2, 2, 3, 0.5, 1.5, 0.25))
    return f"upsample({factor})", lambda x: F.interpolate(spatial(x), scale_factor=factor)


def pad(random: Random) -> Made:
    left, right = random.choice((0, 1, 2, 3)), random.choice((-2, -1, 0, 1, 3))
    mode = random.choice(("constant", "reflect", "replicate", "circular"))
    right = max(right, 0) if mode != "constant" else right
    text = f"pad([[{left}, {right}], [{right}, {left}]], mode={mode})"
    return text, lambda x: F.pad(spatial(x), (right, left, left, right), mode=mode)


def norm(random: Random) -> Made:
    return random.choice(
        (
            ("batchnorm", lambda x: nn.BatchNorm2d(x.shape[1])(spatial(x))),
            ("sigmoid", torch.sigmoid),
            ("relu", F.relu),
        )
    )


def shuffle(random: Random) -> Made:
    r = random.choice((2, 2, 3))
    return random.choice(
        (
            (f"pixel_shuffle({r})", lambda x: F.pixel_shuffle(spatial(x), r)),
            (f"pixel_unshuffle({r})", lambda x: F.pixel_unshuffle(spatial(x), r)),
            (f"channel_shuffle({r})", lambda x: F.channel_shuffle(spatial(x), r)),
            ("glu", lambda x: F.glu(spatial(x), 1)),
        )
    )


def adaptive(random: Random) -> Made:
    size = random.choice((1, 2, 5))
    return f"adaptive_avgpool({size})", lambda x: F.adaptive_avg_pool2d(spatial(x), size)


def strict(function: Callable[[T, T], T]) -> Callable[[T, T], T]:
    """PyTorch broadcasts silently; the language asks for one shape."""

    def run(a: T, b: T) -> T:
        if a.shape != b.shape:
            raise Refused
        return function(a, b)

    return run


def merge(random: Random) -> Made:
    return random.choice(
        (
            ("add(&)", strict(torch.add)),
            ("multiply(&)", strict(torch.mul)),
            ("concat(&)", lambda a, b: torch.cat((a, b), 1)),
            ("concat(&)", lambda a, b: torch.cat((a, b), 1)),
            ("upsample(like=&)", lambda a, b: F.interpolate(spatial(a), spatial(b).shape[2:])),
        )
    )


LAYERS = (conv, conv, conv, conv_transpose, pool, pool, upsample, pad, norm, shuffle, adaptive)
