"""One life of a store, to be traced: ``python -m tests.campaign.power.keeper FOLDER MARKS STORE
SEED LIFE``. It ends without a farewell, as a killed process does."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from random import Random

from tests.campaign.power.cuts import STORES


def main(folder: str, marks: str, store: str, seed: str, life: str) -> None:
    logging.disable()  # what the power has torn is told of, and is meant to be there
    paper = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def mark(**what: object) -> None:
        os.write(paper, json.dumps(what).encode())

    STORES[store].live(Path(folder), Random(f"{seed}:{life}"), mark)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
