"""A T5 by PyTorch: its texts are those of Transformers in float32, alone and among others."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from tests.adapters import small
from tests.engines.small_t5 import NEW, SAID, free
from tests.engines.test_ctranslate2_answer import Peek, samples
from tests.engines.test_ctranslate2_transformers import SETTINGS
from tests.engines.test_openvino_families import PROMPTS

from attune import connect
from attune.engines.seq2seq.work import Draw, Generate, Score, Settings
from attune.engines.torch import TorchT5Engine
from attune.engines.torch.device import device_of, kind_of
from attune.engines.torch.runner import T5Runner
from attune.handle import Act, handle
from attune.outcome import Place
from attune.request import Sampling
from attune.testing import EngineContract

torch: Any = import_module("torch")
record = import_module("tests.engines.t5.record")
CPU = device_of("cpu")


def made() -> tuple[Any, Path]:
    """The T5 of tests/engines/t5 as Transformers has it, and its folder."""
    tokens = record.tokenizer(record.texts())
    model = record.build(tokens.get_vocab_size())
    return model, record.folder(model, tokens, Path(mkdtemp(prefix="attune-t5-")))


MODEL, FOLDER = made()


class TestTorchT5Engine(EngineContract):
    def make(self) -> TorchT5Engine:
        return TorchT5Engine(FOLDER, dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def runner() -> T5Runner:
    return T5Runner(FOLDER, None, CPU, kind_of("float32", CPU))


@pytest.fixture(scope="module")
def engine() -> Iterator[TorchT5Engine]:
    made = TorchT5Engine(FOLDER, dtype="float32", device="cpu")
    yield made
    made.close()


def asked(count: int) -> list[list[int]]:
    return [row["ids"] for row in SAID[:count]]


@pytest.mark.parametrize("name", SETTINGS)
def test_texts_in_a_batch_are_those_of_transformers_alone(runner: T5Runner, name: str) -> None:
    prompts, many = asked(12), len(SAID[0][name])
    works = [Generate(ids, Settings(NEW, Sampling(**SETTINGS[name]), many)) for ids in prompts]
    runner.run([*works], lambda _: False)
    assert [work.texts for work in works] == record.said(MODEL, prompts, record.SETTINGS[name])


def test_greedy_texts_of_64_tokens_after_prompts_of_1_to_600(runner: T5Runner) -> None:
    works = [Generate(ids, Settings(64, Sampling(), 1)) for ids in PROMPTS]
    runner.run([*works], lambda _: False)
    for work in works:
        text = work.texts[0]
        wanted = text if len(text) == 64 else [*text, runner.tokens.end]
        assert likeliest(work.source, wanted) == wanted
    assert len({tuple(work.texts[0]) for work in works}) > 40


def likeliest(ids: list[int], said: list[int]) -> list[int]:
    """The likeliest token after each beginning of `said`."""
    with torch.inference_mode():
        out = MODEL(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([[0, *said[:-1]]]))
    found: list[int] = out.logits[0].argmax(-1).tolist()
    return found


def test_a_walk_that_takes_the_likeliest_is_greedy_among_others_of_every_length(runner: T5Runner) -> None:
    prompts = asked(8)
    draws = [_Likeliest(length) for length in (3, 1, 9, 20, 20, 5, 20, 2)]
    works = [Draw(ids, walk) for ids, walk in zip(prompts, draws, strict=True)]
    runner.run([*works], lambda number: number == 4)
    for ids, walk in zip(prompts[:4] + prompts[5:], draws[:4] + draws[5:], strict=True):
        assert likeliest(ids, walk.ids) == walk.ids
        assert len(walk.ids) == walk.most
    assert len(draws[4].ids) == 1, "it was given up"


class _Likeliest:
    """Takes the likeliest token, `most` times."""

    def __init__(self, most: int) -> None:
        self.ids: list[int] = []
        self.most = most
        self.done = False

    def read(self, logits: Any) -> None:
        self.ids.append(int(logits.argmax()))
        self.done = len(self.ids) == self.most


def test_a_walk_that_knows_its_beginning_is_shown_what_comes_after_it(runner: T5Runner) -> None:
    prompts = asked(3)
    begun: list[list[int]] = [[], [5, 9, 40, 3], [17, 60]]
    peeks = [Peek(list(ids)) for ids in begun]
    runner.run([Draw(ids, peek) for ids, peek in zip(prompts, peeks, strict=True)], lambda _: False)
    for ids, before, peek in zip(prompts, begun, peeks, strict=True):
        with torch.inference_mode():
            out = MODEL(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([[0, *before]]))
        assert peek.logits == pytest.approx(out.logits[0, -1].numpy(), abs=1e-4)


def test_scores_are_log_probabilities_and_the_ends_too(runner: T5Runner) -> None:
    prompts, targets = asked(3), ([4, 8, 15], [16], [23, 42])
    works = [Score(ids, list(target)) for ids, target in zip(prompts, targets, strict=True)]
    runner.run([*works], lambda _: False)
    for work in works:
        with torch.inference_mode():
            out = MODEL(
                input_ids=torch.tensor([work.source]), decoder_input_ids=torch.tensor([[0, *work.target]])
            )
        likely = out.logits[0].log_softmax(-1)[range(len(work.target) + 1), [*work.target, 1]]
        assert work.logprobs == pytest.approx(likely.tolist(), abs=1e-4)


def test_a_seed_gives_the_same_text_alone_and_among_others(engine: TorchT5Engine) -> None:
    requests = [free(row["prompt"], 16, temperature=1.0, seed=seed) for seed, row in enumerate(SAID[:8])]
    alone = [engine.submit(request).result(timeout=60).text for request in requests]
    together = [future.result(timeout=60).text for future in [engine.submit(each) for each in requests]]
    assert together == alone
    assert len(set(alone)) == len(alone)


def test_without_a_seed_texts_differ(engine: TorchT5Engine) -> None:
    request = free(SAID[4]["prompt"], 12, temperature=1.5, seed=None, top_p=0.95)
    assert len({engine.submit(request).result(timeout=60).text for _ in range(4)}) > 1


def test_an_adapter_writes_what_peft_has_it_write(tmp_path: Path) -> None:
    changed = small.tuned(
        made()[0], tmp_path, r=4, target_modules=["q", "v", "wo", "wi_0"], task_type="SEQ_2_SEQ_LM"
    ).get_base_model()
    prompts = asked(6)
    works = [Generate(ids, Settings(NEW, Sampling(), 1)) for ids in prompts]
    T5Runner(FOLDER, tmp_path, CPU, kind_of("float32", CPU)).run([*works], lambda _: False)
    told = record.said(changed, prompts, {})
    assert [work.texts for work in works] == told
    assert told != record.said(MODEL, prompts, {})


def test_its_tasks_ask_one_field_at_a_time() -> None:
    address = f"torch:{FOLDER}?dtype=float32"
    engine = connect.engine(address)
    assert isinstance(engine, TorchT5Engine)
    act = Act(connect.task("triage", address), engine)
    for chat in samples()[:3]:
        assert handle(chat, act).place is not Place.DEAD
    engine.close()
