"""`parse`: from the text of a file to its tree, and everything that is wrong with its form."""

from __future__ import annotations

import gc
from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Source, Span
from cnnlang.syntax.ast import File
from cnnlang.syntax.build import Builder
from cnnlang.syntax.lexical import Lexed, scan
from cnnlang.syntax.recovery import Recovery
from cnnlang.syntax.tables import tables


def parse(source: Source) -> tuple[File, list[Diagnostic]]:
    """The tree of `source` and its syntax errors, in the order of the text.

    Any text whatever gives a tree: it holds every definition and statement that could be read.
    The garbage collector rests meanwhile, for a tree has no cycles to collect.

    >>> file, errors = parse(Source("net.cnn", "network N { input 1x28x28 }"))
    >>> file.definitions[0].name, errors
    ('N', [])
    """
    file, _, diagnostics = read(source)
    return file, diagnostics


def read(source: Source) -> tuple[File, Lexed, list[Diagnostic]]:
    """As `parse`, with the tokens and comments of the text (for the formatter)."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return assemble(source)
    finally:
        if collecting:
            gc.enable()


def assemble(source: Source) -> tuple[File, Lexed, list[Diagnostic]]:
    """Scan, parse and sort what was found."""
    lexed = scan(source)
    diagnostics = list(lexed.diagnostics)
    builder = Builder(source, diagnostics)
    definitions = [] if lexed.fatal else Machine(lexed.tokens, builder).run()
    file = builder.file(definitions, Span(source, 0, len(source.text)))
    diagnostics.sort(key=lambda each: each.span.start if each.span else 0)
    return file, lexed, diagnostics


class Machine(Recovery):
    """The LALR automaton that lark made from the grammar, driven over a list of tokens."""

    def run(self) -> list[Any]:
        """The definitions of the file."""
        rows, gotos, tokens, states = self.rows, self.gotos, self.tokens, self.states
        values, actions, end = self.values, self.actions, tables().end
        while (state := states[-1]) != end:
            token = tokens[self.at]
            entry = rows[state].get(token[0])
            if isinstance(entry, int):
                states.append(entry)
                values.append(token)
                self.at += 1
            elif entry is None:
                if not self.recover():
                    return self.salvage()
            elif entry[2] is None:  # one symbol becomes another: its value stays as it is
                states[-1] = gotos[states[-2]][entry[1]]
            elif entry[0] == 1:
                values[-1] = actions[entry[2]](values[-1:])
                states[-1] = gotos[states[-2]][entry[1]]
            else:
                self.reduce(entry)
        definitions: list[Any] = values[-1]
        return definitions
