"""Blocks become classes: what differs between their uses is merged, and the numbers stay right.

Each program is run against the interpreter of `test_module_reference`, which knows no blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_module import write
from test_module_reference import check_against_reference

import cnnlang

PROGRAMS = {
    "two ifs make an attribute of one name": """
        block B(kind) {
            if kind == 1 { conv(4, 1x1) }
            if kind == 2 { conv(4, 3x3, padding=1) }
            relu
        }
        network N { input 4x8x8
            B(1) -> B(2) -> B(1) }
    """,
    "two rounds of a loop have conditions of one name": """
        block B(width) {
            conv(width, 1x1)
            for i in range(2) {
                let big = width > 8 * (i + 1)
                if big { if i == 0 { relu } else { elu } } else {
                    if i == 0 { tanh } else { sigmoid } }
            }
        }
        network N { input 4x8x8
            B(12) -> B(20) -> B(4) }
    """,
    "a condition and a label have one name": """
        block B(tail) {
            conv(4, 1x1)
            if tail { relu } else { tanh }
            tail: conv(4, 1x1)
        }
        network N { input 4x8x8
            B(true) -> B(false) -> B(true) }
    """,
    "both sides of an if hold layers": """
        block B(wide) {
            if wide { conv(6, 3x3, padding=1) -> batchnorm } else { conv(6, 1x1) -> depthwise(1x1) }
            relu -> conv(4, 1x1)
        }
        network N { input 4x8x8
            B(true) -> B(false) -> B(true) }
    """,
    "an if without else may be empty": """
        block B(width, extra = false) {
            if extra { batchnorm -> relu }
            residual { conv(width, 1x1) } shortcut { if in.channels != width { conv(width, 1x1) } }
        }
        network N { input 4x8x8
            B(4) -> B(6, extra=true) -> B(6) }
    """,
    "ifs stand inside ifs": """
        block B(a, b) {
            if a { conv(4, 1x1)
                if b { batchnorm } else { relu -> conv(4, 3x3, padding=1) } } else { tanh }
        }
        network N { input 4x8x8
            B(true, true) -> B(true, false) -> B(false, true) -> B(false, false) }
    """,
    "a block calls itself": """
        block Level(width, depth) {
            conv(width, 3x3, padding=1)
            if depth > 0 {
                concat {
                    | identity
                    | maxpool(2x2) -> Level(width * 2, depth - 1)
                        -> conv_transpose(width, 2x2, stride=2)
                }
                conv(width, 1x1)
            }
        }
        network N { input 3x8x8
            Level(2, 3) }
    """,
    "a block calls itself and its uses are of two kinds": """
        block T(d) {
            conv(4, 1x1)
            if d > 0 { T(d - 1) }
            repeat (1 if d % 3 == 0 else 2) { conv(4, 3x3, padding=1) }
        }
        network N { input 4x8x8
            T(6) }
    """,
    "two blocks call one another": """
        block A(d) {
            conv(4, 1x1) -> relu
            if d > 0 { B(d - 1) }
        }
        block B(d) {
            repeat d % 2 + 1 { conv(4, 3x3, padding=1) }
            if d > 0 { A(d - 1) }
        }
        network N { input 4x8x8
            A(4) -> A(3) }
    """,
    "a block takes another one": """
        block Plain(width) { conv(width, 3x3, padding=1) -> relu }
        block Deep(width) { Plain(width) -> Plain(width) }
        block Twice(Unit, width) { Unit(width) -> residual { Unit(width) } }
        network N { input 3x8x8
            Twice(Plain, 4) -> Twice(Deep, 4) -> Twice(Plain, 6) }
    """,
    "uses differ in kernel, stride and padding": """
        block B(k, s, p) { conv(4, k, stride=s, padding=p) -> batchnorm }
        network N { input 4x16x16
            B(3x3, 1, 1) -> B(1x3, 2, [0, 1]) -> B(5, 1, same) -> B(3, [1, 2], [[1, 0], [2, 2]]) }
    """,
    "uses differ in how they pad": """
        block B(p, m) { conv(4, 3x3, padding=p, pad_mode=m) -> relu }
        network N { input 4x8x8
            B(1, reflect) -> B(0, zeros) -> B(1, circular) }
    """,
    "uses differ in the shape that is normalised": """
        block L { layernorm(axis=[height, width]) }
        network N { input 4x4x4
            L -> maxpool([1, 2]) -> L -> maxpool([2, 1]) -> L }
    """,
    "uses differ in the shape made": """
        block S(n) { reshape([n, n]) -> tanh -> flatten -> dense(64) }
        network N { input 4x4x4
            flatten
            S(8) -> slice(features, 0, 16) -> S(4) }
    """,
    "a stack has a residual inside": """
        network N { input 4x8x8
            body: stack {
                conv(4, 1x1)
                residual { conv(4, 3x3, padding=1) -> scale(0.1) } -> relu
                conv(2, 1x1)
            } }
    """,
    "a stack takes an outer tensor by name": """
        block B(width) {
            skip: conv(width, 1x1)
            tanh
            stack { conv(width, 3x3, padding=1) -> add(skip) -> relu }
        }
        network N { input 3x8x8
            B(2) -> B(4) -> B(2) }
    """,
    "stacks stand inside stacks": """
        block B(width) {
            outer: stack {
                conv(width, 1x1) -> "in-ner": stack { batchnorm -> relu } -> conv(2, 1x1) }
        }
        network N { input 3x8x8
            B(2) -> B(4) }
    """,
    "labels are counted by a loop": """
        block B(width) { conv(width, 1x1) -> relu }
        network N { input 3x8x8
            for i in range(3) { layer{i + 1}: stack { B(2 * (i + 1)) -> B(2) } } }
    """,
    "a shared piece is applied in two places": """
        block B(width) {
            conv(width, 1x1)
            shared f { conv(width, 3x3, padding=1) -> tanh }
            f -> f -> batchnorm -> f
        }
        network N { input 3x8x8
            B(2) -> B(4) }
    """,
    "one value waits while another takes its name": """
        network N { input 4x8x8
            conv(4, 1x1)
            concat {
                | relu
                | sigmoid -> leaky_relu(0.123456789) -> conv(4, 3x3, padding=[[1, 1], [2, 0]])
                    -> softplus(beta=0.2987654, threshold=19.5)
            } }
    """,
    "a named tensor is used long after": """
        network N { input 4x8x8
            a: conv(4, 1x1)
            b: relu
            conv(4, 1x1) -> c: add(a, b)
            multiply { | identity | sigmoid | tanh -> conv(4, 1x1) }
            concat(a, c, b) }
    """,
    "parameters are named like what the source uses": """
        block B(nn, F, torch, x, self, range, super, in_channels) {
            conv(nn, F) -> conv(torch, 1) -> conv(x, 1) -> conv(self, 1)
            s: stack { repeat 4 { conv(range, 1) } }
            conv(in_channels, 1) -> conv(super, 1)
        }
        network N { input 4x8x8
            B(2, 1, 4, 5, 6, 7, 8, 9) -> B(3, 2, 5, 6, 7, 8, 9, 10) }
    """,
    "conditions are named like what a module has": """
        block B(width, training, forward, half, type) {
            if training { conv(width, 1x1) -> relu } else { depthwise(3x3, padding=1) -> tanh }
            if forward { relu } else { tanh }
            if half { sigmoid } else { elu }
            if type { batchnorm } else { groupnorm(1) }
        }
        network N { input 4x8x8
            B(4, true, false, true, false) -> B(4, false, true, false, true)
            B(4, true, true, true, true) }
    """,
    "blocks are named like what the source uses": """
        block Conv2dSame(w) { conv(w, 3x3, stride=2, padding=same) }
        block StochasticDepth(p) { droppath(p) -> relu }
        block int(w) { conv(w, 1x1) }
        network N { input 4xHxW
            Conv2dSame(4) -> StochasticDepth(0.5) -> int(3) -> int(5) }
    """,
}


@pytest.mark.parametrize("fact", PROGRAMS)
def test_a_program_computes_what_its_layers_compute_where(fact: str, tmp_path: Path) -> None:
    check_against_reference(write(tmp_path, PROGRAMS[fact]), "N", {"H": 8, "W": 9})


def classes(folder: Path, program: str, *names: str) -> list[str]:
    """The names of the classes of some children of the network `N`."""
    net: Any = cnnlang.load(write(folder, program), "N")
    return [type(net.get_submodule(name)).__name__ for name in names]


def test_uses_that_differ_in_sizes_are_one_class(tmp_path: Path) -> None:
    program = """
        block B(width, stride = 1) { conv(width, 3x3, stride=stride, padding=1) -> batchnorm }
        network N { input 3x8x8
            B(4) -> B(6, stride=2) -> B(4) }
    """
    assert classes(tmp_path, program, "b1", "b2", "b3") == ["B"] * 3


def test_uses_that_differ_in_an_if_are_one_class(tmp_path: Path) -> None:
    program = PROGRAMS["both sides of an if hold layers"]
    assert classes(tmp_path, program, "b1", "b2", "b3") == ["B"] * 3


def test_uses_of_another_structure_are_another_class(tmp_path: Path) -> None:
    program = """
        block B(times) { repeat times { conv(4, 1x1) } }
        network N { input 3x8x8
            B(1) -> B(2) -> B(1) }
    """
    assert classes(tmp_path, program, "b1", "b2", "b3") == ["B", "B2", "B"]


def test_a_block_named_like_a_mode_leaves_the_mode_alone(tmp_path: Path) -> None:
    program = PROGRAMS["conditions are named like what a module has"]
    net = cnnlang.load(write(tmp_path, program))
    assert all(each.training for each in net.modules())
    assert not any(each.training for each in net.eval().modules())
    net.half().double().type(torch.float32)
