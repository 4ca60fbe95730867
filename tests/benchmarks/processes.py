"""Whole processes, measured: CPU time and the most memory, in rounds that take turns."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
CNNLANG = (sys.executable, "-m", "cnnlang")
MIB = 2**20 if sys.platform == "darwin" else 2**10
"""What `getrusage` counts memory in: bytes, or kibibytes."""


@dataclass(frozen=True)
class Usage:
    """One run: CPU seconds, user and system, and the peak of its resident memory in MiB."""

    seconds: float
    peak: float


def measure(command: Sequence[str]) -> Usage:
    """A run from the top of the checkout; raises `RuntimeError` if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(command)}")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / MIB)


def rounds(commands: Mapping[str, Sequence[str]], count: int) -> dict[str, list[Usage]]:
    """Every command so many times, in turn."""
    compiled()
    found: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(count):
        for name, command in commands.items():
            found[name].append(measure(command))
    return found


def compiled() -> None:
    """Have bytecode of cnnlang at hand, as an installed package has."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "cnnlang"], check=True)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and the least and the most in brackets."""
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def machine() -> str:
    """The day and what this runs on."""
    return (
        f"{date.today()}, {os.cpu_count()} cores of {processor()}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
