"""`python -m tests.benchmarks.editor`: a file checked again in one process after every keystroke.

A file of 300 lines is changed by one character, in a place drawn at random, and checked with all
that is on by default. Prints the CPU time of an answer, its messages laid out, as `check --watch`
and `cnnlang.check` give it, which know what earlier answers found, and as one that knows nothing;
most changes make errors, as when one types.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from cnnlang.compilation import Begin, afresh, check_source
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.diagnostics.text import render
from cnnlang.history import History
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


def answer(text: str, begin: Begin) -> tuple[float, list[Diagnostic]]:
    """CPU seconds for what is wrong with a text, and that, as it would be shown."""
    on, _ = lints("net.cnn")
    start = time.process_time()
    found = check_source(Source("net.cnn", text), fetch, on, begin=begin)
    render(found)
    return time.process_time() - start, found


def both(text: str, history: History) -> tuple[float, float, bool]:
    """CPU seconds with what is known of earlier texts and without, and if anything is wrong."""
    quick, found = answer(text, history.begin)
    slow, same = answer(text, afresh)
    if list(map(str, found)) != list(map(str, same)):
        raise RuntimeError(f"not the same answers: {found} and {same}")
    return quick, slow, bool(found)


def changed(text: str, rng: random.Random) -> str:
    """The text with one character in place of another."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(SIGNS) + text[at + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.editor")
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args()
    print(f"{machine()}; {options.changes} changes: median (least-most)\n")
    print("| file | lines | CPU ms an answer | CPU ms afresh | without a message | with messages |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, text in programs().items():
        rng, history = random.Random(0), History()
        answer(text, history.begin)
        answer(text.replace("3x3", "0"), afresh)  # what the first wrong argument imports
        runs = [both(changed(text, rng), history) for _ in range(options.changes)]
        quick, slow = ([each[i] * 1e3 for each in runs] for i in (0, 1))
        good = sum(not each[2] for each in runs)
        times = f"{spread(quick, 1)} | {spread(slow, 1)}"
        print(f"| {name} | {text.count(chr(10))} | {times} | {good} | {len(runs) - good} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
