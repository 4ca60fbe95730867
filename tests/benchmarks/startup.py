"""`python -m tests.benchmarks.startup`: what `cnnlang check` costs as a whole process.

Prints a table of CPU time and memory: `check` of LeNet-5 and ResNet-152, bare Python, `import
torch`, and, with `--aurane PATH`, `aurane check` on LeNet-5. Aurane has its own environment:

    python -m venv /tmp/aurane && /tmp/aurane/bin/pip install aurane==3.0.0
    python -m tests.benchmarks.startup --aurane /tmp/aurane/bin/aurane
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import CNNLANG, ROOT, Usage, machine, rounds, spread

LENET = str(ROOT / "examples" / "lenet5.cnn")
TORCH, AURANE = "`import torch`", "`aurane check lenet5.aur`"


def alone(folder: Path) -> str:
    """A file with ResNet-152 and no other network of its family, for 224 x 224."""
    text = (ROOT / "examples" / "resnet.cnn").read_text(encoding="utf-8")
    others = "ResNet18 =", "ResNet50 ="
    kept = [line for line in text.splitlines() if not any(each in line for each in others)]
    path = folder / "resnet152.cnn"
    path.write_text("\n".join(kept).replace("input 3xHxW", "input 3x224x224"), encoding="utf-8")
    return str(path)


def commands(folder: Path, aurane: str | None) -> dict[str, list[str]]:
    found = {
        "`python -c pass`": [sys.executable, "-c", "pass"],
        "`cnnlang check lenet5.cnn`": [*CNNLANG, "check", LENET],
        "`cnnlang check resnet152.cnn`": [*CNNLANG, "check", alone(folder)],
        "`cnnlang check zoo:resnet152` (ten networks)": [*CNNLANG, "check", "zoo:resnet152"],
        "`cnnlang summary lenet5.cnn`": [*CNNLANG, "summary", LENET],
        "`cnnlang fmt --check lenet5.cnn`": [*CNNLANG, "fmt", "--check", LENET],
        TORCH: [sys.executable, "-c", "import torch"],
    }
    if aurane:
        found[AURANE] = [aurane, "check", str(ROOT / "tests" / "benchmarks" / "lenet5.aur")]
    return found


def paired(runs: list[Usage], others: list[Usage]) -> str:
    """The median of the ratios of CPU time, round by round."""
    pairs = zip(runs, others, strict=True)
    return f"{median(run.seconds / other.seconds for run, other in pairs):.3f}"


def table(found: dict[str, list[Usage]]) -> str:
    known = [name for name in (TORCH, AURANE) if name in found]
    head = ["process", "CPU ms", "peak MiB", *(f"CPU / {name}" for name in known)]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for name, runs in found.items():
        cells = [name, spread([run.seconds * 1e3 for run in runs])]
        cells += [spread([run.peak for run in runs], 1)]
        cells += [paired(runs, found[other]) for other in known]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup")
    parser.add_argument("--aurane", metavar="PATH", help="the aurane command of Aurane 3.0.0")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calls = commands(Path(folder), options.aurane)
        rounds(calls, 1)  # files are read once before it counts
        found = rounds(calls, options.rounds)
    print(f"{machine()}; {options.rounds} rounds in turn: median (least-most)\n\n{table(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
