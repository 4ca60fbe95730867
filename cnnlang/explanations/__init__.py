"""What every code means: a page each, with an example that gives it and one that is mended.

The pages stand in the Markdown files beside this one, a section `## CODE` each; what cnnlang
prints for an example is never written down there but worked out when it is asked for.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from cnnlang.analysis.lints import RULES, Rule
from cnnlang.analysis.lints.ignoring import UNUSED
from cnnlang.codes import rules
from cnnlang.records import dataclass

FOLDER = Path(__file__).parent
SECTION = re.compile(r"^## ([A-Z][0-9]{3})\n(.*?)(?=^#{1,2} |\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(cnn|console|toml)([^\n]*)\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)
TIMES = re.compile(r"^(.*?) *# ([0-9]+) times$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a page, or a call of the command line.

    `words` are what is set from outside (`--input 3x64x64`), or the name of the file.
    """

    language: str
    words: tuple[str, ...]
    text: str

    @property
    def full(self) -> str:
        """The text with every line that is marked `# 101 times` written as often."""
        return TIMES.sub(lambda m: "\n".join([m[1]] * int(m[2])), self.text)

    @property
    def name(self) -> str:
        """The name of the file."""
        return next((word for word in self.words if word.endswith(".cnn")), "net.cnn")


@dataclass(frozen=True, slots=True)
class Page:
    """What a code means; `examples` give it (the last of several files), `mended` does not.

    `cure` is what to do. A code that no program can give has no examples.
    """

    code: str
    title: str
    meaning: str
    examples: tuple[Program, ...] = ()
    cure: str = ""
    mended: Program | None = None


def titles() -> dict[str, str]:
    """All codes with their titles."""
    return {code: rule.title for code, rule in rules().items()}


@cache
def pages() -> dict[str, Page]:
    """All pages, by code."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))]
    found = (read(match[1], match[2]) for text in texts for match in SECTION.finditer(text))
    return {page.code: page for page in (*found, *map(linted, RULES.values()))}


def sentence(text: str) -> str:
    """A remark as a sentence."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def linted(rule: Rule) -> Page:
    """The page of a lint, which its rule has: the exact condition, and why it matters."""
    meaning = " ".join(map(sentence, (rule.condition, rule.why)))
    others = rule.code == UNUSED  # what a comment turns off is on beside it
    program = Program("cnn", ("--select", "ALL" if others else rule.code), rule.example)
    cure = f"Where it is meant, end the line with `# ignore: {rule.code} because ...`."
    return Page(rule.code, rule.title, meaning, (program,), cure)


def read(code: str, text: str) -> Page:
    """A page: prose, the examples, prose, the mended program."""
    fences = list(FENCE.finditer(text))
    programs = [Program(f[1], tuple(f[2].split()), f[3]) for f in fences]
    title = titles().get(code, "")
    if not fences:
        return Page(code, title, text.strip())
    meaning, cure = text[: fences[0].start()].strip(), text[fences[-1].end() :].strip()
    if cure:
        return Page(code, title, meaning, tuple(programs), cure)
    cure = text[fences[-2].end() : fences[-1].start()].strip()
    return Page(code, title, meaning, tuple(programs[:-1]), cure, programs[-1])
