"""The race's own rules: who has which chats, what is in flight, and that a race cut short goes on."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from bench.race import page
from bench.race.chats import FORCED, POCKET, SHAPE, questions, tokens_of, valid, write_work
from bench.race.kept import Kept, middle
from bench.race.loops import in_batches, in_flight
from bench.race.rivals import RIVALS
from bench.race.work import WARM, Answer, Given, Job, Key, Question, Result, read, spread
from bench.roofline.floor import Chat, Model, decode, prefill
from bench.roofline.peaks import Peaks

from attune.models import POCKET as POCKET_FOLDER
from attune.request import Pick


def jobs(count: int) -> list[Job]:
    """Every third has a reply; chat N is N + 1 tokens long."""
    return [
        Job(number, Question([7] * (number + 1), 9), Question([8], 9) if number % 3 == 0 else None)
        for number in range(count)
    ]


def given(count: int) -> Given:
    made = jobs(count + WARM)
    return Given("model", made[WARM:], made[:WARM], [1], "")


class Counting:
    """Answers the question that came last, and knows how many chats it had at once."""

    def __init__(self) -> None:
        self.open: list[Key] = []
        self.most = 0

    def add(self, key: Key, question: Question) -> None:
        self.open.append(key)
        self.most = max(self.most, len({number for number, _ in self.open}))

    def step(self) -> list[tuple[Key, Answer, int]]:
        return [(self.open.pop(), "said", 5)]


def test_fewer_chats_have_all_lengths_and_as_many_replies() -> None:
    some = spread(jobs(90), 9)

    assert [job.number for job in some] == sorted(job.number for job in some)
    assert sum(job.reply is not None for job in some) == 3
    assert len({job.number // 30 for job in some}) == 3


def test_a_closed_loop_has_so_many_chats_in_flight_and_asks_every_reply_once() -> None:
    peer, result = Counting(), Result()

    in_flight(peer, given(20), 6, result)

    assert peer.most == 6
    keys = sorted((number, reply) for number, reply, _ in result.answers)
    assert keys == sorted(key for job in given(20).jobs for key, _ in job.questions)
    assert len(result.each_s) == 20
    assert result.tokens == 5 * len(keys)


def test_batches_are_of_like_length_and_triage_comes_before_replies() -> None:
    batches: list[list[int]] = []

    def answer(asked: list[Question]) -> list[list[int]]:
        batches.append([question.ids[0] * 1000 + len(question.ids) for question in asked])
        return [[3, 1] for _ in asked]

    result = Result()
    in_batches(answer, given(20), 8, result)

    counted = batches[-4:]
    assert [len(batch) for batch in counted] == [8, 8, 4, 6]
    assert list(chain(*counted)) == sorted(chain(*counted))
    assert result.tokens == 2 * 26


def test_a_race_cut_short_goes_on_and_its_page_says_why_a_runner_is_missing(tmp_path: Path) -> None:
    first, other = RIVALS[0], RIVALS[-1]
    kept = Kept(tmp_path)
    for number, seconds in enumerate((1.0, 4.0, 2.0)):
        answers: list[tuple[int, bool, Answer]] = [(0, False, "said"), (1, False, "said")]
        kept.add(first, number, Result(seconds=seconds, each_s=[0.5, 0.5], answers=answers, valid=1))
    kept.add(other, 0, "exit status 1: no | library")

    assert all(kept.has(first, number) for number in range(first.rounds))
    assert middle(Kept(tmp_path).results(first)).rate == 1.0
    told = page.body(POCKET, kept)
    assert "| attune, openvino " in told
    assert " 50.0% " in told
    assert "exit status 1: no ¦ library" in told
    kept.forget(other)
    assert not kept.has(other, 0)


def test_answers_are_judged_by_their_task() -> None:
    tokens = tokens_of(POCKET_FOLDER)
    slots = questions(POCKET, 1)[0].triage.slots
    summary = next(slot.options[0] for slot in slots if isinstance(slot, Pick))
    good = tokens.encode(f'{{"sentiment": -1, "summary": "{summary}"}}')
    answers: list[tuple[int, bool, Answer]] = [
        (0, False, [*good, min(tokens.ends), 99]),
        (0, False, good[:-4]),
        (0, False, '{"sentiment": 5, "summary": "so"}'),
    ]

    assert valid(POCKET, 1, tokens, answers) == 1


def test_work_is_read_as_it_was_written_and_only_random_weights_are_forced(tmp_path: Path) -> None:
    for model, forced in ((POCKET, 0), (SHAPE, FORCED)):
        count = write_work(model, POCKET_FOLDER, 6, tmp_path / "work.jsonl")
        made, ends = read(tmp_path / "work.jsonl")
        assert len(made) == count + WARM
        assert ends == sorted(tokens_of(POCKET_FOLDER).ends)
        assert {question.forced for job in made for _, question in job.questions} == {forced}
        assert all(job.triage.regex.startswith(r'\{"sentiment"') for job in made)


def test_a_floor_counts_what_is_shared_once() -> None:
    alike = [Job(n, Question([1, 2, 3, n + 10, 5], 9), Question([1, 2, 3, n + 10, 6], 9)) for n in range(2)]
    chat = Chat.mean(alike, written=4)
    model = Model(layers=100, head=10, attention=1, cache=2)

    assert (chat.read, chat.questions) == (2 + 1, 2)
    assert prefill(model, chat).operations == 2 * (100 * 3 + 10 * 2) + (4 + 5 + 5)
    assert decode(model, chat, in_flight=10).bytes == (110 / 10 + 2 * chat.before_written) * 4
    peaks = Peaks({"int8": 1e3}, bytes=1e9)
    assert prefill(model, chat).seconds(peaks) == prefill(model, chat).operations / 1e3
