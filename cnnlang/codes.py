"""All codes of all stages in one table, with what tools show of each.

Every stage has a table of its own; a code is written where it belongs, and only put together here.
"""

from __future__ import annotations

from cnnlang.analysis import lints
from cnnlang.diagnostics.model import Rule
from cnnlang.elaborate import codes as elaborate
from cnnlang.layers import codes as layers
from cnnlang.syntax import codes as syntax

TABLES = (syntax.CODES, layers.CODES, elaborate.CODES, lints.CODES)

FAMILIES = {
    "P": "The text cannot be read as a program.",
    "N": "A name, a file or a network is not what it is taken for.",
    "A": "A value or an argument is wrong wherever it stands.",
    "S": "A layer cannot stand where it stands, because of the tensors that flow in.",
    "R": "What a `require` asks for does not hold.",
    "V": "For some sizes of its input a network is valid, for others it is not.",
    "L": "A network is right, and may not do what its author thinks.",
    "E": "A limit is reached that keeps a file from using up time or memory.",
}
"""What the first letter of a code says."""


def rules() -> dict[str, Rule]:
    """Every code as a rule for tools."""
    titles = {code: title for table in TABLES for code, title in table.items()}
    return {code: Rule(title, FAMILIES[code[0]]) for code, title in titles.items()}
