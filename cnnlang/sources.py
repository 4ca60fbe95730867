"""Reading `.cnn` files: from disk, from standard input, from the standard library."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.diagnostics.suggest import nearest
from cnnlang.syntax import ast

LARGEST = 16 * 2**20
STANDARD = Path(__file__).parent / "std"


def read(name: str) -> tuple[Source | None, list[Diagnostic]]:
    """The source at a path (`-` is standard input, `zoo:NAME` the library's), or what is wrong."""
    if name.startswith("zoo:"):
        return zoo(name)
    try:
        if name == "-":
            if sys.stdin is None:
                raise OSError("standard input is closed")
            return decode("<stdin>", sys.stdin.buffer.read(LARGEST + 1))
        if "\0" in name:
            raise OSError("a path has no NUL characters")
        return decode(name, content(Path(name)))
    except OSError as error:
        return None, [Diagnostic("P090", f"cannot read {name}: {reason(error)}")]


def content(path: Path) -> bytes:
    """The bytes of a regular file, one more than allowed at most."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "it is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(22, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def reason(error: OSError) -> str:
    known = {
        FileNotFoundError: "there is no such file",
        PermissionError: "no permission",
        IsADirectoryError: "it is a directory",
    }
    return known.get(type(error), (error.strerror or str(error)).lower())


def decode(name: str, data: bytes) -> tuple[Source | None, list[Diagnostic]]:
    """Bytes as a source: UTF-8, a byte order mark at the start left out."""
    if len(data) > LARGEST:
        return None, [Diagnostic("P091", f"{name} is larger than {LARGEST // 2**20} MiB")]
    try:
        return Source(name, data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [
            Diagnostic(
                "P092",
                f"{name} is not UTF-8 text: byte {error.start} in line {line} is "
                f"0x{data[error.start]:02x}",
                help="save the file as UTF-8",
            )
        ]


def fetch(node: ast.Use) -> Source | str:
    """The source that a `use` names, or why there is none."""
    if not node.quoted:
        return standard(node.origin)
    here = node.span.source.name
    base = Path() if here == "<stdin>" else Path(here).parent
    target = Path(node.origin)
    if here.startswith("std."):
        return "the standard library uses only itself"
    if target.is_absolute() or target.suffix != ".cnn":
        return "it must be a path to a .cnn file, relative to this one"
    try:
        path = (base / target).resolve(strict=True)
        source, problems = decode(str(shown(path)), content(path))
    except RuntimeError:
        return "its path is a loop of links"
    except ValueError:
        return "this cannot be a path"
    except OSError as error:
        return reason(error)
    return source or problems[0].message


def shown(path: Path) -> Path:
    """A path as a person would write it: relative to the current directory where it is inside."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def standard(origin: str) -> Source | str:
    """A file of the standard library, by its dotted name."""
    parts = origin.split(".")
    if len(parts) != 2 or parts[0] != "std" or not parts[1].isidentifier():
        return f"only files and std.NAME can be used; std has {', '.join(library()) or 'nothing'}"
    path = STANDARD / f"{parts[1]}.cnn"
    if not path.is_file():
        near = nearest(parts[1], library())
        return f"there is no std.{parts[1]}" + (
            f"; did you mean std.{near}?" if near else f"; there are {', '.join(library())}"
        )
    return Source(origin, path.read_text(encoding="utf-8"))


def library() -> list[str]:
    """The names of the files in the standard library."""
    return sorted(path.stem for path in STANDARD.glob("*.cnn"))


# --- the zoo -------------------------------------------------------------------------------------


def zoo(name: str) -> tuple[Source | None, list[Diagnostic]]:
    """The file of the standard library that has a published network, `zoo:resnet50`."""
    known = published()
    found = known.get(folded(name.removeprefix("zoo:")))
    if found is None:
        near = nearest(folded(name.removeprefix("zoo:")), known)
        help = "`cnnlang new --list` shows the library"
        help = f"did you mean zoo:{known[near][1]}?" if near else help
        return None, [Diagnostic("P093", f"there is no {name}", help=help)]
    return Source(f"std.{found[0]}", (STANDARD / f"{found[0]}.cnn").read_text(encoding="utf-8")), []


def published() -> dict[str, tuple[str, str]]:
    """The networks of the library by folded name: their file and their own name."""
    found: dict[str, tuple[str, str]] = {}
    for file in library():
        text = (STANDARD / f"{file}.cnn").read_text(encoding="utf-8")
        for name in re.findall(r"^network ([A-Za-z_][A-Za-z0-9_]*)", text, re.MULTILINE):
            found.setdefault(folded(name), (file, name))
    return found


def folded(name: str) -> str:
    """A name without case, and without underscores but those between digits.

    `regnet_y_1_6gf` and `RegNetY_1_6GF` are one name, `regnet_y_16gf` is another.
    """
    return re.sub(r"(?<![0-9])_|_(?![0-9])", "", name.lower())


def meant(name: str) -> str | None:
    """The network that `zoo:NAME` means."""
    found = published().get(folded(name.removeprefix("zoo:"))) if name.startswith("zoo:") else None
    return found[1] if found else None
