"""What a T5 is asked for each slot, and what becomes of its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engines.small_t5 import SAID, folder, free, small_t5

from attune import connect
from attune.chat import Chat, parse_chat
from attune.decode.draw import Draw as Draws
from attune.decode.draw import Row, kept
from attune.engines import submit_many
from attune.engines.ctranslate2 import CTranslate2Engine
from attune.engines.ctranslate2.runner import CTranslate2Runner
from attune.engines.seq2seq.answer import Answer
from attune.engines.seq2seq.ask import source
from attune.engines.seq2seq.work import Draw, Generate, Score, kind, settings
from attune.errors import BadRequest
from attune.handle import Act, handle
from attune.outcome import Place
from attune.request import Ask, Choice, Fixed, Free, Number, Pick, Prompt, Request, Sampling, Slot
from attune.testing import a_request

ADDRESS = f"ctranslate2:{folder()}"
PROMPTS = [row["prompt"] for row in SAID]


@pytest.fixture(scope="module")
def engine() -> Iterator[CTranslate2Engine]:
    made = small_t5()
    yield made
    made.close()


@pytest.fixture(scope="module")
def runner() -> CTranslate2Runner:
    return CTranslate2Runner(folder(), "cpu", "float32", 1, 1)


def ask(*slots: Slot, lines: tuple[str, ...] = ("My order came late.",), **given: Any) -> Request:
    return Request(Prompt("", lines, "How was it?"), slots, **given)


def samples() -> list[Chat]:
    return [parse_chat(line) for line in connect.SAMPLES.read_bytes().splitlines()[:6]]


class Peek:
    """A walk that only looks."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.done = False

    def read(self, logits: Row) -> None:
        self.logits = logits.copy()
        self.done = True


def test_drawn_tokens_are_those_that_a_draw_by_draw_loop_gives(
    runner: CTranslate2Runner, engine: CTranslate2Engine
) -> None:
    """Runs go on as long as the draws are the model's own best; a loop with a run for each token does not."""
    sampling = Sampling(temperature=0.8, seed=11, top_k=50, top_p=0.95, repetition_penalty=1.2)
    for prompt in PROMPTS[:4]:
        draws, ids = Draws(sampling), list[int]()
        draws.standing = lambda: [runner.tokens.start, *ids]  # noqa: B023
        asked = [*runner.tokens.encode(prompt), runner.tokens.end]
        while len(ids) < 12:
            peek = Peek(list(ids))
            runner.run([Draw(asked, peek)], lambda _: False)
            token = draws.any(peek.logits, runner.tokens.banned)
            if token == runner.tokens.end:
                break
            ids.append(token)
        given = engine.submit(replace(free(prompt, 12), sampling=sampling)).result(timeout=20)
        assert given.text == runner.tokens.decode(ids)


def test_a_seed_gives_the_same_text_alone_and_among_others(engine: CTranslate2Engine) -> None:
    requests = [free(prompt, temperature=1.0, seed=seed) for seed, prompt in enumerate(PROMPTS)]
    alone = [engine.submit(request).result(timeout=30).text for request in requests]
    together = [future.result(timeout=30).text for future in [engine.submit(request) for request in requests]]
    other = [
        engine.submit(free(prompt, temperature=1.0, seed=99)).result(timeout=30).text for prompt in PROMPTS
    ]
    assert together == alone
    assert sum(one != two for one, two in zip(other, alone, strict=True)) > len(PROMPTS) // 2


def test_drawn_without_a_seed_a_token_comes_as_often_as_its_probability_says(
    runner: CTranslate2Runner,
) -> None:
    """CTranslate2's own sampler, with all that is told it."""
    sampling, many = Sampling(temperature=2.0, seed=None, top_k=20, top_p=0.7), 1500
    peek = Peek([])
    runner.run([Draw(SAID[4]["ids"], peek)], lambda _: False)
    likely = kept(peek.logits, sampling)
    weights = np.exp(peek.logits[likely] / sampling.temperature)
    works = [Generate(SAID[4]["ids"], settings(1, sampling, 1)) for _ in range(many)]
    for start in range(0, many, 250):
        runner.run([*works[start : start + 250]], lambda _: False)
    drawn = [ids[0] if ids else runner.tokens.end for work in works for ids in work.texts]
    assert set(drawn) <= set(likely.tolist())
    shares = np.array([drawn.count(token) / many for token in likely])
    assert np.abs(shares - weights / weights.sum()).sum() < 0.15


@pytest.mark.parametrize("more", [{}, {"min_p": 0.01}, {"top_k": 50, "top_p": 0.95}, {"top_k": 1_000_000}])
def test_without_a_seed_the_same_request_gets_another_text(
    engine: CTranslate2Engine, more: dict[str, Any]
) -> None:
    request = free(PROMPTS[4], 12, temperature=1.5, seed=None, **more)
    answers = [future.result(timeout=20) for future in submit_many(engine, request, 6)]
    assert len({answer.text for answer in answers}) > 3
    assert all(answer.finish in ("stop", "limit") for answer in answers)


@pytest.mark.parametrize(
    ("sampling", "own"),
    [
        (Sampling(1.0, seed=None, top_k=50, top_p=0.95, repetition_penalty=1.2), False),
        (Sampling(1.0, seed=0), True),
        (Sampling(1.0, seed=None, min_p=0.1), True),
        (Sampling(0.0, seed=3, min_p=0.1), False),
    ],
)
def test_only_what_ctranslate2_cannot_draw_is_drawn_by_ourselves(
    runner: CTranslate2Runner, sampling: Sampling, own: bool
) -> None:
    request = replace(free("late"), sampling=sampling)
    (work,) = next(Answer(request, runner.tokens, 512, "t5").works())
    assert isinstance(work, Draw if own else Generate)


def test_what_ctranslate2_is_not_told_keeps_nobody_apart(runner: CTranslate2Runner) -> None:
    told: list[dict[str, Any]] = [{"seed": 1}, {"seed": 2}, {"seed": None, "stop": ("x",)}, {"top_k": 3}]
    works = [next(Answer(free("late", **each), runner.tokens, 512, "t5").works())[0] for each in told]
    assert kind(works[0]) == kind(works[1]) == kind(works[2]) != kind(works[3])


def test_several_texts_of_one_beam_search_are_the_best_and_the_others(engine: CTranslate2Engine) -> None:
    tokens = CTranslate2Runner(folder(), "cpu", "float32", 1, 1).tokens
    for row in SAID[:6]:
        request = free(row["prompt"], num_beams=4, early_stopping=True, sequences=4)
        answer = engine.submit(request).result(timeout=20)
        assert [answer.text, *answer.others] == [tokens.decode(ids) for ids in row["beams_early"]]


def test_a_choice_is_the_likeliest_label_with_its_probability(
    engine: CTranslate2Engine, runner: CTranslate2Runner
) -> None:
    slot = Choice("feels", (" -1,", " 0,", " 1,"))
    labels = ("late", "order", "you")
    taken = set()
    for prompt in PROMPTS:
        request = ask(slot, lines=(prompt,), asks={"feels": Ask("Which?", labels)})
        answer = engine.submit(request).result(timeout=20)
        asked, _ = source(request, slot, runner.tokens, 512)
        firsts = [runner.tokens.encode(label)[0] for label in labels]
        assert len(set(firsts)) == 3
        works = [Score(asked, [first]) for first in firsts]
        runner.run([*works], lambda _: False)
        likely = np.exp([work.logprobs[0] for work in works])
        assert answer.text == slot.options[int(likely.argmax())]
        assert answer.probabilities["feels"] == pytest.approx(likely.max() / likely.sum(), rel=1e-4)
        taken.add(answer.text)
    assert len(taken) > 1, "one label always wins, which shows nothing"


def test_a_label_that_another_one_begins_with_can_be_taken(engine: CTranslate2Engine) -> None:
    asks = {"feels": Ask("Which?", ("or", "order"))}
    slot = Choice("feels", (" 0,", " 1,"))
    answers = [engine.submit(ask(slot, lines=(prompt,), asks=asks)).result(timeout=20) for prompt in PROMPTS]
    assert {answer.text for answer in answers} <= set(slot.options)
    assert all(0 < answer.probabilities["feels"] <= 1 for answer in answers)


@pytest.mark.parametrize(("low", "high"), [(1, 5), (-20, 140), (7, 7), (1000, 99999)])
def test_a_number_is_in_its_range(engine: CTranslate2Engine, low: int, high: int) -> None:
    for seed, prompt in enumerate(PROMPTS[:8]):
        request = ask(Number("n", low, high, ","), lines=(prompt,), sampling=Sampling(2.0, seed))
        text = engine.submit(request).result(timeout=20).text
        assert text[0] == " "
        assert text[-1] == ","
        assert low <= int(text[1:-1]) <= high


def test_a_pick_is_the_likeliest_per_token(engine: CTranslate2Engine, runner: CTranslate2Runner) -> None:
    options = ("My order came late.", 'He said \\"no\\" to me.', "Yes.")
    slot = Pick("quote", options)
    for prompt in PROMPTS[:8]:
        request = ask(slot, lines=(prompt,))
        asked, _ = source(request, slot, runner.tokens, 512)
        works = [Score(asked, runner.tokens.encode(text.replace('\\"', '"'))) for text in options]
        runner.run([*works], lambda _: False)
        means = [np.mean(work.logprobs[: len(work.target)]) for work in works]
        assert engine.submit(request).result(timeout=20).text == options[int(np.argmax(means))]


@pytest.mark.parametrize("control", ["</s>", "<pad>", "<extra_id_0>", "<extra_id_7>"])
def test_control_tokens_in_a_chat_are_text(runner: CTranslate2Runner, control: str) -> None:
    words = runner.tokens.pieces(runner.tokens.encode(f"I said {control} and {control}{control}."))
    assert control not in words
    assert not any(word.startswith("\0") for word in words)
    asked, _ = source(ask(Free("t", 99, 9), lines=(control,)), Free("t", 99, 9), runner.tokens, 512)
    assert asked.count(runner.tokens.end) == 1
    assert asked[-1] == runner.tokens.end


def test_a_text_alone_is_put_to_the_model_as_it_is(runner: CTranslate2Runner) -> None:
    request = free("Briefly summarize this text: it rained.")
    asked, _ = source(request, request.slots[0], runner.tokens, 512)
    assert runner.tokens.decode(asked) == "Briefly summarize this text: it rained."


def test_a_long_chat_loses_lines_of_its_middle(engine: CTranslate2Engine) -> None:
    lines = tuple(f"Customer: this is line {number} of them" for number in range(300))
    request = ask(Choice("a", (' "x",', ' "y",')), Free("t", 80, 8), lines=lines)
    answer = engine.submit(request).result(timeout=20)
    assert 200 < answer.dropped_lines < 300
    assert answer.prompt_tokens <= 2 * 512


def test_words_of_the_task_that_leave_no_room_are_refused(engine: CTranslate2Engine) -> None:
    request = ask(Free("t", 80, 8), asks={"t": Ask("why " * 600)})
    with pytest.raises(BadRequest, match="context"):
        engine.submit(request).result(timeout=20)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"num_beams": 2, "temperature": 0.5}, "draws nothing"),
        ({"sequences": 3, "num_beams": 2}, "as many beams"),
    ],
)
def test_what_cannot_go_together_is_refused_in_words(
    engine: CTranslate2Engine, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        engine.submit(free("late", **given)).result(timeout=20)


def test_a_text_ends_before_a_stop_string_and_at_its_limits(engine: CTranslate2Engine) -> None:
    drawn: dict[str, Any] = {"temperature": 0.9, "seed": 4}
    for given in ({}, drawn):
        whole = engine.submit(free(PROMPTS[11], **given)).result(timeout=20)
        stop = whole.text[10:13]
        stopped = engine.submit(free(PROMPTS[11], stop=(stop,), **given)).result(timeout=20)
        assert stopped.text == whole.text[: whole.text.index(stop)]
        assert stopped.finish == "stop"
    short = Request(Prompt("", (PROMPTS[11],), ""), (Free("t", 20, 32, json=False),))
    cut = engine.submit(short).result(timeout=20)
    assert len(cut.text) <= 20
    assert cut.finish == "limit"


def test_the_log_probabilities_are_those_of_the_tokens(
    engine: CTranslate2Engine, runner: CTranslate2Runner
) -> None:
    request = replace(free(PROMPTS[4]), logprobs=True)
    answer = engine.submit(request).result(timeout=20)
    work = Score(SAID[4]["ids"], SAID[4]["greedy"][0])
    runner.run([work], lambda _: False)
    assert answer.logprobs["text"] == pytest.approx(work.logprobs[:-1], abs=1e-4)


def test_triage_works_on_it_by_the_tasks_for_t5(engine: CTranslate2Engine) -> None:
    task = connect.task("triage", ADDRESS)
    assert task.asks["sentiment"].labels == ("unhappy", "neutral", "happy")
    for chat in samples():
        outcome = handle(chat, Act(task, engine))
        assert outcome.values["sentiment"] in (-1, 0, 1)
        assert 0 < outcome.confidence["sentiment"] <= 1
        assert outcome.place is (Place.REVIEW if outcome.values["sentiment"] == -1 else Place.TABLE)


def test_a_request_that_is_given_up_ends_while_it_is_written(engine: CTranslate2Engine) -> None:
    many = [engine.submit(free(prompt, 4000, no_repeat_ngram_size=1)) for prompt in PROMPTS]
    for future in many:
        future.cancel()
    assert engine.submit(free("late", 4)).result(timeout=5)
    assert engine.submit(a_request()).result(timeout=5)


def test_fixed_text_alone_needs_no_model(engine: CTranslate2Engine) -> None:
    assert engine.submit(ask(Fixed("{}"))).result(timeout=5).text == "{}"
