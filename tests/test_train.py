"""`examples/train.py`: it learns, alone and in company, goes on where it was killed, and says what
is wrong. The images are drawn here: ten classes, each a bright bar in its own place, under noise.
"""

import gzip
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "examples" / "train.py"
LENET = ROOT / "examples" / "lenet5.cnn"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
DROPOUT = """
network Small(classes = 10) {
    input 1xHxW

    conv(4, 5x5, stride=2) -> batchnorm -> relu
    dropout(0.3)
    adaptive_avgpool(6x6) -> flatten
    dense(classes)
}
"""
HEADS = """
network Heads(classes = 10) {
    input 1x28x28

    conv(4, 5x5, stride=2) -> relu
    early: flatten
    early -> aux: dense(classes)
    early -> dense(32) -> relu
    logits: dense(classes)

    output logits
    output training logits, aux
}
"""


def import_script() -> ModuleType:
    """Import the script as a module, without running it."""
    spec = importlib.util.spec_from_file_location("train_example", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


train = import_script()


@pytest.fixture(autouse=True)
def surroundings() -> Iterator[None]:
    """One thread, so that runs in and out of this process agree; signals as they were after."""
    kinds, threads = (signal.SIGINT, signal.SIGTERM), torch.get_num_threads()
    handlers = [signal.getsignal(kind) for kind in kinds]
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    for kind, handler in zip(kinds, handlers, strict=True):
        signal.signal(kind, handler)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a data set: 640 images to train on, gzipped, and 200 to test on, plain."""
    folder = tmp_path / "data"
    folder.mkdir()
    for split, count in (("train", 640), ("t10k", 200)):
        pixels, labels = draw_images(count)
        write_idx(folder / f"{split}-images-idx3-ubyte", pixels, packed=split == "train")
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels, packed=split == "train")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small network with everything that has a state: weights, statistics, dice."""
    path = tmp_path / "small.cnn"
    path.write_text(DROPOUT)
    return path


def draw_images(count: int) -> tuple[Tensor, Tensor]:
    """Draw noisy images with a bar at the height that its class says."""
    dice = torch.Generator().manual_seed(count)
    labels = torch.arange(count) % 10
    pixels = torch.randint(0, 100, (count, 28, 28), generator=dice)
    for image, label in zip(pixels, labels.tolist(), strict=True):
        image[2 * label + 4 : 2 * label + 6, 4:24] += 150
    return pixels, labels


def write_idx(path: Path, values: Tensor, packed: bool = False) -> None:
    """Write an IDX file."""
    sizes = b"".join(size.to_bytes(4) for size in values.shape)
    content = bytes((0, 0, 8, values.ndim)) + sizes + bytes(values.flatten().tolist())
    if packed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
    else:
        path.write_bytes(content)


def run(*arguments: object) -> Result:
    """Run the script in this process."""
    return CliRunner().invoke(train.main, [str(each) for each in (*arguments, "--device", "cpu")])


def start(*arguments: object, processes: int = 1) -> subprocess.Popen[str]:
    """Start the script in processes of its own."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), SCRIPT, *arguments]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(each) for each in command],
        env=os.environ | paths,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(checkpoint: Path) -> dict[str, Tensor]:
    """Read the weights, and the statistics, of a checkpoint."""
    state: dict[str, Tensor] = torch.load(checkpoint, weights_only=True)["model"]
    return state


def same(one: Path, other: Path) -> bool:
    """Tell whether two checkpoints hold the same weights, bit for bit."""
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def losses(output: str) -> list[float]:
    """Read the losses of the epochs."""
    return [float(found) for found in re.findall(r"loss (\S+),", output)]


def test_learns_and_prints_a_line_for_every_epoch(data: Path) -> None:
    result = run(LENET, "--data", data, "--epochs", 3, "--batch", 16)
    assert result.exit_code == 0, result.output
    first, *_, last = losses(result.output)
    assert last < first / 2
    line = r"epoch \d/3: loss \d\.\d{4}, test accuracy \d+\.\d\d % \((\d+) of 200\), \d+\.\d s"
    found = [re.fullmatch(line, each) for each in result.output.splitlines()]
    assert len(found) == 3 and all(found)  # and so no progress: this is no terminal
    assert int(found[-1][1]) > 150  # type: ignore[index]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs the package dataset-fashion-mnist")
def test_learns_from_the_images_of_the_debian_package() -> None:
    result = run(LENET, "--train-limit", 640, "--test-limit", 200, "--batch", 16)
    assert result.exit_code == 0, result.output
    first, last = losses(result.output)
    assert last < 0.8 * first


def test_learns_in_bfloat16_with_adamw(data: Path, small: Path) -> None:
    result = run(small, "--data", data, "--bf16", "--optimizer", "adamw", "--batch", 16)
    assert result.exit_code == 0, result.output
    first, last = losses(result.output)
    assert last < first


def test_learns_with_heads_for_the_training_only(data: Path, tmp_path: Path) -> None:
    network = tmp_path / "heads.cnn"
    network.write_text(HEADS)
    before, after = tmp_path / "before.pt", tmp_path / "after.pt"
    assert run(network, "--data", data, "--lr", 1e-9, "--checkpoint", before).exit_code == 0
    result = run(network, "--data", data, "--checkpoint", after)
    assert result.exit_code == 0, result.output
    first, last = losses(result.output)
    assert last < first
    for name, value in weights(after).items():
        assert not torch.allclose(value, weights(before)[name], rtol=1e-4, atol=1e-4), name


def test_two_processes_learn_what_one_learns(data: Path, tmp_path: Path) -> None:
    options = (LENET, "--data", data, "--epochs", 1, "--checkpoint")
    alone, together = tmp_path / "alone.pt", tmp_path / "together.pt"
    process = start(*options, together, "--device", "cpu", processes=2)
    assert run(*options, alone).exit_code == 0
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert len(output.splitlines()) == 1  # the first process speaks for both
    one, two = weights(alone), weights(together)
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ((1, 32, 32), (1, 32, 32)),
        ((3, 31, 64), (3, 31, 64)),
        ((1, "H", "W"), (1, 28, 28)),
        (("C", 28, "W"), (1, 28, 28)),
    ],
)
def test_images_are_padded_and_repeated(declared: tuple[Any, ...], expected: Any) -> None:
    model = nn.Identity()
    model.cnnlang_inputs = (("image", declared, "float"),)  # type: ignore[assignment]
    pixels = torch.randint(0, 256, (2, 28, 28), dtype=torch.uint8)
    images = train.fit(model, pixels.shape[1:])(pixels)
    assert images.shape == (2, *expected)
    top, left = (expected[1] - 28) // 2, (expected[2] - 28) // 2
    core = images[:, :, top : top + 28, left : left + 28]
    scaled = (pixels[:, None] / 255 - 0.2860) / 0.3530
    torch.testing.assert_close(core, scaled.expand_as(core))
    assert images.numel() == core.numel() or images.min() == pytest.approx(-0.2860 / 0.3530)


def test_goes_on_after_a_kill_to_the_same_weights(data: Path, small: Path, tmp_path: Path) -> None:
    options = (small, "--data", data, "--batch", 4, "--save-every", 7, "--checkpoint")
    killed, whole = tmp_path / "killed.pt", tmp_path / "whole.pt"
    process = start(*options, killed, "--device", "cpu")
    wait_for_steps(killed, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    result = run(*options, killed)
    assert result.output.startswith(f"{killed}: going on after ")
    assert run(*options, whole).exit_code == 0
    assert same(killed, whole)


def wait_for_steps(checkpoint: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run has saved its first steps."""
    while not checkpoint.exists() or torch.load(checkpoint)["position"] == [0, 0]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_run_goes_on_to_the_same_weights(
    kind: signal.Signals, data: Path, small: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    options = (small, "--data", data, "--checkpoint")
    stopped, whole = tmp_path / "stopped.pt", tmp_path / "whole.pt"
    with monkeypatch.context() as patch:
        patch.setattr(train.Run, "update", interrupted(train.Run.update, kind, after=13))
        result = run(*options, stopped)
    assert result.exit_code == 128 + kind
    assert result.output.endswith(f"stopped in epoch 2 after step 3, saved in {stopped}\n")
    assert run(*options, stopped).exit_code == 0
    assert run(*options, whole).exit_code == 0
    assert same(stopped, whole)


def interrupted(update: Any, kind: signal.Signals, after: int) -> Any:
    """Make an `update` that sends this process a signal once it has been called so often."""
    calls = []

    def wrapper(self: Any, chosen: Tensor) -> None:
        update(self, chosen)
        calls.append(chosen)
        if len(calls) == after:
            os.kill(os.getpid(), kind)

    return wrapper


def test_a_checkpoint_of_other_settings_is_refused(data: Path, small: Path, tmp_path: Path) -> None:
    options = (small, "--data", data, "--checkpoint", tmp_path / "run.pt", "--epochs")
    assert run(*options, 1).exit_code == 0
    result = run(*options, 2, "--seed", 5)
    assert result.exit_code == 2
    assert "is of another run (epochs was 1, now 2; seed was 0, now 5): repeat" in result.output
    small.write_text(DROPOUT.replace("relu", "tanh"))
    result = run(*options, 1)
    assert result.exit_code == 2
    assert "is of another run (checksum of the network was" in result.output
    assert run(*options, 1, "--restart").exit_code == 0


def test_a_failed_write_leaves_the_checkpoint_as_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "run.pt"
    train.write_checkpoint(path, {"model": 1})

    def fail(_: object, target: Path) -> None:
        target.write_text("half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(click.ClickException, match=r"cannot be written: .*No space left"):
        train.write_checkpoint(path, {"model": 2})
    assert torch.load(path) == {"model": 1}


def assert_refused(result: Result, code: int, *words: str) -> None:
    """Expect an exit code and words, and no traceback."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    for each in words:
        assert each in result.output


def test_without_the_data_set_it_says_how_to_get_it(tmp_path: Path) -> None:
    process = start(LENET, "--data", tmp_path)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output == "" and "Traceback" not in errors
    assert f"no train-images-idx3-ubyte[.gz] in {tmp_path}: run `apt-get install" in errors
    assert "dataset-fashion-mnist`, or name another folder by --data DIR" in errors


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("train-images-idx3-ubyte.gz", lambda c: c[:5000], "ended before"),
        ("train-images-idx3-ubyte.gz", lambda c: b"PK" + c, "Not a gzipped file"),
        ("train-images-idx3-ubyte.gz", lambda c: c[:50] + b"\0" * 50 + c[100:], "cannot be read"),
        ("t10k-images-idx3-ubyte", lambda c: c[:-1], "156816 bytes, the file holds 156815"),
        ("t10k-images-idx3-ubyte", lambda c: c[:6], "the file holds 6"),
        ("t10k-images-idx3-ubyte", lambda c: b"GIF89a" + c, "08 03 (IDX), found 47 49 46 38"),
        ("t10k-labels-idx1-ubyte", lambda _: b"", "expected 00 00 08 01 (IDX), found nothing"),
        ("t10k-labels-idx1-ubyte", lambda c: c[:10] + b"\x0c" + c[11:], "label 12 at byte 10"),
        ("t10k-labels-idx1-ubyte", lambda c: c[:7] + b"\x02" + c[8:10], "images but 2 labels"),
    ],
)
def test_a_damaged_file_is_named(data: Path, name: str, damage: Any, words: str) -> None:
    path = data / name
    path.write_bytes(damage(path.read_bytes()))
    assert_refused(run(LENET, "--data", data), 1, str(data), words)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("input 1x16x16\n flatten -> dense(10)", "of 1x28x28 do not fit the input of 1x16x16"),
        ("input 2x32x32\n flatten -> dense(10)", "of 1x28x28 do not fit the input of 2x32x32"),
        ("input 100\n dense(10)", "images need one input 1xHxW or 3xHxW"),
        ("input 1x28x28\n flatten -> dense(9)", "output is 9, expected 10 logits or more"),
        ("input 1x28x28\n conv(10, 3x3)", "output is 10x26x26, expected 10 logits or more"),
        ("input 1xHxW\n conv(4, 31x31)\n global_avgpool -> flatten -> dense(10)", "28"),
        ("input 1x28x28\n flatten -> dense(10", "net.cnn: error["),
    ],
)
def test_a_network_that_does_not_fit_is_explained(
    data: Path, tmp_path: Path, network: str, words: str
) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(f"network Net {{\n {network}\n}}\n")
    assert_refused(run(path, "--data", data), 1, words)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("Nope",), 1, "Nope"),
        (("--set", "clases=10"), 1, "clases"),
        (("--set", "classes"), 2, "classes is not like classes=10"),
        (("--batch", 1000), 2, "--batch 1000 does not split 640 training images"),
        (("--lr", 0), 2, "'--lr'"),
        (("--checkpoint", "/nowhere/run.pt"), 1, "the checkpoint cannot be written"),
        (("--checkpoint", LENET), 1, "is no checkpoint of this script"),
    ],
)
def test_a_command_that_cannot_be_done_is_refused(
    data: Path, options: tuple[object, ...], code: int, words: str
) -> None:
    assert_refused(run(LENET, *options, "--data", data), code, words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_not_replaced(data: Path) -> None:
    result = CliRunner().invoke(train.main, [str(LENET), "--data", str(data), "--device", "cuda"])
    assert_refused(result, 2, "--device cuda: 0 GPUs found for 1 process(es) here")


def test_each_process_needs_a_gpu_of_its_own(data: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    result = CliRunner().invoke(train.main, [str(LENET), "--data", str(data)])
    assert_refused(result, 2, "--device auto: 1 GPUs found for 2 process(es) here")
