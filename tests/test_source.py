"""The source that `build` writes: what it looks like, and that it is the same every time.

The golden files under tests/golden are real files. After a change that is meant, write them anew
with `python tests/test_source.py` and read what changed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnnlang.api import build

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[1] / "examples"
NETWORKS = {
    "lenet5": None,
    "alexnet": None,
    "resnet": "ResNet50",
    "googlenet": None,
    "mobilenet_v2": None,
    "densenet": "DenseNet121",
    "unet": "UNet",
    "siamese": None,
    "textcnn": None,
    "nin": None,
    "lenet5_1998": None,
    "fcn8s": None,
    "segnet": None,
    "deeplabv3": "DeepLabV3_ResNet50",
    "yolov3_tiny": None,
    "autoencoder": None,
    "dcgan": "Generator",
    "esrgan": None,
    "m5": "M5",
    "c3d": None,
}


def source(name: str) -> str:
    return build(EXAMPLES / f"{name}.cnn", NETWORKS[name])


def ruff(*arguments: str, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_source_is_the_one_that_was_read_and_found_good(name):
    assert source(name) == (GOLDEN / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_source_is_laid_out_as_ruff_would(name):
    found = ruff("format", "--check", "--diff", text=source(name))
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", NETWORKS)
def test_ruff_finds_nothing_to_say_about_the_source(name):
    found = ruff("check", "--select", "E,F,I,W,B,UP,C4", "--ignore", "E501", text=source(name))
    assert found.returncode == 0, found.stdout


def test_the_helpers_that_are_copied_into_sources_are_laid_out_so_too():
    text = (EXAMPLES.parent / "cnnlang/backends/prelude.py").read_text(encoding="utf-8")
    found = ruff("format", "--check", "--diff", text=text)
    assert found.returncode == 0, found.stdout
    assert max(map(len, text.splitlines())) <= 88


def test_the_source_does_not_depend_on_hash_seeds_or_earlier_builds():
    code = "import cnnlang; print(cnnlang.build('examples/resnet.cnn', 'ResNet50'), end='')"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=EXAMPLES.parent,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert texts == {source("resnet")}


@pytest.mark.parametrize(("name", "most"), [("resnet", 120), ("googlenet", 130)])
def test_a_network_takes_no_more_lines_than_a_person_would_need(name, most):
    assert len(source(name).splitlines()) < most


def test_the_source_imports_torch_alone():
    found = {
        line.split()[1].split(".")[0]
        for name in NETWORKS
        for line in source(name).splitlines()
        if line.startswith(("import ", "from "))
    }
    assert found == {"torch"}


def program(tmp_path: Path, text: str) -> str:
    file = tmp_path / "n.cnn"
    file.write_text(text)
    return build(file)


def test_uses_of_a_block_that_differ_by_an_if_are_one_class_with_that_if(tmp_path):
    text = program(
        tmp_path,
        """
block Unit(width, stride = 1) {
    residual { conv(width, 3x3, stride=stride, padding=1) } shortcut {
        if stride != 1 or in.channels != width { project: conv(width, 1x1, stride=stride) }
    }
}
network N { input 8x8x8
    Unit(8) -> Unit(16, stride=2) -> Unit(16)
}
""",
    )
    assert text.count("class ") == 2
    assert "        if stride != 1 or in_channels != width:\n" in text
    assert "        self.unit2 = Unit(8, 16, stride=2)\n" in text


def test_siblings_that_grow_by_one_step_are_built_and_applied_in_a_loop(tmp_path):
    text = program(
        tmp_path,
        """
block Grow { concat { | identity | conv(4, 3x3, padding=1) -> relu } }
network N { input 8x8x8
    repeat 5 { Grow() }
}
""",
    )
    assert '            self.add_module(f"grow{i + 1}", Grow(8 + 4 * i))\n' in text
    assert '            x = getattr(self, f"grow{i + 1}")(x)  # 28 x 8 x 8\n' in text


def test_a_stack_is_a_sequential_and_its_labels_an_ordered_dictionary(tmp_path):
    text = program(
        tmp_path,
        """
network N { input 3x8x8
    features: stack { conv0: conv(4, 3x3) -> norm0: batchnorm -> relu }
    tail: stack { conv(4, 1x1) -> relu }
}
""",
    )
    assert "OrderedDict(" in text
    assert '("norm0", nn.BatchNorm2d(4)),' in text
    assert "self.tail = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))" in text


def test_what_only_training_returns_is_computed_in_training_only(tmp_path):
    text = program(
        tmp_path,
        """
network N { input 3x8x8
    trunk: conv(4, 3x3) -> relu
    trunk -> aux: stack { flatten -> dense(2) }
    trunk -> flatten -> logits: dense(2)
    output logits
    output training logits, aux
}
""",
    )
    assert "        if self.training:\n            aux = self.aux(trunk)  # 2\n" in text
    assert (
        "        if self.training:\n            return logits, aux\n        return logits\n" in text
    )


def test_initialisations_that_are_alike_are_one_loop(tmp_path):
    text = program(
        tmp_path,
        """
default conv(init=kaiming_normal(mode=fan_out, nonlinearity=relu))
network N { input 3x8x8
    conv(4, 3x3) -> relu -> conv(4, 3x3) -> relu
}
""",
    )
    assert "        for module in (self.conv1, self.conv2):\n" in text
    assert "nn.init.kaiming_normal_(" in text


def test_two_labels_that_python_would_take_for_one_name_stay_two(tmp_path):
    text = program(
        tmp_path, 'network N { input 3x8x8\n "e\u0301": conv(3, 1x1)\n "\u00e9": conv(3, 1x1)\n}\n'
    )
    assert text.count("self.add_module(") == 2


def test_a_text_with_a_line_break_is_escaped(tmp_path):
    text = program(
        tmp_path,
        'extern Blur(s): [C, H, W] -> [C, H, W] from "blurs:Blur"\n'
        'network N { input 3x8x8\n Blur("a\\nb")\n}\n',
    )
    assert 'Blur(s="a\\nb")' in text
    compile(text, "n.py", "exec")


def test_a_file_with_a_strange_name_gives_source_all_the_same(tmp_path):
    file = tmp_path / 'od\\d"""\n.cnn'
    file.write_text("network N { input 3x8x8\n relu }\n")
    compile(build(file), "n.py", "exec")


def test_a_number_that_happens_to_equal_a_parameter_stays_a_number(tmp_path):
    text = program(
        tmp_path,
        """
block D(width, stride = 1) {
    conv(width, 3x3, padding=1)
    if stride != 1 { pool: stack { avgpool(2x2, stride=stride) -> relu } }
}
network N { input 3x16x16
    D(8, 2) -> D(8)
}
""",
    )
    assert "nn.AvgPool2d(2)" in text


def test_layers_that_differ_in_the_kind_of_a_number_alone_stay_apart(tmp_path):
    text = program(tmp_path, "network N { input 3x8x8\n upsample(2) -> upsample(2.0) }\n")
    assert "scale_factor=2)" in text and "scale_factor=2.0)" in text


def test_a_shape_that_follows_the_channels_is_said_with_them(tmp_path):
    text = program(
        tmp_path,
        """
block Scaled(width) { conv(width, 1x1) -> scale -> bias(axis=[channels, width]) }
network N { input 3x8x8
    Scaled(4) -> Scaled(6)
}
""",
    )
    assert "self.scale1 = nn.Parameter(torch.full((width, 1, 1), 1.0))" in text
    assert "self.bias1 = nn.Parameter(torch.full((width, 1, 8), 0.0))" in text


def test_a_product_in_a_sum_has_no_parentheses_and_a_sum_in_a_product_has(tmp_path):
    text = program(
        tmp_path,
        "network N { input x: 3x8x8\n multiply(2) -> add(x) -> multiply(x) -> subtract(1) }\n",
    )
    assert "(x * 2.0 + x) * x - 1.0" in text


def write() -> None:
    """Write the golden files anew."""
    GOLDEN.mkdir(exist_ok=True)
    for name in NETWORKS:
        (GOLDEN / f"{name}.py").write_text(source(name), encoding="utf-8")


if __name__ == "__main__":
    write()
