"""`cnnlang sizes`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calls import Call
from test_cli import LENET, RESNET, UNET

SETS = """\
UNet
H and W each a multiple of 16: 16, 32, 48, 64, 80, 96, ...
  `concat` at line 11 joins line 4
"""


def test_the_set_and_what_sets_it(call: Call) -> None:
    found = call("sizes", UNET, "UNet")
    assert (found.exit_code, found.stdout, found.stderr) == (0, SETS, "")


def test_a_size_that_is_not_valid(call: Call) -> None:
    found = call("sizes", UNET, "UNet", "--size", "451")
    words = "  451 is not valid for H and W; nearest 448 (crop 3) or 464 (pad 13)\n"
    assert (found.exit_code, found.stdout) == (1, SETS + words)


def test_a_size_that_is_valid(call: Call) -> None:
    found = call("sizes", UNET, "UNet", "--size", "448")
    assert (found.exit_code, found.stdout) == (0, SETS + "  448 is valid for H and W\n")


def test_each_axis_of_a_shape(call: Call) -> None:
    found = call("sizes", UNET, "UNet", "--input", "3x451x640")
    assert found.exit_code == 1
    assert "  451 is not valid for H; nearest 448" in found.stdout
    assert "  640 is valid for W" in found.stdout


def test_every_size(call: Call) -> None:
    found = call("sizes", RESNET, "ResNet18")
    assert (found.exit_code, found.stdout) == (0, "ResNet18\nevery H and W\n")


def test_training_and_evaluation(call: Call) -> None:
    found = call("sizes", "zoo:inception_v3", "--size", "100")
    assert found.exit_code == 1
    assert found.stdout == (
        "InceptionV3\nH and W >= 299\n  in evaluation H and W >= 75\n  `conv` at line 7\n"
        "  100 is valid in evaluation only for H and W; nearest 299 (pad 199)\n"
    )


def test_sizes_as_json(call: Call) -> None:
    found = json.loads(
        call("sizes", UNET, "UNet", "--input", "3x451x64", "--format", "json").stdout
    )
    assert found["network"] == "UNet"
    assert found["sizes"][0] == {
        "name": "H",
        "valid": "H a multiple of 16",
        "evaluation": "H a multiple of 16",
        "least": 16,
        "greatest": None,
        "period": 16,
        "residues": [{"residue": 0, "first": 1, "last": None}],
        "reasons": ["`concat` at line 11 joins line 4"],
        "size": 451,
        "is_valid": False,
        "below": 448,
        "above": 464,
    }
    assert found["sizes"][1]["is_valid"]


def test_written_sizes_are_taken_as_free_where_the_network_allows_it(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "n.cnn").write_text(
        "network N {\n input a: 3x30x64\n input b: 3x30x50\n a -> conv(3, 7x7)\n}\n"
    )
    found = call("sizes", "n.cnn", "--size", "5")
    assert found.exit_code == 1
    assert found.stdout == (
        "N\nH and W >= 7\n  `conv` at line 4\n  5 is not valid for H and W; nearest 7 (pad 2)\n"
    )


def test_a_network_of_one_size_says_why(call: Call) -> None:
    found = call("sizes", LENET)
    assert (found.exit_code, found.stdout) == (0, "LeNet5\nno size is free: x 1x32x32\n")
    assert "note[S114]: `dense` needs a fixed number of features" in found.stderr
    found = call("sizes", LENET, "--size", "32")
    assert found.exit_code == 1
    assert "error: LeNet5 takes x 1x32x32 alone: no size is free" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--size", "0"], 2, "not in the range"),
        (["--size", "4", "--input", "3x4x4"], 2, "cannot go together"),
        (["--input", "4x4x4"], 1, "x is 3xHxW, not 4x4x4"),
        (["--input", "3x4"], 1, "x is 3xHxW, not 3x4"),
        (["--input", "y=3x4x4"], 1, "there is no input y: there are x"),
        (["--input", "3x4x4", "--input", "3x4x4"], 1, "there is no input 1"),
        (["--set", "widht=3"], 1, "widht"),
    ],
)
def test_wrong_calls(call: Call, arguments: list[str], code: int, words: str) -> None:
    found = call("sizes", UNET, "UNet", *arguments)
    assert found.exit_code == code
    assert words in found.stderr


def test_a_file_with_errors(call: Call, tmp_path: Path) -> None:
    (tmp_path / "n.cnn").write_text("network N {\n input 3xHxW\n conv(4, 3) -> add(x)\n}\n")
    found = call("sizes", "n.cnn")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "error[S135]" in found.stderr
    assert call("sizes", "n.cnn", "M").exit_code == 1
    (tmp_path / "n.cnn").write_text("network N {\n")
    assert "error[P0" in call("sizes", "n.cnn").stderr
