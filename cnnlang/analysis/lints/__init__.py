"""Lints: what a network may do and had better not, each with an exact condition and its source.

One file a family of rules; `RULES` has them all by code. Rules are selected by code or name, and
turned off for a line by `# ignore: CODE because ...`.
"""

from __future__ import annotations

from collections.abc import Collection

from cnnlang.analysis.lints import (  # noqa: F401 (each registers its rules)
    functions,
    ignoring,
    normalization,
    proportions,
    reach,
    sampling,
    sizes,
    windows,
    wiring,
)
from cnnlang.analysis.lints.ignoring import settle
from cnnlang.analysis.lints.report import examine
from cnnlang.analysis.lints.rules import RULES, Rule
from cnnlang.analysis.lints.selection import Choice, chosen, usual
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.graph import Graph

CODES = {code: rule.title for code, rule in sorted(RULES.items())}
"""The title of every rule by its code, as in the tables of errors."""


def lint(graphs: Collection[Graph], on: Collection[str], home: Source) -> list[Diagnostic]:
    """What the rules with the codes `on` find in the networks of the file `home`.

    Pure; linear in the size of the networks. Findings that a comment turns off are left out, and
    what is wrong with such comments is told.
    """
    rules = [rule for code, rule in sorted(RULES.items()) if code in on]
    return settle(examine(graphs, rules, home), graphs, on, home)


__all__ = ["CODES", "RULES", "Choice", "Rule", "chosen", "lint", "usual"]
