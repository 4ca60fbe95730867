"""The classic families of the standard library are torchvision's networks, number by number.

One member of every family is compared in full. The others are compared where it is asked for:
`pytest -m zoo tests/zoo`; `python -m tests.zoo.table` prints the figures of all.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import cnnlang
from cnnlang.sources import STANDARD
from tests.zoo import comparison
from tests.zoo.comparison import apart, image, in_evaluation, in_training, ours, pair, theirs
from tests.zoo.torchvision_models import models

FILES = ("alexnet", "vgg", "resnet", "densenet", "squeezenet", "googlenet", "inception_v3")
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
FULL = ("alexnet", "resnet18", "resnext50_32x4d", "densenet121", "squeezenet1_1", "googlenet")
"""Compared in every run, in training too; VGG and Inception v3 are too large for that."""
EVALUATED = ("vgg11_bn", "inception_v3")
ALL = [name for family in FAMILIES.values() for name in family]
SMALL = (80, 112)
"""A size that every network takes in evaluation, height and width apart."""
CLOSE = 1e-6

REFERENCE = comparison.reference()
zoo = pytest.mark.zoo


@pytest.fixture(autouse=True)
def torchvision() -> None:
    models()
