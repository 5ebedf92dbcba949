"""Records greedy tokens of the pocket model as Transformers has them in float32.

Run by hand, in an environment with torch, transformers, openvino and this package on the path:

    python tests/engines/record_pocket.py PATH-TO/conversations/dev.jsonl

The weights are those of the shipped int8 file, dequantised, so that both programs run the same model.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from tokenizers import Tokenizer

from attune.models import POCKET

torch: Any = import_module("torch")  # no dependency of ours, so unknown to the type checker
transformers: Any = import_module("transformers")

LENGTHS = [1, 2, 5, 17, 31, 32, 33, 48, 63, 64, 65, 96, 128, 200, 255, 300, 400]
LENGTHS += [511, 512, 513, 600, 800, 1100, 1500]
NEW = 64
RECORDED = Path(__file__).parent / "recorded" / "pocket_greedy.json"


def shipped() -> dict[str, Any]:
    """The tensors of the shipped file by their Transformers names: int8 ones dequantised, norms as w - 1."""
    nodes = openvino.Core().read_model(POCKET / "openvino_model.xml").get_ops()
    data = {node.get_friendly_name(): node.get_data() for node in nodes if node.get_type_name() == "Constant"}
    state = {}
    for name, weight in data.items():
        if name.startswith("self.") and name + "/scale" in data:
            plain = name.removeprefix("self.").replace("._openvino_orig_weight", ".weight")
            zero, scale = (data[name + part].astype(np.float32) for part in ("/zero_point", "/scale"))
            state[plain] = (weight.astype(np.float32) - zero) * scale
    for node in nodes:
        name = node.get_friendly_name()
        if name.startswith("__module.") and name.endswith("norm/aten::mul/Multiply_1"):
            weight = data[node.input_value(1).get_node().get_friendly_name()]
            plain = name.removeprefix("__module.").removesuffix("/aten::mul/Multiply_1")
            state[plain + ".weight"] = weight.ravel() - 1
    return {name: torch.from_numpy(np.ascontiguousarray(tensor)) for name, tensor in state.items()}


def embed_scale() -> float:
    """The root of the width as the shipped file has it: rounded to bfloat16, as the model was trained."""
    for node in openvino.Core().read_model(POCKET / "openvino_model.xml").get_ops():
        if node.get_friendly_name() == "__module.model.embed_tokens/aten::mul/Multiply":
            return float(node.input_value(1).get_node().get_data().item())
    raise AssertionError


def load() -> Any:
    config = transformers.Gemma3TextConfig.from_pretrained(POCKET)
    config._attn_implementation = "eager"
    model = transformers.Gemma3ForCausalLM(config).to(torch.float32).eval()
    missing, unexpected = model.load_state_dict(shipped(), strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    model.model.embed_tokens.embed_scale.fill_(embed_scale())
    return model


def greedy(model: Any, ids: list[int], count: int = NEW) -> list[int]:
    made: list[int] = []
    feed, past = torch.tensor([ids]), None
    with torch.inference_mode():
        for _ in range(count):
            out = model(input_ids=feed, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            made.append(int(out.logits[0, -1].argmax()))
            feed = torch.tensor([[made[-1]]])
    return made


def prompts(chats: Path) -> list[list[int]]:
    """Chats in seven languages, cut to LENGTHS; every third is Korean or Japanese."""
    tokenizer = Tokenizer.from_file(str(POCKET / "tokenizer.json"))
    records = [json.loads(line) for line in chats.read_text(encoding="utf-8").splitlines()]
    texts = ["\n".join(turn["text"] for turn in record["turns"]) for record in records]
    asian = [text for text, record in zip(texts, records, strict=True) if record["language"] in ("ko", "ja")]
    made = []
    for index, length in enumerate(LENGTHS):
        source = asian if index % 3 == 2 else texts
        text = "\n".join(source[(7 * index + step) % len(source)] for step in range(60))
        made.append([2, *tokenizer.encode(text, add_special_tokens=False).ids][:length])
    return made


if __name__ == "__main__":
    gemma = load()
    rows = [{"ids": ids, "greedy": greedy(gemma, ids)} for ids in prompts(Path(sys.argv[1]))]
    RECORDED.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")
