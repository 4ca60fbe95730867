"""`python -m tests.benchmarks.editor`: a file checked again in one process after every keystroke.

A file of 300 lines is changed by one character, in a place drawn at random, and checked with all
that is on by default. Prints the CPU time of an answer, its messages laid out; most changes make
errors, as when one types.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from cnnlang.compilation import check_source
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.diagnostics.text import render
from cnnlang.sources import fetch
from tests.benchmarks.processes import ROOT, machine, spread
from tests.benchmarks.programs import flat

LINES = 300
EXAMPLES = (
    *("googlenet", "unet", "mobilenet_v2", "alexnet", "autoencoder", "c3d", "dcgan"),
    *("fcn8s", "nin", "textcnn", "siamese", "densenet", "lenet5"),
)
SIGNS = "aeiox 0123456789(){},=->\n"


def blocks() -> str:
    """Networks that go together in one file, thirteen of the examples."""
    texts = [(ROOT / "examples" / f"{name}.cnn").read_text(encoding="utf-8") for name in EXAMPLES]
    return "\n".join(texts)


def programs() -> dict[str, str]:
    return {f"flat, {LINES} lines": flat(LINES), "thirteen examples": blocks()}


def answer(text: str) -> tuple[float, list[Diagnostic]]:
    """CPU seconds for what is wrong with a text, and that, as it would be shown."""
    on, _ = lints("net.cnn")
    start = time.process_time()
    found = check_source(Source("net.cnn", text), fetch, on)
    render(found)
    return time.process_time() - start, found


def changed(text: str, rng: random.Random) -> str:
    """The text with one character in place of another."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(SIGNS) + text[at + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.editor")
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args()
    print(f"{machine()}; {options.changes} changes: median (least-most)\n")
    print("| file | lines | CPU ms an answer | without a message | with messages |")
    print("|---|---:|---:|---:|---:|")
    for name, text in programs().items():
        rng = random.Random(0)
        answer(text)
        answer(text.replace("3x3", "0"))  # what mends is imported for it
        runs = [answer(changed(text, rng)) for _ in range(options.changes)]
        times = [seconds * 1e3 for seconds, _ in runs]
        good = sum(not found for _, found in runs)
        lines = text.count("\n")
        print(f"| {name} | {lines} | {spread(times, 1)} | {good} | {len(runs) - good} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
