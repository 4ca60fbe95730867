"""What `summary` says of the published networks, and how its table and JSON look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnlang.amounts import count
from cnnlang.api import compile_file, summarise
from cnnlang.backends.summary import Summary, table

EXAMPLES = Path(__file__).parents[1] / "examples"
IMAGE = {0: (3, 224, 224)}

PUBLISHED = [
    ("lenet5", None, 61_706),
    ("alexnet", None, 61_100_840),
    ("resnet", "ResNet18", 11_689_512),
    ("resnet", "ResNet50", 25_557_032),
    ("resnet", "ResNet152", 60_192_808),
    ("mobilenet_v2", None, 3_504_872),
    ("densenet", "DenseNet121", 7_978_856),
    ("siamese", None, 38_951_745),
]


def of(file: str, network: str | None = None, shapes: object = None) -> Summary:
    return summarise(EXAMPLES / f"{file}.cnn", network, shapes=shapes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("file", "network", "parameters"), PUBLISHED)
def test_parameters_are_those_of_the_paper_or_of_torchvision(
    file: str, network: str | None, parameters: int
) -> None:
    found = of(file, network)
    assert found.parameters == parameters
    assert sum(row.parameters for row in found.layers) == parameters
    top = [row for row in found.rows if row.level == 0]
    assert sum(row.parameters for row in top) == parameters


def test_macs_of_resnet50() -> None:
    found = of("resnet", "ResNet50", IMAGE)
    assert found.macs == 4_089_184_256
    assert sum(row.macs or 0 for row in found.layers) == found.macs


def test_macs_are_unknown_while_a_size_is_free() -> None:
    found = of("resnet", "ResNet50")
    assert found.macs is None
    assert found.as_dict()["macs"] is None
    assert "MACs        depend on H, W: give --input 3x224x224" in table(found)


def test_the_size_that_is_proposed_is_valid() -> None:
    assert of("unet", "UNet").usual == ((3, 224, 224),)
    assert of("textcnn").usual == ((224,),)


def test_a_shared_piece_counts_once_and_says_so() -> None:
    rows = [row for row in of("siamese").rows if row.name == "embed"]
    assert [row.parameters for row in rows] == [38_947_648, 0]
    assert [row.detail for row in rows] == ["", "again"]
    assert rows[0].macs == rows[1].macs


def test_json_of_a_network_with_a_free_size() -> None:
    found = json.loads(json.dumps(of("textcnn").as_dict()))
    assert list(found) == [
        "version",
        "network",
        "inputs",
        "outputs",
        "parameters",
        "macs",
        "memory",
        "layers",
    ]
    assert found["network"] == "TextCNN"
    assert found["inputs"] == [{"name": "tokens", "shape": ["T"], "dtype": "int"}]
    assert found["outputs"] == [[2]]
    assert found["layers"][1] == {
        "name": "conv1",
        "kind": "conv",
        "output": [100, "T - 2"],
        "parameters": 90_100,
        "macs": None,
        "receptive_field": {
            "tokens": [{"axis": "length", "size": 3, "jump": 1, "start": 0, "exact": True}]
        },
    }


def test_table_of_lenet() -> None:
    assert table(of("lenet5")) == LENET


LENET = """\
LeNet5

Layer     Kind         Output    Field     Parameters   MACs
────────────────────────────────────────────────────────────
x         input        1x32x32
conv1     conv 5×5     6x28x28   5x5 /1           156   118k
tanh1     tanh         6x28x28   5x5 /1
avgpool1  avgpool 2×2  6x14x14   6x6 /2
conv2     conv 5×5     16x10x10  14x14 /2       2,416   240k
tanh2     tanh         16x10x10  14x14 /2
avgpool2  avgpool 2×2  16x5x5    16x16 /4
conv3     conv 5×5     120x1x1   32x32 /4      48,120  48.0k
tanh3     tanh         120x1x1   32x32 /4
flatten1  flatten      120       all
dense1    dense        84        all           10,164  10.1k
tanh4     tanh         84        all
dense2    dense        10        all              850    840
────────────────────────────────────────────────────────────
Parameters  61,706
Layers      12
Output      10
MACs        416,520 (417k, one sample)"""


def test_depth_folds_modules() -> None:
    found = of("resnet", "ResNet18", IMAGE)
    folded = table(found, depth=1).splitlines()
    assert ["layer1", "stack", "64x56x56", "43x43", "/4", "147,968", "462M"] in [
        line.split() for line in folded
    ]
    assert not any("downsample" in line for line in folded)
    assert any("    conv1" in line for line in table(found, depth=3).splitlines())


def test_width_cuts_texts_but_no_numbers() -> None:
    lines = table(of("resnet", "ResNet18"), width=70).splitlines()
    assert all(len(line) <= 70 for line in lines)
    assert any("…" in line and "147,968" in line for line in lines)


def test_colour_is_only_on_demand() -> None:
    found = of("lenet5")
    assert "\x1b" not in table(found)
    assert "\x1b[1m" in table(found, colour=True)


def test_modules_nested_deep_need_no_stack(tmp_path: Path) -> None:
    source = tmp_path / "deep.cnn"
    source.write_text(
        "block Down(n) {\n    relu\n    if n > 0 { Down(n - 1) }\n}\n"
        "network Deep {\n    input 3\n    Down(900)\n}\n"
    )
    found = summarise(source)
    assert max(row.level for row in found.rows) == 32
    assert found.layers[-1].name.endswith(".down1*869/relu1")
    assert len(found.layers) == 901


def test_time_is_linear_in_the_layers(tmp_path: Path) -> None:
    source = tmp_path / "long.cnn"
    source.write_text("network Long { input 3x8x8\n repeat 5000 { conv(3, 1x1) } }\n")
    assert len(compile_file(source)[0].layers) == 5000
    assert summarise(source).parameters == 5000 * 12


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (9_999, "10.0k"),
        (999_960, "1.00M"),
        (1.81e9, "1.81G"),
    ],
)
def test_numbers_in_three_digits(number: float, text: str) -> None:
    assert count(number) == text
