"""Files as git has them: `REV:path` names a version, and what it uses is of the same version.

git is only asked for objects, by fixed arguments; nothing that a repository holds is run.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from functools import partial
from pathlib import Path

from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.elaborate.files import Fetch
from cnnlang.sources import LARGEST, decode, fetch, read
from cnnlang.syntax import ast

PATIENCE = 60
"""Seconds for git to answer."""
OBJECT = re.compile(rb"([0-9a-f]+) ([a-z]+) ([0-9]+)")


class GitError(Exception):
    """Why a version of a file cannot be had, in a few words."""


def version(name: str) -> tuple[Source | None, list[Diagnostic], Fetch]:
    """The source that a name means, what is wrong with it, and how its `use`s are read.

    The name is one of a file, `-`, `zoo:NAME`, or `REV:path` as for `git show`: the path from the
    top of the repository, or from here if it begins with `./`; without REV it is what is staged.
    """
    if not is_revision(name):
        return *read(name), fetch
    revision, _, path = name.partition(":")
    try:
        path = rooted(path)
        source, problems = decode(f"{revision}:{path}", content(revision, path))
    except GitError as error:
        return None, [Diagnostic("P090", f"cannot read {name}: {error}")], fetch
    return source, problems, partial(used, revision)


def is_revision(name: str) -> bool:
    """True if a name can only be one of a version: `C:\\net.cnn` and `zoo:resnet18` are not."""
    if ":" not in name or name.startswith("zoo:") or re.match(r"[A-Za-z]:[\\/]", name):
        return False
    try:
        return not Path(name).exists()
    except (OSError, ValueError):
        return True


def used(revision: str, node: ast.Use) -> Source | str:
    """The source that a `use` names in one version of a repository, or why there is none."""
    name, prefix = node.span.source.name, f"{revision}:"
    if not node.quoted or not name.startswith(prefix):
        return fetch(node)
    if posixpath.isabs(node.origin) or not node.origin.endswith(".cnn"):
        return "it must be a path to a .cnn file, relative to this one"
    target = posixpath.normpath(
        posixpath.join(posixpath.dirname(name.removeprefix(prefix)), node.origin)
    )
    if target.startswith("../"):
        return "it lies outside of the repository"
    try:
        source, problems = decode(f"{revision}:{target}", content(revision, target))
    except GitError as error:
        return str(error)
    return source or problems[0].message


def rooted(path: str) -> str:
    """A path from the top of the repository."""
    if not path.startswith(("./", "../")):
        return path
    here = ask(["rev-parse", "--show-prefix"]).decode("utf-8", "surrogateescape").rstrip("\n")
    return posixpath.normpath(posixpath.join(here, path))


def content(revision: str, path: str) -> bytes:
    """The bytes of one version of a file, none of them changed by filters."""
    if re.search(r"[\0\n]", revision + path) or not path:
        raise GitError("this is no path")
    wanted = [f"{revision}^{{tree}}", f"{revision}:{path}"] if revision else [f":{path}"]
    answer = ask(["cat-file", "--batch-check"], "\n".join(wanted)).split(b"\n")
    first, last = (OBJECT.fullmatch(answer[k]) for k in (0, len(wanted) - 1))
    if first is None and revision:
        raise GitError(f"git knows no revision {revision}")
    if last is None or last[2] != b"blob":
        raise GitError(f"{revision or 'the index'} has no such file")
    if int(last[3]) > LARGEST:
        raise GitError(f"it is larger than {LARGEST // 2**20} MiB")
    return ask(["cat-file", "blob", last[1].decode()])


def ask(arguments: list[str], text: str = "") -> bytes:
    """What git answers."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            check=False,
        )
    except FileNotFoundError:
        raise GitError("there is no git on this machine") from None
    except (OSError, subprocess.TimeoutExpired):
        raise GitError("git does not answer") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        raise GitError(words[0].removeprefix("fatal: "))
    return done.stdout
