"""`python -m tests.gallery`: write `examples/README.md` and the figures of the gallery anew.

The table that compares the standard library with torchvision is kept; `python -m tests.zoo.table`
prints it.
"""

from __future__ import annotations

from tests.gallery.networks import ENTRIES
from tests.gallery.page import PAGE, figure, kept, page

if __name__ == "__main__":
    PAGE.write_text(page(kept()), encoding="utf-8")
    for entry in ENTRIES:
        entry.figure.write_bytes(figure(entry))
