"""Draws small programs: blocks with parameters, conditions, loops, merges, stacks, recursion.

Everything keeps the feature map's height and width, but for strides outside of merges; so nearly
every program drawn is valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnlang

PLAIN = (
    "relu",
    "tanh",
    "leaky_relu(0.2)",
    "sigmoid",
    "prelu",
    "batchnorm",
    "groupnorm(1)",
    "scale(0.5)",
    "bias",
    "l2norm(channels)",
    "softplus",
    "dropout(0.1)",
    "droppath(0.2)",
    "depthwise(3x3, padding=same)",
    "depthwise(1x1, init=zeros)",
    "maxpool(3x3, stride=1, padding=same)",
    "avgpool(3x3, stride=1, padding=1)",
    "upsample(2) -> maxpool(2x2)",
    "pad([[1, 0], [2, 1]]) -> crop([[0, 1], [1, 2]])",
)
KERNELS = (
    "1x1",
    "3x3, padding=1",
    "3x3, padding=same",
    "3x3, padding=[[0, 2], [1, 1]]",
    "3x3, padding=1, pad_mode=replicate",
    "3x3, padding=2, dilation=2",
    "1x1, bias=false",
    "3x3, padding=same, init=kaiming",
)


@dataclass
class Scope:
    """What may be named where a statement is drawn: parameters by kind, and blocks to call.

    `made` counts the labels and `let`s; `room` is what is left of the size of the program;
    `suffix` is what makes a label its own in every round of a loop, None where nothing can.
    """

    numbers: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    strides: list[str] = field(default_factory=list)
    blocks: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    made: list[int] = field(default_factory=lambda: [0])
    room: list[int] = field(default_factory=lambda: [14])
    suffix: str | None = ""

    def inner(self, suffix: str | None, flags: Sequence[str] = ()) -> Scope:
        """The same inside of a loop or a stack; strides cannot be repeated."""
        strides = self.strides if suffix == "" else []
        return replace(self, suffix=suffix, flags=[*self.flags, *flags], strides=strides)

    def fresh(self, letter: str) -> str:
        self.made[0] += 1
        return f"{letter}{self.made[0]}"


@st.composite
def width(draw: Any, scope: Scope) -> str:
    """An expression for a number of channels."""
    known = ["2", "4", "6", *scope.numbers, *(f"{n} * 2" for n in scope.numbers)]
    known += [f"{n} + 2" for n in scope.numbers] + ["in.channels"] * 2
    known += [f"{n} if {f} else 4" for n in scope.numbers[:1] for f in scope.flags]
    return draw(st.sampled_from(known))


@st.composite
def condition(draw: Any, scope: Scope) -> str:
    known = [*scope.flags, *(f"not {f}" for f in scope.flags)]
    known += [f"{n} > 4" for n in scope.numbers] + [f"in.channels == {n}" for n in scope.numbers]
    known += [f"{f} and in.channels > 4" for f in scope.flags]
    known += [f"{s} == 1" for s in scope.strides]
    return draw(st.sampled_from(known or ["in.channels > 4"]))


@st.composite
def chain(draw: Any, scope: Scope, keep: bool) -> str:
    """Layers on one line, now and then with a label."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            layer = draw(st.sampled_from(PLAIN))
        else:
            stride = draw(st.sampled_from(["", "", *(f", stride={s}" for s in scope.strides)]))
            kernel = draw(st.sampled_from(KERNELS))
            layer = f"conv({draw(width(scope))}, {kernel}{'' if keep else stride})"
        labelled = scope.suffix is not None and draw(st.integers(0, 5)) == 0
        found.append(f"{scope.fresh('t')}{scope.suffix}: {layer}" if labelled else layer)
    return " -> ".join(found)


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


@st.composite
def statements(draw: Any, scope: Scope, depth: int, keep: bool, most: int = 3) -> list[str]:
    """Some statements; `keep` says that height and width must stay."""
    found: list[str] = []
    for _ in range(draw(st.integers(1, most))):
        scope.room[0] -= 1
        kinds = ["chain"] * 3 if depth == 0 or scope.room[0] < 0 else list(KINDS)
        found += draw(KINDS[draw(st.sampled_from(kinds))](scope, depth - 1, keep))
    return found


@st.composite
def simple(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    return [draw(chain(scope, keep))]


@st.composite
def choice(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    found = [f"if {draw(condition(scope))} {{", *indented(draw(statements(scope, depth, keep)))]
    if draw(st.booleans()):
        found += ["} else {", *indented(draw(statements(scope, depth, keep)))]
    return [*found, "}"]


@st.composite
def loop(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    if draw(st.booleans()):
        times = draw(st.sampled_from(["2", "3", *(f"min({n}, 3)" for n in scope.numbers)]))
        body = draw(statements(scope.inner(None), depth, True, 2))
        return [f"repeat {times} {{", *indented(body), "}"]
    name, flag = scope.fresh("i"), scope.fresh("big")
    suffix = None if scope.suffix is None else f"{scope.suffix}_{{{name}}}"
    test = f"let {flag} = in.channels > {name} * 2 + 2"
    body = [test, *draw(statements(scope.inner(suffix, [flag]), depth, True, 2))]
    return [f"for {name} in range(2) {{", *indented(body), "}"]


@st.composite
def residual(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    name = scope.fresh("c")
    body = [*draw(statements(scope, depth, True, 2)), f"conv({name}, 1x1)"]
    found = [f"let {name} = in.channels", "residual {", *indented(body)]
    match draw(st.integers(0, 2)):
        case 0:
            return [*found, "}"]
        case 1:
            other = [*draw(statements(scope, depth, True, 1)), f"conv({name}, 1x1)"]
        case _:
            test = draw(condition(scope))
            other = [f"if {test} {{", *indented([f"conv({name}, 1x1) -> batchnorm"]), "}"]
    return [*found, "} shortcut {", *indented(other), "}"]


@st.composite
def merge(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    """`concat` of chains, or `add` of chains that end in equally many channels."""
    kind, name = draw(st.sampled_from(["concat", "add", "maximum", "average"])), scope.fresh("c")
    end = "" if kind == "concat" else f" -> conv({name}, 1x1)"
    sides = [draw(chain(scope, True)) + end for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()) or len(sides) == 1:
        sides.insert(draw(st.integers(0, len(sides))), "identity")
    return [f"let {name} = in.channels", f"{kind} {{", *indented([f"| {s}" for s in sides]), "}"]


@st.composite
def named(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    """A tensor with a name, which a later merge takes in."""
    if scope.suffix != "":
        return [draw(chain(scope, keep))]
    name = scope.fresh("t")
    first = [f"{name}: {draw(st.sampled_from(['relu', 'conv(4, 1x1)', 'tanh']))}"]
    return [*first, *draw(statements(scope, depth, True, 2)), f"concat({name})"]


@st.composite
def stack(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    name, end = scope.fresh("s"), scope.suffix
    labels = [f"{name}{end}: ", f'"{name}-a{end}": '] if end is not None else []
    label = draw(st.sampled_from(["", *labels]))
    return [f"{label}stack {{", *indented(draw(statements(scope.inner(""), depth, keep))), "}"]


@st.composite
def capturing(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    """A stack that takes a tensor from outside by its name."""
    if scope.suffix != "":
        return [draw(chain(scope, keep))]
    name = scope.fresh("t")
    body = [draw(chain(scope.inner(""), True)), f"concat({name})", "relu"]
    return [f"{name}: tanh", draw(chain(scope, True)), "stack {", *indented(body), "}"]


@st.composite
def call(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    if not scope.blocks:
        return [draw(chain(scope, keep))]
    name, parameters = draw(st.sampled_from(scope.blocks))
    return [f"{name}({', '.join(draw(arguments(scope, parameters, keep)))})"]


@st.composite
def arguments(draw: Any, scope: Scope, parameters: tuple[str, ...], keep: bool) -> list[str]:
    found = [draw(width(scope))]
    for each in parameters[1:]:
        if each[0] == "f" and draw(st.booleans()):
            found.append(f"{each}={draw(st.sampled_from(['true', 'false', *scope.flags]))}")
        elif each[0] == "n":
            found.append(f"{each}={draw(st.integers(0, 2))}")
        elif each[0] == "s" and not keep:
            found.append(f"{each}={draw(st.sampled_from(['1', '2', *scope.strides]))}")
    return found


@st.composite
def shared(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    """A shared piece, applied twice or three times."""
    if scope.suffix != "":
        return [draw(chain(scope, keep))]
    name, channels = scope.fresh("p"), scope.fresh("c")
    body = [*draw(statements(scope.inner(""), depth, True, 2)), f"conv({channels}, 1x1)"]
    found = [f"let {channels} = in.channels", f"shared {name} {{", *indented(body), "}"]
    between = [*draw(statements(scope, depth, True, 1)), f"conv({channels}, 1x1)"]
    return [*found, f"{name} -> tanh -> {name}", *between, name]


@st.composite
def fan(draw: Any, scope: Scope, depth: int, keep: bool) -> list[str]:
    """Branches that a loop and an `if` make."""
    name = scope.fresh("k")
    branches = [f"for {name} in [1, 3] {{", f"    | conv(2, {name}, padding=same)", "}"]
    branches += [f"if {draw(condition(scope))} {{ | conv({draw(width(scope))}, 1x1) }}"]
    return ["concat {", *indented(branches), "}"]


KINDS = {
    "chain": simple,
    "shared": shared,
    "fan": fan,
    "choice": choice,
    "loop": loop,
    "residual": residual,
    "merge": merge,
    "named": named,
    "stack": stack,
    "capturing": capturing,
    "call": call,
}


@st.composite
def block(draw: Any, name: str, known: list[tuple[str, tuple[str, ...]]]) -> Any:
    """A block's text and parameters; some call themselves, `n` times."""
    extra = draw(st.lists(st.sampled_from(["f", "f2", "s", "n"]), unique=True, max_size=3))
    parameters = ("w", *sorted(extra))
    flags, strides = [p for p in extra if p[0] == "f"], [p for p in extra if p == "s"]
    scope = Scope(["w"], flags, strides, known)
    body = draw(statements(scope, 2, False))
    if "n" in extra:
        again = f"{name}(w{draw(st.sampled_from(['', ' + 2']))}, n=n - 1)"
        at = draw(st.integers(0, 1)) * len(body)
        body[at:at] = ["if n > 0 {", f"    {again}", *draw(st.sampled_from(TAILS)), "}"]
    body += draw(st.sampled_from([["conv(w, 1x1)"], ["conv(w, 1x1) -> relu"], []]))
    signature = ", ".join(p + DEFAULTS[p[0]] for p in parameters)
    return [f"block {name}({signature}) {{", *indented(body), "}"], (name, parameters)


TAILS = ([], ["    relu"], ["} else {", "    conv(w, 1x1)"])
DEFAULTS = {"w": "", "f": " = false", "s": " = 1", "n": " = 1"}


@st.composite
def programs(draw: Any) -> str:
    """The text of a file with some blocks and one network `Net`."""
    lines: list[str] = []
    known: list[tuple[str, tuple[str, ...]]] = []
    for number in range(draw(st.integers(1, 3))):
        text, header = draw(block(f"B{number}", list(known)))
        lines += [*text, ""]
        known.append(header)
    scope = Scope([], [], [], known)
    body = [f"input {draw(st.sampled_from(['3x8x8', '4x8x8', '4xHxW']))}"]
    for _ in range(draw(st.integers(2, 5))):
        body += draw(call(scope, 0, False))
        body += draw(st.sampled_from([["conv(4, 1x1)"], []]))
        body += draw(statements(scope, 1, False, 1)) if draw(st.integers(0, 2)) == 0 else []
    return "\n".join([*lines, "network Net {", *indented(body), "}", ""])


SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
    database=None,
)


@given(program=programs())
@settings(SETTINGS, max_examples=40)
def test_nearly_every_program_drawn_is_valid(program: str, tmp_path_factory: Any) -> None:
    path: Path = tmp_path_factory.mktemp("drawn") / "net.cnn"
    path.write_text(program)
    bad = [problem for problem in cnnlang.check(path) if problem.severity.name == "ERROR"]
    assert not bad, f"{program}\n{bad}"
