"""Going on after a syntax error: mend one sign if that makes sense, else skip the statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnnlang.diagnostics.model import Diagnostic
from cnnlang.syntax.brackets import CLOSERS, MOST, Token, surfeit
from cnnlang.syntax.build import Builder
from cnnlang.syntax.groups import Failed
from cnnlang.syntax.tables import Rule, lexicon, tables
from cnnlang.syntax.words import Trouble, explain

OPENING = frozenset(CLOSERS)
CLOSING = frozenset(CLOSERS.values())
BORDERS = frozenset(("NEWLINE", "LBRACE", "BAR"))
MIXED = {"EQUAL": ("EQUALS", "COLON"), "COLON": ("EQUAL",), "EQUALS": ("EQUAL",)}
INSERTED = {"COMMA": ",", "NEWLINE": "\n", "EQUAL": "="}
KEPT = OPENING | CLOSING | {"NEWLINE", "$END"}
AHEAD = 3


class Recovery:
    """The stacks of the parser, and what to do where the automaton has no entry for a token."""

    def __init__(self, tokens: list[Token], builder: Builder) -> None:
        self.tokens = tokens
        self.builder = builder
        self.rows, self.gotos = tables().rows, tables().gotos
        self.actions = {name: getattr(builder, name) for name in tables().actions}
        self.states = [tables().start]
        self.values: list[Any] = []
        self.at = 0
        self.mended = -2  # where the last repair was
        self.skipped = -1  # where the last skip ended

    def recover(self) -> bool:
        """Report the token at hand and make the parser fit to go on; False at the end."""
        again = self.at - self.mended <= 1
        message = None if again else self.complain()
        if len(self.builder.diagnostics) >= MOST:
            self.builder.diagnostics.append(surfeit(self.builder.mark(self.tokens[self.at])))
            return False
        hopeless = message is not None and message.code in ("P018", "P024")
        if not again and not hopeless and self.mend():
            self.mended = self.at
            return True
        return self.skip()

    def complain(self) -> Diagnostic | None:
        """Add the message for the token at hand, unless it has been told of before."""
        found = self.tokens[self.at]
        before = self.tokens[self.at - 1] if self.at else None
        if is_told(found) or (before and is_told(before)):
            return None
        head, opener = self.context()
        after = self.tokens[self.at + 1] if found.kind != "$END" else found
        source = self.builder.source
        trouble = Trouble(source, before, found, after, head, opener, self.accepts)
        if trouble.is_outside and self.is_lost():
            return None
        message = explain(trouble)
        self.builder.diagnostics.append(message)
        return message

    def is_lost(self) -> bool:
        """True at the top of the file after a line that was no definition either."""
        before = self.values[0] if self.values else []
        return bool(before) and isinstance(before[-1], Failed)

    def context(self) -> tuple[Token | None, Token | None]:
        """The first token of the unfinished statement, and the bracket open in it."""
        head = opener = None
        level = 0
        for value in reversed(self.values):
            kind = value.kind if isinstance(value, Token) else ""
            if level == 0 and kind in BORDERS:
                break
            head = value if kind else None
            level += (kind in CLOSING) - (kind in OPENING)
            if level < 0:
                opener, level = opener or value, 0
        return head, opener

    # --- looking ahead ---------------------------------------------------------------------------

    def accepts(self, kind: str) -> bool:
        """True if a token of this kind may follow."""
        return self.simulate((kind,))

    def simulate(self, kinds: Sequence[str]) -> bool:
        """True if tokens of these kinds may follow in this order."""
        states = list(self.states)
        return all(self.advance(states, kind) for kind in kinds)

    def advance(self, states: list[int], kind: str) -> bool:
        """Take one token on a copy of the states."""
        while True:
            entry = self.rows[states[-1]].get(kind)
            if isinstance(entry, int):
                states.append(entry)
                return True
            if entry is None:
                return False
            if entry.size:
                del states[-entry.size :]
            states.append(self.gotos[states[-1]][entry.origin])
            if states[-1] == tables().end:
                return True

    # --- mending ---------------------------------------------------------------------------------

    def mend(self) -> bool:
        """Change, add or drop one token if the text then reads on; True if it does."""
        found = self.tokens[self.at]
        for kind in MIXED.get(found.kind, ()):
            if self.simulate([kind, *self.upcoming(1)]):
                text = {"EQUALS": "==", "EQUAL": "=", "COLON": ":"}[kind]
                self.tokens[self.at] = found._replace(kind=kind, text=text)
                return True
        for token in self.additions(found):
            if self.simulate([token.kind, *self.upcoming(0)]):
                self.feed(token)
                return True
        return self.drop(found)

    def additions(self, found: Token) -> Iterator[Token]:
        """What may be missing before `found`."""
        for kind, text in INSERTED.items():
            yield Token(kind, text, found.start, found.start)
        if self.at and self.tokens[self.at - 1].kind in ("NETWORK", "BLOCK"):
            yield Token("NAME", "", found.start, found.start)

    def drop(self, found: Token) -> bool:
        """Leave out `found` if it carries no structure and the text reads on without it."""
        after = self.upcoming(1)
        opens = found.kind == "NEWLINE" and after[:1] == ["LBRACE"]
        kept = found.kind in KEPT or found.text in lexicon().keywords
        if (kept and not opens) or not self.simulate(after):
            return False
        self.at += 1
        return True

    def upcoming(self, skip: int) -> list[str]:
        """The kinds of the next tokens, up to the end of the line."""
        kinds: list[str] = []
        for token in self.tokens[self.at + skip : self.at + skip + AHEAD]:
            kinds.append(token.kind)
            if token.kind in ("NEWLINE", "$END"):
                break
        return kinds

    def feed(self, token: Token) -> None:
        """Take a token that is not in the text; the parser must accept it."""
        while not isinstance(entry := self.rows[self.states[-1]][token.kind], int):
            self.reduce(entry)
        self.states.append(entry)
        self.values.append(token)

    def reduce(self, rule: Rule) -> None:
        """Replace the values of a rule's symbols by what the rule builds."""
        size, origin, action = rule
        states, values = self.states, self.values
        if action is None:
            states.pop()
        elif size:
            taken = values[-size:]
            del values[-size:], states[-size:]
            values.append(self.actions[action](taken))
        else:
            values.append(self.actions[action]([]))
        states.append(self.gotos[states[-1]][origin])

    # --- skipping --------------------------------------------------------------------------------

    def skip(self) -> bool:
        """Give up the statement: back to its beginning, then on to its end."""
        level = self.unwind()
        self.at += self.at == self.skipped
        while True:
            self.at = self.border(level)
            if self.accepts(self.tokens[self.at].kind):
                self.skipped = self.at
                return True
            if self.tokens[self.at].kind == "$END":
                return False
            self.at += 1

    def unwind(self) -> int:
        """Pop to where a statement may stand, put ERROR there, and count the brackets popped."""
        level = 0
        while level < 0 or "ERROR" not in self.rows[self.states[-1]]:
            if level >= 0 and self.follows():
                self.feed(Token("NEWLINE", "", 0, 0))
                continue
            self.states.pop()
            kind = getattr(self.values.pop(), "kind", "")
            level += (kind in OPENING) - (kind in CLOSING)
        self.feed(Token("ERROR", "", 0, 0))
        return level

    def follows(self) -> bool:
        """True after a whole list of statements, to which another line may be added."""
        entry = self.rows[self.states[-1]].get("NEWLINE")
        return isinstance(entry, int) and "ERROR" in self.rows[entry]

    def border(self, level: int) -> int:
        """Where the statement ends: a new line, a `|` or a closing brace outside its brackets."""
        tokens, at = self.tokens, min(self.at, len(self.tokens) - 1)
        while (kind := tokens[at].kind) != "$END":
            if level == 0 and (kind in ("NEWLINE", "BAR") or kind in CLOSING):
                return at
            level += (kind in OPENING) - (kind in CLOSING)
            at += 1
        return at

    def salvage(self) -> list[Any]:
        """What was read before the parser could not go on."""
        return self.values[0] if self.values and isinstance(self.values[0], list) else []


def is_told(token: Token) -> bool:
    """True for a token that is not in the text as it stands: the scanner has reported it."""
    if token.kind in ("$END", "LABEL_TEXT", "HOLE_OPEN"):
        return False
    return not token.text or len(token.text) != token.end - token.start
