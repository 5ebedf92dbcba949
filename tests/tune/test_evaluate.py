"""The evaluation: what the engine that serves says to held-out examples, beside what it should."""

from __future__ import annotations

from attune.chat import Chat, Role, Turn
from attune.task import BUILT_IN, load
from attune.tune.check import Taught
from attune.tune.evaluate import answers, compared, figures
from attune.tune.examples import Example, Tasks
from attune.tune.lesson import Lesson

TASKS = Tasks.of(load(BUILT_IN / "triage.toml"))


def taught(number: int, sentiment: int) -> list[Taught]:
    chat = Chat(
        str(number), "1", (Turn(Role.CUSTOMER, f"Parcel {number} is late, and I want it now."),), "en"
    )
    lesson = Lesson((1,), (2,) * 60, (True,) * 60)
    values = {"sentiment": sentiment, "summary": f"Parcel {number} is late."}
    read = Example(f"a.jsonl:{number}", chat, TASKS.read, values)
    draft = Example(f"a.jsonl:{number}", chat, TASKS.draft, {"reply": "It comes today."})
    return [Taught(each, (lesson,), "en") for each in (read, draft)]


HELD_OUT = [each for number, sentiment in enumerate((-1, 0, 1, -1)) for each in taught(number, sentiment)]


def test_a_chat_is_a_row_with_the_fields_of_all_its_tasks() -> None:
    told: list[int] = []
    rows = answers("scripted:", HELD_OUT, 10, told.append)
    assert [row["id"] for row in rows] == [f"a.jsonl:{number}" for number in range(4)]
    assert all(row.keys() == {"id", "sentiment", "summary", "reply"} for row in rows)
    assert told == list(range(1, 9))


def test_the_right_answers_beside_an_engines() -> None:
    right = [
        {"id": f"a.jsonl:{n}", "sentiment": s, "summary": f"Parcel {n} is late.", "reply": "It comes today."}
        for n, s in enumerate((-1, 0, 1, -1))
    ]
    found = figures(compared(HELD_OUT, right, answers("scripted:", HELD_OUT, 10, print), lambda *_: None))
    assert found["adapter"]["sentiment macro-F1"] == 100
    assert found["adapter"]["summary ROUGE-L"] == found["adapter"]["reply ROUGE-L"] == 100
    assert found["adapter"]["reply edit distance"] == 0
    assert found["base"]["reply ROUGE-L"] < 100
    assert found["base"].keys() == found["adapter"].keys()


def test_a_failed_answer_counts_as_wrong() -> None:
    failed = [{"id": f"a.jsonl:{number}", "error": "no answer"} for number in range(3)]
    rows = answers("scripted:", HELD_OUT, 10, lambda _: None)
    found = figures(compared(HELD_OUT, [*failed, rows[3]], rows, lambda *_: None))
    assert found["adapter"]["answers valid answers"] == 25
