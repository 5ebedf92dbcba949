"""The torch engine's tokens are those of Transformers in float32, however they are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.adapters import small
from tests.engines import small_gemma
from tests.engines.asking import said
from tests.engines.small_gemma import follows, torch, transformers
from tests.engines.test_openvino_families import PROMPTS

from attune.engines.paged.model import Row
from attune.engines.paged.sizes import Sizes
from attune.engines.torch import TorchEngine
from attune.engines.torch.attention import attend
from attune.engines.torch.step import Step

GEMMAS = ("gemma2", "gemma3", "gemma4")
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def engine(
    folder: Path, adapter: Path | None = None, sizes: Sizes = Sizes(step_tokens=96, cache_mb=64)
) -> TorchEngine:
    return TorchEngine(folder, adapter=adapter, context_tokens=704, sizes=sizes, dtype="float32")


def are_greedy(model: Any, prompts: list[list[int]], spoken: list[list[int]]) -> None:
    assert [follows(model, *pair) for pair in zip(prompts, spoken, strict=True)] == spoken
    assert len({tuple(row) for row in spoken}) == len(prompts)


@pytest.mark.parametrize("family", GEMMAS)
def test_in_one_batch_in_chunks_and_again_when_all_is_known(family: str) -> None:
    """Every third prompt begins as the one before it; those longer than a step are fed in chunks."""
    asked = engine(small_gemma.folder(family))
    spoken = said(asked, PROMPTS)
    assert 0 < asked.stats().hit_rate < 0.2
    assert said(asked, PROMPTS[-12:]) == spoken[-12:]
    asked.close()
    are_greedy(small_gemma.model(family), PROMPTS, spoken)
    assert [small.greedy(small_gemma.model(family), ids, 64) for ids in PROMPTS[:2]] == spoken[:2]


@pytest.mark.parametrize("family", [*GEMMAS, "llama3", "qwen3"])
def test_alone(family: str) -> None:
    asked = engine(small_gemma.folder(family), sizes=Sizes(cache_mb=64))
    spoken = said(asked, PROMPTS[::10], at_once=False)
    asked.close()
    are_greedy(small_gemma.model(family), PROMPTS[::10], spoken)


def test_with_a_cache_too_small_for_all() -> None:
    asked = engine(small_gemma.folder("gemma4"), sizes=Sizes(step_tokens=160, cache_mb=0))
    spoken = said(asked, PROMPTS[::2])
    assert asked.stats().preemptions > 0
    asked.close()
    are_greedy(small_gemma.model("gemma4"), PROMPTS[::2], spoken)


@pytest.mark.parametrize("family", GEMMAS)
def test_with_an_adapter(family: str, tmp_path: Path) -> None:
    made = small.tuned(small.family(family), tmp_path, r=4, lora_alpha=8, target_modules=LINEAR)
    base = small_gemma.saved(small.family(family), tmp_path / "base")
    prompts = PROMPTS[::6]
    asked = engine(base, tmp_path)
    spoken = said(asked, prompts)
    asked.close()
    are_greedy(made, prompts, spoken)
    plain = engine(base)
    assert all(one != other for one, other in zip(said(plain, prompts), spoken, strict=True))
    plain.close()


@pytest.mark.parametrize("family", ["gemma3", "gemma4"])
def test_the_text_part_of_a_model_of_images(family: str, tmp_path: Path) -> None:
    text = small_gemma.model(family)
    sight = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes: dict[str, Any] = {"vision_config": sight | {"image_size": 28, "patch_size": 14}}
    if family == "gemma4":
        sizes["audio_config"] = None
    config = getattr(transformers, f"{family.capitalize()}Config")(text_config=text.config.to_dict(), **sizes)
    whole = getattr(transformers, f"{family.capitalize()}ForConditionalGeneration")(config)
    whole.model.language_model.load_state_dict(text.model.state_dict())
    whole.tie_weights()
    asked = engine(small_gemma.saved(whole, tmp_path))
    spoken = said(asked, PROMPTS[:4])
    asked.close()
    are_greedy(text, PROMPTS[:4], spoken)


@pytest.mark.parametrize(("window", "softcap"), [(None, None), (40, None), (40, 2.0)])
def test_rows_that_attend_together_see_what_they_see_one_by_one(
    window: int | None, softcap: float | None
) -> None:
    """As on a GPU, where those of about one length go together."""
    torch.manual_seed(1)
    rows = [
        Row(list(range(count)), past, table, 1)
        for count, past, table in (
            (1, 0, [5]),
            (70, 30, [1, 2, 6, 7]),
            (1, 100, [3, 4, 8, 9]),
            (3, 64, [10, 11, 12]),
            (2, 0, [13]),
            (1, 31, [14]),
            (100, 0, [15, 16, 17, 18]),
        )
    ]
    keys, values = (torch.randn(20, 32, 2, 8) for _ in range(2))
    query = torch.randn(1, 4, sum(len(row.tokens) for row in rows), 8)
    alone, together = (
        attend(
            None,
            query,
            keys,
            values,
            None,
            step=Step(rows, torch.device("cpu"), way),
            scaling=0.4,
            sliding_window=window,
            softcap=softcap,
        )[0]
        for way in (False, True)
    )
    assert torch.allclose(alone, together, atol=1e-6)
