"""Inputs that might mend a layer: larger ones, and integers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from cnnlang.diagnostics.model import Edit, Fix, Span
from cnnlang.elaborate.sites import Site
from cnnlang.graph import Node
from cnnlang.layers.base import LayerError, Need
from cnnlang.layers.remedies import Enlarge, Resize, Retype
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import SizeLimit

LARGEST = 4096
"""The largest input that is looked for."""
DOUBLED = (1, 2, 4)
"""Times the smallest input for a layer; those behind it may need more."""
SIZES_TRIED = 3
"""Sizes near the one that is written, for those behind the layer may need another."""
NEAR, FEW = 64, 300
"""How far another size is looked for, and among how many layers at most."""
MANY = 1000
"""Layers, beyond which no larger input is looked for."""
SIZES = re.compile(r"[0-9]+(x[0-9]+)+(?=\s|$)")


def retype(remedy: Retype, site: Site) -> Iterator[Fix]:
    node = site.nodes[site.inputs[0]]
    if node.layer is None and not node.span.text.endswith("float"):
        end = node.span.end
        edit = Edit(Span(node.span.source, end, end), " of int")
        yield Fix(f"declare integers: `{node.span.text} of int`", (edit,))


def enlarge(remedy: Enlarge, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    size = least(site, node.output) if node else None
    if node is not None and size is not None:
        for times in DOUBLED:
            yield started(node, grown(node.output, times * size), "a larger input")


def resize(remedy: Resize, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    if node is None or len(site.nodes) > FEW:
        return
    shifts = (shift for n in range(1, NEAR) for shift in (n, -n))
    found = (moved(node.output, shift) for shift in shifts)
    standing = (x for x in found if x is not None and stands(site, x))
    for near in islice(standing, SIZES_TRIED):
        yield started(node, near, "another input")


def only_input(site: Site) -> Node | None:
    """The one input of a network, if its sizes are written out."""
    inputs = [node for node in site.nodes if node.layer is None]
    if len(inputs) != 1 or len(site.nodes) > MANY or site.layer is None:
        return None
    written = SIZES.search(inputs[0].span.text)
    return inputs[0] if written and str(inputs[0].output) == written[0] else None


def started(node: Node, x: Tensor, what: str) -> Fix:
    """An input written with other sizes."""
    written = SIZES.search(node.span.text)
    assert written is not None
    start = node.span.start + written.start()
    edit = Edit(Span(node.span.source, start, start + len(written[0])), str(x))
    return Fix(f"start from {what}: `{x}`", (edit,))


def moved(x: Tensor, shift: int) -> Tensor | None:
    """A map with every axis so much longer, None if one would be gone."""
    sizes = [n + shift for n in x.shape[1:] if isinstance(n, int)]
    return x.resized((x.shape[0], *sizes)) if min(sizes, default=0) > 0 else None


def grown(x: Tensor, size: int) -> Tensor:
    """A map with no axis below a size."""
    channels, *axes = x.shape
    return x.resized((channels, *(max(size, n) for n in axes if isinstance(n, int))))


def least(site: Site, x: Tensor) -> int | None:
    """The smallest size of all axes for which every layer up to this one can stand."""
    low = min(n for n in x.shape[1:] if isinstance(n, int))
    high = 2 * low
    while not stands(site, grown(x, high)):
        low, high = high, 2 * high
        if high > LARGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stands(site, grown(x, middle)) else (middle, high)
    return high


def stands(site: Site, x: Tensor) -> bool:
    """True if the layer and all before it can stand with another input."""
    outputs: list[Tensor] = []
    need = Need()
    try:
        for node in site.nodes:
            tensors = tuple(outputs[i] for i in node.inputs)
            outputs.append(x if node.layer is None else node.layer.output(tensors, need))
        if site.layer is not None:
            site.layer.output(tuple(outputs[i] for i in site.inputs), need)
    except (LayerError, SizeLimit):
        return False
    return True
