"""The command line: every command, every exit code, and what a wrong call is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from calls import Call

from cnnlang import __version__, compilation
from cnnlang.cli.group import COMMANDS
from cnnlang.compilation import compile_network
from cnnlang.elaborate.files import Program
from cnnlang.elaborate.networks import Settings
from cnnlang.elaborate.values import NetworkValue
from cnnlang.sources import STANDARD, library

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
LENET, RESNET, UNET = (str(EXAMPLES / f"{n}.cnn") for n in ("lenet5", "resnet", "unet"))

WRONG = "network N {\n    input 3x8x8\n    convv(4, 3x3)\n}\n"


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    (tmp_path / "wrong.cnn").write_text(WRONG)
    return "wrong.cnn"


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def spawn(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `cnnlang` as a process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cnnlang", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        **options,  # type: ignore[call-overload]
    )


# --- the group -----------------------------------------------------------------------------------


def test_version(call: Call) -> None:
    assert call("--version").output == f"cnnlang {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_examples(call: Call, name: str) -> None:
    found = call(name, "--help")
    assert found.exit_code == 0
    assert f"  cnnlang {name} " in found.output
    assert call(name, "-h").output == found.output


def test_help_tells_how_to_complete(call: Call) -> None:
    assert "_CNNLANG_COMPLETE=bash_source" in call("--help").output


def test_an_unknown_command_is_a_wrong_call(call: Call) -> None:
    found = call("chekc")
    assert found.exit_code == 2
    assert "did you mean 'check'?" in found.stderr


def test_a_missing_argument_is_a_wrong_call(call: Call) -> None:
    assert call("check").exit_code == 2
    assert call("build", LENET, "LeNet5", "more").exit_code == 2
    assert call("check", LENET, "--format", "xml").exit_code == 2


# --- check ---------------------------------------------------------------------------------------


def test_check_without_errors(call: Call) -> None:
    found = call("check", LENET)
    assert (found.exit_code, found.stdout, found.stderr) == (0, "1 file checked: no errors\n", "")


def test_check_with_an_error(call: Call, wrong: str) -> None:
    found = call("check", wrong, LENET)
    assert found.exit_code == 1
    assert "--> wrong.cnn:3:5" in found.stdout
    assert "did you mean `conv`?" in found.stdout
    assert found.stdout.endswith("\n2 files checked: 1 error\n")
    assert found.stderr == ""


def test_notes_are_shown_and_do_not_fail(call: Call) -> None:
    found = call("check", UNET)
    assert found.exit_code == 0
    assert "note[V401]" in found.stdout
    assert found.stdout.endswith("1 file checked: no errors, 2 notes\n")


def test_quiet_shows_errors_only(call: Call, wrong: str) -> None:
    assert call("check", UNET, "-q").stdout == ""
    found = call("check", UNET, wrong, "--quiet")
    assert found.exit_code == 1
    assert "note" not in found.stdout


def test_check_reads_standard_input(call: Call) -> None:
    found = call("check", "-", input=WRONG)
    assert found.exit_code == 1
    assert "--> <stdin>:3:5" in found.stdout


@pytest.mark.parametrize("format", ["concise", "json", "sarif", "github"])
def test_formats(call: Call, wrong: str, format: str) -> None:
    found = call("check", wrong, "--format", format)
    assert found.exit_code == 1
    assert found.stderr == ""
    if format == "concise":
        assert found.stdout.startswith("wrong.cnn:3:5: error[N114]: ")
        assert found.stdout.count("\n") == 1
    if format == "json":
        assert json.loads(found.stdout)["diagnostics"][0]["file"] == "wrong.cnn"
    if format == "sarif":
        driver = json.loads(found.stdout)["runs"][0]["tool"]["driver"]
        assert driver["version"] == __version__
    if format == "github":
        assert found.stdout.startswith("::error file=wrong.cnn,line=3")


def test_formats_for_programs_without_anything_to_say(call: Call) -> None:
    assert json.loads(call("check", LENET, "--format", "json").stdout)["diagnostics"] == []
    assert call("check", LENET, "--format", "github").stdout == ""
    assert call("check", LENET, "--format", "concise").stdout == ""


def test_a_mistake_that_two_files_use_is_told_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "part.cnn").write_text("block B { convv(4, 3x3) }\n")
    for name in ("a.cnn", "b.cnn"):
        (tmp_path / name).write_text('use B from "part.cnn"\nnetwork N { input 3x8x8\n B }\n')
    found = call("check", "a.cnn", "b.cnn", "--format", "concise")
    assert found.stdout.count("N114") == 1


def test_watch_checks_again_and_ends_on_interrupt(tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(WRONG)
    with watching("net.cnn", tmp_path) as process:
        assert process.stdout is not None
        assert until(process, "checked").endswith("1 error\n")
        path.write_text(WRONG.replace("convv", "conv"))
        assert until(process, "checked").endswith("no errors\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read().strip() == ""


def test_watch_sees_files_that_are_used(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text('use B from "part.cnn"\nnetwork N { input 3x8x8\n B }\n')
    (tmp_path / "part.cnn").write_text("block B { convv(4, 3x3) }\n")
    with watching("net.cnn", tmp_path) as process:
        assert until(process, "checked").endswith("1 error\n")
        (tmp_path / "part.cnn").write_text("block B { conv(4, 3x3) }\n")
        assert until(process, "checked").endswith("no errors\n")


def test_standard_input_cannot_be_watched(call: Call) -> None:
    found = call("check", "-", "--watch")
    assert (found.exit_code, found.stderr) == (1, "error: standard input cannot be watched\n")


@contextmanager
def watching(name: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnlang", "check", name, "--watch"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], word: str) -> str:
    """The next line with a word in it; the process is ended if none comes in a minute."""
    assert process.stdout is not None
    end = threading.Timer(60, process.kill)
    end.start()
    try:
        return next((line for line in process.stdout if word in line), "")
    finally:
        end.cancel()


# --- files that are none -------------------------------------------------------------------------


def nothing(folder: Path) -> Path:
    return folder / "nothing.cnn"


def directory(folder: Path) -> Path:
    (folder / "folder.cnn").mkdir()
    return folder / "folder.cnn"


def loop(folder: Path) -> Path:
    (folder / "loop.cnn").symlink_to("loop.cnn")
    return folder / "loop.cnn"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.cnn")
    return folder / "pipe.cnn"


def no_text(folder: Path) -> Path:
    (folder / "latin.cnn").write_bytes(b"# caf\xe9\nnetwork N {}")
    return folder / "latin.cnn"


def zeros(folder: Path) -> Path:
    (folder / "zeros.cnn").write_bytes(b"\0" * 100)
    return folder / "zeros.cnn"


def forbidden(folder: Path) -> Path:
    path = folder / "secret.cnn"
    path.write_text(WRONG)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    return path


def empty(folder: Path) -> Path:
    (folder / "empty.cnn").write_text("")
    return folder / "empty.cnn"


BAD = [nothing, directory, loop, pipe, no_text, zeros, forbidden]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["check", "summary", "build", "draw", "fmt", "run"])
def test_what_cannot_be_read_is_an_error(
    call: Call, tmp_path: Path, bad: Callable[[Path], Path], name: str
) -> None:
    path = bad(tmp_path)
    before = names(tmp_path)
    found = call(name, str(path))
    assert found.exit_code == 1
    assert "error[" in found.output
    assert path.name in found.output
    assert "Traceback" not in found.output
    assert names(tmp_path) == before


def test_a_file_without_a_network(call: Call, tmp_path: Path) -> None:
    empty(tmp_path)
    assert call("check", "empty.cnn").exit_code == 0
    found = call("summary", "empty.cnn")
    assert found.exit_code == 1
    assert "empty.cnn has no network" in found.stderr


# --- which network, with which parameters and inputs ---------------------------------------------


def test_several_networks_want_a_name(call: Call) -> None:
    found = call("summary", RESNET)
    assert found.exit_code == 1
    assert "ResNet18, ResNet50, ResNet152" in found.stderr


def test_an_unknown_network(call: Call) -> None:
    found = call("build", RESNET, "ResNet51")
    assert found.exit_code == 1
    assert "did you mean `ResNet50`?" in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    "value",
    ["classes", "=3", "2x=3", "classes=", "classes=1+", "classes=1\nlet b = 2", "classes=1/0"],
)
def test_a_setting_that_is_none(call: Call, value: str) -> None:
    found = call("summary", LENET, "--set", value)
    assert found.exit_code == 2
    assert "Invalid value for '--set'" in found.stderr


def test_an_unknown_setting_is_shown_in_the_file(call: Call) -> None:
    found = call("summary", RESNET, "ResNet50", "--set", "clases=10")
    assert found.exit_code == 1
    assert "did you mean `classes`?" in found.stderr


def test_settings_are_written_as_in_the_language(call: Call) -> None:
    settings = ["--set", "Unit=Basic", "--set", "depths=[1, 1]", "--set", "classes=2 * 5"]
    found = call("summary", RESNET, "ResNet", *settings, "--json")
    assert json.loads(found.stdout)["outputs"] == [[10]]


@pytest.mark.parametrize(
    "value", ["3x", "x3", "3x0x4", "3,224,224", "-1", "a=b", "3x99999999999", "x=", "3xHxW"]
)
def test_a_shape_that_is_none(call: Call, value: str) -> None:
    found = call("summary", LENET, "--input", value)
    assert found.exit_code == 2
    assert "Invalid value for '--input'" in found.stderr


def test_a_shape_for_no_input(call: Call) -> None:
    siamese = str(EXAMPLES / "siamese.cnn")
    found = call("summary", siamese, "--input", "lefft=1x105x105")
    assert found.exit_code == 1
    assert "`Siamese` has no input `lefft`, for which a shape is given" in found.stderr
    assert "did you mean `left`?" in found.stderr
    found = call("summary", LENET, "--input", "1x32x32", "--input", "1x32x32")
    assert found.exit_code == 1


def test_a_shape_with_other_axes_or_too_small(call: Call) -> None:
    found = call("summary", LENET, "--input", "32x32")
    assert found.exit_code == 1
    assert "the input has 3 axes" in found.stderr
    found = call("summary", LENET, "--input", "1x4x4")
    assert found.exit_code == 1
    assert "error[S" in found.stderr


# --- summary -------------------------------------------------------------------------------------


def test_summary(call: Call) -> None:
    found = call("summary", LENET)
    assert found.exit_code == 0
    assert "Parameters  61,706" in found.stdout
    assert found.stderr == ""


def test_summary_as_json(call: Call) -> None:
    found = call("summary", RESNET, "ResNet50", "--input", "3x224x224", "--json")
    data = json.loads(found.stdout)
    assert data["parameters"] == 25_557_032
    assert data["macs"] == 4_089_184_256
    assert data["inputs"] == [{"name": "x", "shape": [3, 224, 224], "dtype": "float"}]
    keys = {"name", "kind", "output", "parameters", "macs", "receptive_field"}
    assert set(data["layers"][0]) == keys


def test_summary_depth(call: Call) -> None:
    assert "downsample" not in call("summary", RESNET, "ResNet18", "--depth", "1").stdout
    assert call("summary", RESNET, "ResNet18", "--depth", "0").exit_code == 2


# --- build ---------------------------------------------------------------------------------------


def test_build_to_standard_output_and_to_a_file(call: Call, tmp_path: Path) -> None:
    shown = call("build", LENET)
    assert shown.exit_code == 0
    compile(shown.stdout, "net.py", "exec")
    found = call("build", LENET, "-o", "net.py")
    assert (found.exit_code, found.output) == (0, "")
    assert (tmp_path / "net.py").read_text() == shown.stdout
    assert names(tmp_path) == ["net.py"]


def test_a_file_that_is_replaced_keeps_its_permissions_and_links(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "real.py").write_text("old")
    (tmp_path / "real.py").chmod(0o640)
    (tmp_path / "link.py").symlink_to("real.py")
    assert call("build", LENET, "-o", "link.py").exit_code == 0
    assert (tmp_path / "link.py").is_symlink()
    assert "class LeNet5" in (tmp_path / "real.py").read_text()
    assert (tmp_path / "real.py").stat().st_mode & 0o777 == 0o640


def test_nothing_is_written_on_an_error(call: Call, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "net.py").write_text("old")
    assert call("build", wrong, "-o", "net.py").exit_code == 1
    assert (tmp_path / "net.py").read_text() == "old"


def test_a_failing_disk_leaves_the_old_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text("old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    found = call("build", LENET, "-o", "net.py")
    assert (found.exit_code, found.stderr) == (
        1,
        "error: cannot write net.py: no space left on device\n",
    )
    assert (tmp_path / "net.py").read_text() == "old"
    assert names(tmp_path) == ["net.py"]


def test_outputs_that_cannot_be(call: Call, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    told = {
        "nowhere/net.py": "there is no folder nowhere",
        "folder": "it is a directory",
        "pipe": "no such device or address",
        "loop": "too many levels of symbolic links",
        "bad\0name": "this cannot be a path",
    }
    for name, reason in told.items():
        found = call("build", LENET, "-o", name)
        assert found.exit_code == 1
        assert reason in found.stderr


def test_the_input_is_never_overwritten(call: Call, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(Path(LENET).read_text())
    found = call("build", "net.cnn", "-o", "./net.cnn")
    assert found.exit_code == 1
    assert "is the file that is read" in found.stderr
    assert (tmp_path / "net.cnn").read_text() == Path(LENET).read_text()


def test_devices_are_written_to_as_they_are(call: Call) -> None:
    assert call("build", LENET, "-o", os.devnull).exit_code == 0
    assert not Path(os.devnull).is_file()


# --- draw ----------------------------------------------------------------------------------------


def test_draw_writes_the_network_as_svg(call: Call, tmp_path: Path) -> None:
    found = call("draw", LENET, "--direction", "lr")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "wrote LeNet5.svg\n")
    ElementTree.parse(tmp_path / "LeNet5.svg")


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.dot", b"digraph")]
)
def test_draw_formats(call: Call, tmp_path: Path, name: str, start: bytes) -> None:
    assert call("draw", LENET, "-o", name, "--theme", "dark").exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_draw_needs_a_known_suffix(call: Call) -> None:
    found = call("draw", LENET, "-o", "net.jpg")
    assert found.exit_code == 2
    assert ".svg, .png, .pdf, .dot" in found.stderr


def test_draw_without_graphviz(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnlang.backends import rendering

    gone = subprocess.CompletedProcess([], rendering.ABSENT, b"", b"")
    monkeypatch.setattr(rendering, "launch", lambda *_: gone)
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = call("draw", LENET)
    assert found.exit_code == 1
    assert "pip install pygraphviz" in found.stderr
    assert call("draw", LENET, "-o", "net.dot").exit_code == 0


# --- fmt -----------------------------------------------------------------------------------------

UGLY = "network   N{\ninput 3x8x8\nconv( 4,3x3 )\n}\n"


def test_fmt_in_place(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text(UGLY)
    found = call("fmt", "a.cnn", LENET)
    assert found.exit_code == 0
    assert found.stderr == "1 file reformatted, 1 file left unchanged\n"
    assert "    conv(4, 3x3)\n" in (tmp_path / "a.cnn").read_text()
    assert call("fmt", "a.cnn").stderr == "1 file left unchanged\n"


def test_fmt_check_and_diff_change_nothing(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text(UGLY)
    found = call("fmt", "--check", "a.cnn")
    assert (found.exit_code, found.stdout) == (1, "would reformat a.cnn\n")
    found = call("fmt", "--diff", "a.cnn")
    assert found.exit_code == 1
    assert {"-conv( 4,3x3 )", "+    conv(4, 3x3)"} <= set(found.stdout.splitlines())
    assert (tmp_path / "a.cnn").read_text() == UGLY
    assert call("fmt", "--check", LENET).exit_code == 0


def test_fmt_standard_input(call: Call) -> None:
    found = call("fmt", "-", input=UGLY)
    assert found.exit_code == 0
    assert found.stdout.startswith("network N {\n")
    assert found.stderr == ""


def test_fmt_leaves_what_it_cannot_read(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text("network {{{")
    (tmp_path / "b.cnn").write_text(UGLY)
    found = call("fmt", "a.cnn", "b.cnn")
    assert found.exit_code == 1
    assert "error[P" in found.stderr
    assert "1 file reformatted, 1 file with errors" in found.stderr
    assert (tmp_path / "a.cnn").read_text() == "network {{{"


# --- run -----------------------------------------------------------------------------------------


def test_run(call: Call) -> None:
    found = call("run", LENET, "--device", "cpu", "--batch", "2", "--steps", "1")
    assert found.exit_code == 0
    assert "LeNet5 on cpu" in found.stdout
    assert "input 2x1x32x32" in found.stdout
    assert re.search(r"inference +[\d.]+ m?s +[\d,.]+ +[\d.]+ [MG]iB", found.stdout)
    assert re.search(r"training +[\d.]+ m?s", found.stdout)
    assert found.stderr == ""


def test_run_chooses_sizes_that_the_file_leaves_open(call: Call, tmp_path: Path) -> None:
    source = "network N { input 3xHxW\n conv(2, 1x1) -> global_avgpool -> flatten -> dense(2) }\n"
    (tmp_path / "n.cnn").write_text(source)
    found = call("run", "n.cnn", "--device", "cpu", "--batch", "1", "--steps", "1")
    assert found.exit_code == 0
    assert "input x=3x224x224" in found.stderr
    found = call(
        "run", "n.cnn", "--input", "3x5x6", "--device", "cpu", "--batch", "1", "--steps", "1"
    )
    assert "input 1x3x5x6" in found.stdout
    assert found.stderr == ""


def test_run_in_bf16_with_words(call: Call) -> None:
    settings = ["--set", "vocabulary=50", "--input", "tokens=9", "--dtype", "bf16"]
    found = call("run", str(EXAMPLES / "textcnn.cnn"), *settings, "--steps", "1", "--device", "cpu")
    assert (found.exit_code, found.stderr) == (0, "")


def test_run_where_there_is_no_gpu(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = call("run", LENET, "--device", "cuda")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == "error: there is no CUDA device here: use --device cpu\n"


def test_run_tells_why_torch_refuses(call: Call, tmp_path: Path) -> None:
    (tmp_path / "n.cnn").write_text("network N { input 4\n dense(3) -> batchnorm }\n")
    found = call("run", "n.cnn", "--batch", "1", "--device", "cpu")
    assert found.exit_code == 1
    assert "Expected more than 1 value per channel" in found.stderr


# --- new -----------------------------------------------------------------------------------------


def test_new_lists_its_networks(call: Call) -> None:
    lines = call("new", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == library()
    assert any("LeNet-5 (LeCun et al., 1998)" in line for line in lines)


@pytest.mark.parametrize("name", library())
def test_every_new_file_is_right(call: Call, tmp_path: Path, name: str) -> None:
    found = call("new", name)
    assert (found.exit_code, found.stdout) == (0, "")
    assert f"wrote {name}.cnn" in found.stderr
    assert call("check", f"{name}.cnn", "-q").stdout == ""


def test_new_knows_the_networks_of_a_family(call: Call, tmp_path: Path) -> None:
    found = call("new", "resnet50", "-o", str(tmp_path / "r.cnn"))
    assert found.exit_code == 0
    assert "network ResNet50 = " in (tmp_path / "r.cnn").read_text()


TORCHVISIONS = {"alexnet", "densenet", "googlenet", "mobilenet_v2", "resnet"}
"""Examples that are written for readers, and once more in the library with torchvision's names."""


@pytest.mark.parametrize("name", sorted({p.stem for p in EXAMPLES.glob("*.cnn")} - TORCHVISIONS))
def test_an_example_is_what_new_writes(name: str) -> None:
    assert (EXAMPLES / f"{name}.cnn").read_bytes() == (STANDARD / f"{name}.cnn").read_bytes()


def test_new_never_overwrites(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.cnn").write_text("mine")
    found = call("new", "resnet", "-o", "mine.cnn")
    assert found.exit_code == 1
    assert "--force" in found.stderr
    assert (tmp_path / "mine.cnn").read_text() == "mine"
    assert call("new", "resnet", "-o", "mine.cnn", "--force").exit_code == 0
    assert "network ResNet50" in (tmp_path / "mine.cnn").read_text()


def test_new_with_an_unknown_name(call: Call) -> None:
    found = call("new", "resnett")
    assert found.exit_code == 2
    assert "did you mean 'resnet'?" in found.stderr
    assert call("new", "../resnet").exit_code == 2


# --- as a process --------------------------------------------------------------------------------


def test_torch_is_imported_by_nothing_that_does_not_run() -> None:
    script = f"""
import os, sys, tempfile
from click.testing import CliRunner
from cnnlang.cli.group import command
os.chdir(tempfile.mkdtemp())
for call in (["check", {LENET!r}], ["check", "--fix", "--diff", {LENET!r}], ["explain", "S101"],
             ["explain", "conv"], ["summary", {LENET!r}], ["summary", {LENET!r}, "--batch", "2"],
             ["sizes", {LENET!r}], ["build", {LENET!r}], ["draw", {LENET!r}],
             ["draw", {LENET!r}, "--style", "blocks"], ["draw", {LENET!r}, "--style", "volumes"],
             ["diff", {LENET!r}, {LENET!r}], ["fmt", "--check", {LENET!r}], ["new", "resnet"],
             ["--help"]):
    result = CliRunner().invoke(command, call)
    assert result.exit_code == 0, (call, result.output)
    assert "torch" not in sys.modules, call
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_check_loads_no_other_command() -> None:
    script = (
        "import sys; from cnnlang.cli.group import command\n"
        f"command(['check', {LENET!r}], standalone_mode=False)\n"
        "heavy = {'graphviz', 'pygraphviz', 'cnnlang.cli.draw', 'cnnlang.cli.run', 'difflib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.stdout.endswith("[]\n")


def test_a_closed_pipe_is_quiet() -> None:
    for arguments in (["summary", RESNET, "ResNet152"], ["check", LENET], ["new", "--list"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "cnnlang", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.wait(30)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnnlang", "summary", LENET],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert done.returncode == 1
    assert done.stderr == "error: output: No space left on device\n"


def test_an_old_terminal_is_no_reason_to_fail() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [sys.executable, "-m", "cnnlang", "summary", LENET], capture_output=True, env=environment
    )
    assert done.returncode == 0
    assert "conv 5×5".encode("latin-1") in done.stdout
    assert b"????" in done.stdout


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes on a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnlang", *arguments],
        stdout=theirs,
        stderr=theirs,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "COLUMNS": "80",
            **environment,
        },
    )
    os.close(theirs)
    found = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        found += part
    process.wait(30)
    os.close(ours)
    return found.decode()


def test_colours_on_a_terminal_unless_they_are_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "wrong.cnn").write_text(WRONG)
    path = str(tmp_path / "wrong.cnn")
    assert "\x1b[1;31m" in on_terminal("check", path)
    assert "\x1b" not in on_terminal("check", path, NO_COLOR="1")
    assert "\x1b" not in on_terminal("check", path, TERM="dumb")
    assert "\x1b" not in spawn("check", path).stdout


def test_tables_fit_the_terminal() -> None:
    lines = on_terminal("summary", RESNET, "ResNet18", NO_COLOR="1").splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("error", [RecursionError, MemoryError])
def test_limits_of_the_machine_show_no_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("cnnlang.graphs.compile_source", fail)
    found = call("summary", LENET)
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1


# --- completion ----------------------------------------------------------------------------------


def completed(words: str, folder: Path) -> list[str]:
    """What a shell is told after `cnnlang WORDS`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_CNNLANG_COMPLETE": "bash_complete",
        "COMP_WORDS": f"cnnlang {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    done = subprocess.run(
        [sys.executable, "-m", "cnnlang"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_completion(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(Path(RESNET).read_text())
    (tmp_path / "notes.txt").write_text("")
    assert completed("ch", tmp_path) == ["check"]
    assert completed("check n", tmp_path) == ["net.cnn"]
    assert completed("summary net.cnn ResNet1", tmp_path) == ["ResNet18", "ResNet152"]
    assert completed("summary nothing.cnn R", tmp_path) == []
    assert "resnet" in completed("new re", tmp_path)


def test_a_network_of_the_library_is_checked_alone(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`zoo:resnet18` asks nothing of the nine other networks of its file."""
    checked: list[str] = []

    def noted(program: Program, network: NetworkValue, settings: Settings) -> object:
        checked.append(network.definition.name)
        return compile_network(program, network, settings)

    monkeypatch.setattr(compilation, "compile_network", noted)
    assert call("check", "zoo:resnet18").exit_code == 0
    assert checked == ["ResNet18"]
