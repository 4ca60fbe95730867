"""The figures of a corpus: `cd tests && python -m corpus [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from corpus.cases import CORPUS, read
from corpus.measure import examine, table

if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    print(table([examine(case) for case in read(path)]))
