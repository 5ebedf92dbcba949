"""An adapter brought in: a PEFT folder, of attune or another tool, or KerasHub's LoRA weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from attune import lora
from attune.adapters import keras
from attune.adapters.kept import new_folder
from attune.adapters.record import RECORD, Base, Record, read, write
from attune.adapters.weights import check_base, hashes
from attune.engines.openvino.adapter import adapted
from attune.errors import ModelError
from attune.models.convert import settings_of
from attune.visible import visible
from attune.whole import whole_folder


def bring(source: Path, name: str, adapters: Path, base: Base, model: Path) -> Record:
    """Adds the adapter in `source` to the folder `adapters` under `name`, whole or not at all, and gives its
    record. A folder that has attune's record keeps it; another's says that it is for `base`, whose files are
    in the folder `model`.

    Raises ModelError or EngineError, saying what is wrong with it.
    """
    target = new_folder(name, adapters)
    with whole_folder(target) as made:
        if source.name.endswith(keras.SUFFIX):
            lora.write(made, keras.read(source, settings_of(model)), base.model)
        elif (source / RECORD).is_file():
            shutil.copytree(source, made, ignore=shutil.ignore_patterns("checkpoint"))
        elif (source / lora.CONFIG).is_file():
            made.mkdir()
            for file in (lora.CONFIG, lora.WEIGHTS):
                shutil.copyfile(source / file, made / file)
        else:
            raise ModelError(
                f"{visible(str(source))} is neither a PEFT folder, with {lora.CONFIG}, nor KerasHub's LoRA "
                f"weights, a file called …{keras.SUFFIX}"
            )
        record = replace(read(made), name=name) if (made / RECORD).is_file() else _new(name, base, model)
        write(record, made)
        check_base(made, model)
        if record.kind == "causal":
            adapted(model, made)
    return record


def _new(name: str, base: Base, model: Path) -> Record:
    return Record(
        name=name,
        base=replace(base, weights=hashes(model)),
        kind="seq2seq" if base.address.startswith("ctranslate2:") else "causal",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        attune=version("attune"),
    )
