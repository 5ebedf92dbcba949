"""An adapter handed on: as it is, for other tools, or put into its model for good."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attune import lora
from attune.adapters import keras
from attune.adapters.merge import merge
from attune.adapters.weights import check_base
from attune.engines.openvino import adapter as openvino
from attune.errors import ModelError
from attune.models.convert import check_family, convert, settings_of
from attune.whole import whole_folder


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made: of the adapter in a PEFT folder, with the model in the folder `base`, which is
    Hugging Face files for "hf" and "ctranslate2", an OpenVINO folder for "openvino"; "peft" needs none."""

    adapter: Path
    base: Path = Path()
    quantization: str = "int8"


def export(form: str, wanted: Wanted, target: Path) -> str:
    """Makes the new folder `target`, whole or not at all, in one of FORMS, and gives a line on how to use it.

    Raises ModelError or EngineError, saying what does not fit.
    """
    if target.exists():
        raise ModelError(f"{target} is there already: name a folder that is not")
    with whole_folder(target) as made:
        used = FORMS[form](wanted, made)
    return used.replace(str(made), str(target))


def _peft(wanted: Wanted, made: Path) -> str:
    made.mkdir()
    for name in (lora.CONFIG, lora.WEIGHTS, "README.md"):
        if (wanted.adapter / name).is_file():
            shutil.copyfile(wanted.adapter / name, made / name)
    return f"peft.PeftModel.from_pretrained(model, {str(made)!r})"


def _hf(wanted: Wanted, made: Path) -> str:
    merge(wanted.adapter, wanted.base, made)
    return f"transformers.pipeline('text-generation', {str(made)!r}), or a base to tune: --base {made}"


def _openvino(wanted: Wanted, made: Path) -> str:
    check_base(wanted.adapter, wanted.base)
    openvino.save(wanted.base, wanted.adapter, made)
    return f"attune run --engine openvino:{made}"


def _ctranslate2(wanted: Wanted, made: Path) -> str:
    check_family(wanted.base)
    with tempfile.TemporaryDirectory(dir=made.parent, prefix=".merging-") as place:
        merge(wanted.adapter, wanted.base, Path(place) / "merged")
        convert(Path(place) / "merged", made, wanted.quantization)
    return f"attune run --engine ctranslate2:{made}"


def _keras(wanted: Wanted, made: Path) -> str:
    made.mkdir()
    factors = lora.read(wanted.adapter)
    path = made / f"adapter{keras.SUFFIX}"
    rank, names = keras.write(factors, settings_of(wanted.base), path)
    return f"backbone.enable_lora({rank}, {names}); backbone.load_lora_weights({str(path)!r})"


FORMS: Mapping[str, Callable[[Wanted, Path], str]] = {
    "peft": _peft,
    "hf": _hf,
    "openvino": _openvino,
    "ctranslate2": _ctranslate2,
    "keras": _keras,
}
