"""Networks of any number of layers: written flat, as loops, and as blocks in one another."""

from __future__ import annotations

DEEPEST = 1_000
"""Blocks in one another; the language allows a few more."""


def flat(layers: int) -> str:
    """A line for each layer."""
    pairs = "    conv(8, 3x3, padding=1)\n    relu\n" * (layers // 2)
    return f"network N {{\n    input 8x32x32\n\n{pairs}}}\n"


def loops(layers: int) -> str:
    """Loops in loops."""
    return f"""network N {{
    input 8x32x32

    repeat {layers // 20} {{
        repeat 10 {{ conv(8, 3x3, padding=1) -> relu }}
    }}
}}
"""


def nests(layers: int) -> str:
    """Blocks in one another, 1,000 deep where there are as many layers."""
    depth = min(layers // 2, DEEPEST)
    return f"""block B(n) {{
    repeat {layers // 2 // depth} {{ conv(8, 3x3, padding=1) -> relu }}
    if n > 1 {{ B(n - 1) }}
}}

network N {{
    input 8x32x32

    B({depth})
}}
"""


def residuals(layers: int) -> str:
    """Named skips, one after the other, with no block around them."""
    pairs = "".join(
        f"    conv(8, 3x3, padding=1) -> add(r{i}) -> r{i + 1}: relu\n" for i in range(layers // 3)
    )
    return f"network N {{\n    input 8x32x32\n\n    r0: relu\n{pairs}}}\n"
