"""From Graphviz text to a picture, with the Graphviz that pygraphviz carries, or with `dot`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from cnnlang.backends.diagram.child import ABSENT, HURRIED, PIXELS, SIZED, resolution

FORMATS = ("svg", "png", "pdf")
PATIENCE = 60.0
"""Seconds that a layout may take before it is tried once more in a hurry."""

FONTS = Path(__file__).parent / "diagram" / "fonts"
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <cachedir>{folder}</cachedir>
  <match target="pattern">
    <test name="family"><string>Helvetica</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Arimo</string></edit>
  </match>
</fontconfig>
"""
"""What fontconfig reads: the font of the package before those of the machine, if it has any."""


class RenderError(Exception):
    """No picture could be made; the message says why and what to do."""


def sized(text: str, format: str, inches: tuple[float, float], dots: int) -> str:
    """Graphviz text that makes a picture with these sides, a bitmap of `dots` per inch."""
    look = f'{SIZED}{inches[0]:.4f},{inches[1]:.4f}!" margin=0'
    dots = min(dots, int(PIXELS / max(inches)))
    look += f" dpi={dots}]" if format == "png" else "]"
    return text.replace("{", look, 1)


def render(text: str, format: str, *, patience: float = PATIENCE) -> bytes:
    """The picture of Graphviz text as `svg`, `png` or `pdf`.

    A layout that takes longer than `patience` seconds is tried once more with less care. Raises
    `RenderError` if there is no Graphviz, or if it fails.
    """
    if format not in FORMATS:
        raise ValueError(f"a picture is one of {', '.join(FORMATS)} or dot, not {format!r}")
    data = text.encode("utf-8")
    for fast in (False, True):
        try:
            return embedded(data, format, fast, patience)
        except subprocess.TimeoutExpired:
            continue
    raise RenderError(
        f"the layout takes more than {patience:g} seconds: the graph is too large to draw; "
        "write it as `.dot` and lay it out with other tools"
    )


def embedded(data: bytes, format: str, fast: bool, patience: float) -> bytes:
    """The picture by pygraphviz in a process of its own, else by `dot`."""
    module = "cnnlang.backends.diagram.child"
    command = [sys.executable, "-P", "-m", module, format, *(["fast"] if fast else [])]
    done = launch(command, data, patience)
    return installed(data, format, fast, patience) if done.returncode == ABSENT else checked(done)


def installed(data: bytes, format: str, fast: bool, patience: float) -> bytes:
    """The picture by the `dot` of the system."""
    dot = shutil.which("dot")
    if dot is None:
        raise RenderError(
            "no Graphviz is installed: `pip install pygraphviz` brings it along; "
            "without it, write the figure as `.dot`"
        )
    options = [f"-G{name}={value}" for name, value in HURRIED.items()] if fast else []
    if format == "png" and not data.startswith(SIZED.encode(), data.index(b"{")):
        placed = checked(launch([dot, "-Tdot", *options], data, patience))
        box = re.search(rb'bb="([-0-9.,]+)"', placed)
        options += [f"-Gdpi={resolution(box[1].decode())}"] if box else []
    return checked(launch([dot, f"-T{format}", *options], data, patience))


def launch(command: list[str], data: bytes, patience: float) -> subprocess.CompletedProcess[bytes]:
    """Run a renderer; the child finds this very package, whatever the current directory is.

    It takes the font that comes with the package, so that pictures look alike everywhere, unless
    the user names a configuration of fontconfig.
    """
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with fonts() as configuration:
        environment["FONTCONFIG_FILE"] = environment.get("FONTCONFIG_FILE") or configuration
        return subprocess.run(
            command, input=data, capture_output=True, timeout=patience, env=environment, check=False
        )


@contextmanager
def fonts() -> Iterator[str]:
    """A configuration of fontconfig with the fonts in a folder of their own.

    Fontconfig writes into the folders that it reads, so it never sees that of the package.
    """
    with TemporaryDirectory(prefix="cnnlang-") as folder:
        for font in FONTS.glob("*.ttf"):
            shutil.copy(font, folder)
        file = Path(folder) / "fonts.conf"
        file.write_text(CONFIGURATION.format(folder=escape(folder)), encoding="utf-8")
        yield str(file)


def checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    """What a renderer wrote; Graphviz reports a malformed label on standard error only."""
    told = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == 0 and done.stdout and "syntax error" not in told:
        return done.stdout
    last = told.splitlines()[-1] if told else f"it ended with status {done.returncode}"
    raise RenderError(f"Graphviz failed: {last}")
