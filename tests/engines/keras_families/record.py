"""Makes this folder: small models as Hugging Face has them, and what Transformers says of them.

Run by hand, in an environment with torch, transformers and h5py:

    python -m tests.engines.keras_families.record

They are those of the folder `families`, with the layers that KerasHub gives their families: it ignores a
config's. The adapters are KerasHub's files; Transformers said its part with what they add in the weights.
"""

from __future__ import annotations

import json
import lzma
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tests.engines.families.record import FAMILIES, build, greedy, torch

from attune.adapters.keras import read, write
from attune.lora import Factors

HERE = Path(__file__).parent
SHARED = HERE.parent / "families"
RANK = 4
TUNED = ("self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj")
CHANGES: dict[str, dict[str, Any]] = {
    "gemma2": {"attn_logit_softcapping": 5.0, "query_pre_attn_scalar": 32},
    "gemma3": {"num_hidden_layers": 6, "layer_types": ["sliding_attention"] * 5 + ["full_attention"]},
    "gemma4": {},
}


def tune(model: Any, path: Path) -> None:
    """Writes an adapter to `path` and adds it to the weights of `model`."""
    config = model.config.to_dict()
    weights = dict(model.named_parameters())
    chance = np.random.default_rng(5)

    def grid(*shape: int) -> Any:
        return (chance.normal(0, 0.2, shape) * 64).round().astype(np.float32) / 64

    modules = [
        name.removesuffix(".weight") for name in weights if name.removesuffix(".weight").endswith(TUNED)
    ]
    shapes = {module: tuple(weights[f"{module}.weight"].shape) for module in modules}
    made = {name: Factors(grid(RANK, wide), grid(high, RANK), 0.5) for name, (high, wide) in shapes.items()}
    write(made, config, path)
    with torch.no_grad():
        for module, added in read(path, config).items():
            weights[f"{module}.weight"] += torch.from_numpy(added.b @ added.a * np.float32(added.scale))


def main() -> None:
    prompts = json.loads((SHARED / "prompts.json").read_text(encoding="utf-8"))
    vocabulary = len(json.loads((SHARED / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])
    for family, changes in CHANGES.items():
        kind, options = FAMILIES[family]
        model = build(kind, {**options, **changes}, vocabulary)
        target = HERE / family
        target.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            config = json.loads((Path(folder) / "config.json").read_text())
            if (
                "global_head_dim" in options
            ):  # as the hub's configs have it; Transformers 5.23 writes it otherwise
                config["global_head_dim"] = options["global_head_dim"]
            (target / "config.json").write_text(json.dumps(config, indent=1) + "\n")
            said = {"greedy.json": [greedy(model, ids) for ids in prompts]}
            if family != "gemma4":  # where KerasHub keeps that family's LoRA is not known here
                tune(model, Path(folder) / "adapter.lora.h5")
                said["tuned.json"] = [greedy(model, ids) for ids in prompts]
            for path in (*Path(folder).glob("*.safetensors"), *Path(folder).glob("*.h5")):
                (target / f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
        for name, told in said.items():
            rows = [row for row, _ in told]
            (target / name).write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
            kinds = sum(len(set(row)) for row in rows) / len(rows)
            print(f"{family}: {kinds:.1f} different tokens, margin {min(least for _, least in told):.1e}")


if __name__ == "__main__":
    main()
