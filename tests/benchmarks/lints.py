"""`python -m tests.benchmarks.lints`: all lints over the published networks and the examples.

Prints how often every rule fires, then every finding. The networks of the library are looked at
twice: as they are written, with free sizes, and with the input of the published figures; what is
ignored in their files is told here. `tests/benchmarks/lints.md` says of every finding why it is
true.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from cnnlang.analysis.lints import RULES
from cnnlang.analysis.lints.report import examine
from cnnlang.compilation import Settings, compile_network, open_program
from cnnlang.diagnostics.concise import write
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.elaborate.networks import is_template
from cnnlang.graph import Graph
from cnnlang.sources import fetch, folded, meant, published, read
from tests.zoo.comparison import reference

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.cnn"))


def networks() -> Iterator[tuple[str, Source, dict[str, Graph]]]:
    """The published networks: name, source, and the graph with free and with fixed sizes."""
    for name, each in reference().items():
        source, _ = read(f"zoo:{name}")
        assert source is not None
        assert folded(name) in published()
        sizes = {"free": Settings(), "fixed": Settings(shapes={0: (3, each.size, each.size)})}
        title = meant(f"zoo:{name}") or name
        yield name, source, {kind: graph(source, title, how) for kind, how in sizes.items()}


def graph(source: Source, title: str, settings: Settings) -> Graph:
    program, _ = open_program(source, fetch)
    found, problems = compile_network(program, program.networks[title], settings)
    assert found is not None, problems
    return found


def example(path: Path) -> tuple[Source, list[Graph]]:
    """An example with the networks in it."""
    text = path.read_text(encoding="utf-8")
    source = Source(f"examples/{path.name}", text)
    program, _ = open_program(source, fetch)
    titles = [name for name, value in program.networks.items() if not is_template(value)]
    return source, [graph(source, title, Settings()) for title in titles]


def rates(counts: dict[str, Counter[str]], total: int) -> Iterator[str]:
    """The table: by rule, how many networks it finds something in."""
    yield f"| rule | level | of {total}, free sizes | of {total}, published size | examples |"
    yield "|---|---|---:|---:|---:|"
    for code, rule in sorted(RULES.items()):
        level = "warning" if rule.usual else "opt-in"
        cells = " | ".join(str(counts[kind][code]) for kind in ("free", "fixed", "examples"))
        yield f"| {code} {rule.name} | {level} | {cells} |"


def main() -> int:
    counts = {kind: Counter[str]() for kind in ("free", "fixed", "examples")}
    lines: dict[str, set[str]] = {}
    total = 0
    for name, source, graphs in networks():
        total += 1
        for kind, made in graphs.items():
            found = examine([made], RULES.values(), source)
            counts[kind].update({each.code for each in found})
            note(lines, found, f"{name} ({kind})")
        print(name, file=sys.stderr, flush=True)
    for path in EXAMPLES:
        source, made_here = example(path)
        found = examine(made_here, RULES.values(), source)
        counts["examples"].update({each.code for each in found})
        note(lines, found, f"examples/{path.name}")
    print("\n".join(rates(counts, total)), end="\n\n")
    for line, where in sorted(lines.items()):
        print(f"- {line}: {', '.join(sorted(where))}")
    return 0


def note(lines: dict[str, set[str]], found: Iterable[Diagnostic], where: str) -> None:
    """Findings by their line in the text, with the networks that have them."""
    for each in found:
        lines.setdefault(write(each), set()).add(where)


if __name__ == "__main__":
    sys.exit(main())
