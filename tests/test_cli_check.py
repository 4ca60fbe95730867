"""`check` at a size: what `--input` and `shapes=` judge that a free size leaves open; and plain."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calls import Call

import cnnlang
from cnnlang import __main__ as entry
from cnnlang.elaborate import limits

BUDGET = """network N {
    input 3xHxW
    conv(8, 3x3)
    require macs < 1M
}
"""


@pytest.fixture
def budget(tmp_path: Path) -> str:
    path = tmp_path / "budget.cnn"
    path.write_text(BUDGET)
    return str(path)


def codes(path: str, *shape: int) -> list[str]:
    shapes = {0: shape} if shape else None
    return [each.code for each in cnnlang.check(path, shapes=shapes)]


# --- input ---------------------------------------------------------------------------------------


def test_a_budget_is_judged_at_a_size(call: Call, budget: str) -> None:
    free, small, large = (
        call("check", budget, *rest, "--format", "concise", "--strict")
        for rest in ((), ("--input", "3x64x64"), ("--input", "x=3x224x224"))
    )
    assert (free.exit_code, small.exit_code, large.exit_code) == (1, 0, 1)
    assert "warning[R502]: the requirement is not judged" in free.output
    assert "error[R501]: the requirement `macs < 1M` does not hold" in large.output


def test_a_budget_is_judged_in_python(budget: str) -> None:
    assert codes(budget) == ["V401", "R502"]
    assert codes(budget, 3, 64, 64) == []
    assert codes(budget, 3, 224, 224) == ["R501"]


def test_a_budget_that_is_not_judged_is_no_reason_not_to_build(call: Call, budget: str) -> None:
    built = call("build", budget)
    assert built.exit_code == 0
    assert "R502" in built.stderr


@pytest.mark.parametrize(
    ("option", "word"),
    [("3x2x2", "error[S101]"), ("3x64", "error[A230]"), ("image=3x8x8", "error[N130]")],
)
def test_an_input_that_does_not_fit(call: Call, budget: str, option: str, word: str) -> None:
    checked = call("check", budget, "--input", option)
    assert checked.exit_code == 1
    assert word in checked.output


def test_what_is_mended_holds_for_every_size(call: Call, budget: str) -> None:
    wrong = call("check", budget, "--fix", "--input", "3x64x64")
    assert wrong.exit_code == 2
    assert "--fix does not go with --input" in wrong.stderr


# --- one network -------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> str:
    path = tmp_path / "two.cnn"
    right = "network A {\n    input 3x8x8\n    conv(4, 3x3)\n}\n"
    path.write_text(f"{right}network B {{\n    input 3x8x8\n    conv(4, 9x9)\n}}\n")
    return str(path)


def test_one_network_of_a_file_is_checked_alone(call: Call, two: str) -> None:
    one, other = (call("check", two, "--network", name) for name in "AB")
    assert (one.exit_code, other.exit_code) == (0, 1)
    assert one.output == "1 file checked for `A` alone: no errors\n"
    assert "error[S101]" in other.output


def test_a_network_that_the_file_has_not(call: Call, two: str) -> None:
    wrong = call("check", two, "--network", "C")
    assert wrong.exit_code == 1
    assert "error[N128]" in wrong.output
    assert "there are: A, B" in wrong.output


def test_a_template_asked_for_by_name_needs_its_arguments(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "t.cnn"
    path.write_text("network T(n) {\n    input 3x8x8\n    conv(n, 3x3)\n}\n")
    wrong = call("check", str(path), "--network", "T")
    assert wrong.exit_code == 1
    assert "error[A201]: `T` needs `n`" in wrong.output
    assert "error[N128]" in call("check", str(path), "--network", "").output


def test_all_of_a_file_is_mended(call: Call, two: str) -> None:
    wrong = call("check", two, "--network", "A", "--fix")
    assert wrong.exit_code == 2
    assert "--fix does not go with --network" in wrong.stderr


# --- nothing to check ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_a_file_that_defines_nothing_is_told(call: Call, text: str) -> None:
    checked = call("check", "-", "--format", "concise", input=text)
    assert checked.exit_code == 0
    assert "warning[N133]: <stdin> defines nothing" in checked.output


@pytest.mark.parametrize(
    "text", ["block B(n) { conv(n, 3x3) }\n", "network N(n) { input 3x8x8\n    conv(n, 3x3) }\n"]
)
def test_a_library_is_no_reason_to_fail(call: Call, text: str) -> None:
    checked = call("check", "-", "--strict", input=text)
    assert checked.exit_code == 0
    assert "note[N133]: <stdin> has no network to check" in checked.output


# --- very many mistakes --------------------------------------------------------------------------


def test_more_mistakes_than_anyone_reads_are_counted(call: Call) -> None:
    text = "network N {\n    input 8\n    dense(2)\n"
    text += "    require params < 2\n" * 1_200 + "}"
    shown, listed = (
        call("check", "-", *rest, input=text) for rest in ((), ("--format", "concise"))
    )
    assert shown.output.count("error[R501]") == 1_000
    assert shown.output.endswith(
        "... and 200 more, which --format concise lists: 200 of R501\n\n"
        "1 file checked: 1,200 errors\n"
    )
    assert listed.output.count("error[R501]") == 1_200


def test_networks_that_are_not_looked_at_are_told(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STEPS", 2 * limits.FAULT_STEPS)
    text = "".join(f"network N{i} {{\n    input 3x8x8\n    convv(4, 3)\n}}\n" for i in range(4))
    told = call("check", "-", "--format", "concise", input=text).output.splitlines()
    assert told[-1].startswith("<stdin>:9:9: error[E302]: checking stops here")


# --- without options -----------------------------------------------------------------------------


def process(folder: Path, *call: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-m", "cnnlang", *call],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        input=BUDGET,
    )


@pytest.mark.parametrize(
    "files",
    [
        ("budget.cnn",),
        ("budget.cnn", "missing.cnn", "budget.cnn"),
        ("wrong.cnn", "-"),
        ("wrong",),
        ("",),
        ("zoo:lenet",),
    ],
)
def test_a_plain_call_says_what_one_with_options_says(
    tmp_path: Path, budget: str, files: tuple[str, ...]
) -> None:
    (tmp_path / "wrong.cnn").write_text("network N {\n    input 3x8x8\n    conv(8, 9x9)\n}\n")
    plain, parsed = (process(tmp_path, "check", *more, *files) for more in ((), ("--format=text",)))
    assert plain.stdout == parsed.stdout
    assert (plain.returncode, plain.stderr) == (parsed.returncode, parsed.stderr)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyboardInterrupt(), "Aborted!"),
        (RecursionError(), "this is nested too deep for Python's stack"),
        (OSError(28, "No space left on device"), "output: No space left on device"),
    ],
)
def test_a_plain_call_ends_as_others_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    budget: str,
    error: BaseException,
    words: str,
) -> None:
    def fail(files: object) -> int:
        raise error

    monkeypatch.setattr("cnnlang.cli.findings.check", fail)
    with pytest.raises(SystemExit) as ended:
        entry.check([budget])
    assert ended.value.code == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["check", "a.cnn", "-"], True),
        (["check"], False),
        (["check", "a.cnn", "--strict"], False),
        (["check", "--", "a.cnn"], False),
        (["fmt", "a.cnn"], False),
        ([], False),
    ],
)
def test_what_is_plain(words: list[str], plain: bool) -> None:
    assert entry.is_plain(words) == (plain and os.name != "nt")
