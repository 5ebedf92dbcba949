"""Writes the embedded model as a Hugging Face folder: the weights of its int8 file, dequantised.

python -m bench.race.pocket_hf FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.engines.record_pocket import load

from attune.models import POCKET


def write(target: Path) -> None:
    load().save_pretrained(target)
    shutil.copy(POCKET / "tokenizer.json", target)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
