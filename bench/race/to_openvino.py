"""Exports a Hugging Face folder to OpenVINO with int8 weights, and a tokenizer for those who need it so.

python -m bench.race.to_openvino weights HUGGING-FACE-FOLDER FOLDER
python -m bench.race.to_openvino tokenizer FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def weights(source: Path, target: Path) -> None:
    """As our pages say: with optimum-intel's own command."""
    command = str(Path(sys.executable).with_name("optimum-cli"))
    given = ("--model", str(source), "--weight-format", "int8", "--task", "text-generation-with-past")
    subprocess.run(
        [command, "export", "openvino", *given, "--disable-convert-tokenizer", str(target)], check=True
    )


def tokenizer(folder: Path) -> None:
    openvino: Any = import_module("openvino")
    transformers: Any = import_module("transformers")
    convert: Any = import_module("openvino_tokenizers").convert_tokenizer
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), bos_token="<bos>", eos_token="<eos>", pad_token="<pad>"
    )
    forward, back = convert(made, with_detokenizer=True)
    openvino.save_model(forward, folder / "openvino_tokenizer.xml")
    openvino.save_model(back, folder / "openvino_detokenizer.xml")


if __name__ == "__main__":
    if sys.argv[1] == "weights":
        weights(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        tokenizer(Path(sys.argv[2]))
