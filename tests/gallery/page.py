"""The page about the gallery: what stands in the files, and what the compiler says of them."""

from __future__ import annotations

from itertools import takewhile

import cnnlang
from tests.gallery.networks import EXAMPLES, GALLERY, Entry

PAGE = EXAMPLES / "README.md"
BEGIN, END = "<!-- zoo: `python -m tests.zoo.table` prints this table -->", "<!-- end of zoo -->"
INTRODUCTION = """\
# Examples

Each file is checked, built, run forward and backward, counted, and compared with plain PyTorch or
with published numbers by the tests. `cnnlang new NAME` writes one as a start for your own; the
published classifiers of torchvision, with its names and weights, are in the standard library:
`zoo:resnet50`. [train.py](train.py) trains any image classifier of these on Fashion-MNIST; its
first lines say how. [sharded.py](sharded.py) spreads the weights over several devices (FSDP2),
[pipeline.py](pipeline.py) the layers, in stages that `cnnlang.stages` balances.
`python -m tests.gallery` writes this page and its figures."""
HEAD = "| network | | parameters | MACs | at | file |\n| --- | --- | ---: | ---: | --- | --- |"


def page(table: str) -> str:
    """The whole page; `table` is the one that compares the standard library with torchvision."""
    parts = [INTRODUCTION, "\n".join([HEAD, *(row(e) for es in GALLERY.values() for e in es)])]
    for title, entries in GALLERY.items():
        parts += [f"## {title}", *(section(entry) for entry in entries)]
    return "\n\n".join([*parts, f"{BEGIN}\n{table}\n{END}"]) + "\n"


def row(entry: Entry) -> str:
    """A line of the table at the top."""
    title, *_ = about(entry).split(". ")
    cells = [f"[{entry.network}](#{entry.network.lower()})", title.rstrip("."), *costs(entry)]
    return f"| {' | '.join(cells)} | [{entry.path.name}]({entry.path.name}) |"


def section(entry: Entry) -> str:
    """What the file says of a network, what it costs, and its figure."""
    parameters, macs, size = costs(entry)
    name, image = entry.path.name, entry.figure.relative_to(EXAMPLES).as_posix()
    return f"""\
### {entry.network}

{about(entry)}

[{name}]({name}): {parameters} parameters, {macs} MACs at {size}.

<a href="{image}"><img src="{image}" alt="{entry.network} drawn by cnnlang" height="480"></a>"""


def costs(entry: Entry) -> tuple[str, str, str]:
    """Parameters, MACs, and the size of the input that they are for."""
    found = cnnlang.summarise(entry.path, entry.network, shapes=entry.shapes)
    sizes = ["x".join(map(str, each["shape"])) for each in found.as_dict()["inputs"]]
    return f"{found.parameters:,}", f"{found.macs:,}", " and ".join(sizes)


def about(entry: Entry) -> str:
    """The comment that the file begins with."""
    text = entry.path.read_text(encoding="utf-8")
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.removeprefix("#").strip() for line in lines)


def kept() -> str:
    """The table of the standard library as the page has it now: it takes minutes to make."""
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip("\n")


def figure(entry: Entry) -> bytes:
    """The figure of a network, as SVG."""
    return bytes(cnnlang.draw(entry.path, entry.network, shapes=entry.shapes, style=entry.style))
