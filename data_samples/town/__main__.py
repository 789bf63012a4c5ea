"""`python -m data_samples.town [FOLDER]`: write the sample town again."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from data_samples.town import SEED, generate

log = logging.getLogger(__name__)


def main() -> None:
    """Write the sample town into a folder."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.town", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[1] / "jiaozhou")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for file in generate(
        options.folder, seed=options.seed, progress=lambda what, done, total: log.info("%2d/%d %s", done, total, what)
    ):
        log.info("%s: %d rows, %d bytes", file.path.name, file.rows, file.path.stat().st_size)


if __name__ == "__main__":
    main()
