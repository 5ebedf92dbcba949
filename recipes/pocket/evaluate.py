"""Evaluate: all numbers of a pocket model, from one run over the dev conversations, each beside a rival's.

Any engine address will do: pocket, or openvino:FOLDER.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attune import connect
from attune.chat import Chat, Role, Turn
from attune.excerpt import shorten
from attune.ground import ungrounded
from attune.language import language_of
from recipes.pocket import asked, gold, judged, messy, plain
from recipes.pocket.asked import Asked
from recipes.pocket.gold import Example
from recipes.pocket.measures import accuracy, interval, macro_f1, mean, repeats, rouge
from recipes.pocket.sources import OURS
from recipes.pocket.tokenizer import SHARES

CHECKS = Path(__file__).parent / "checks.jsonl"
_LEAD = 200
_NAMED = 2
"""A reply names the problem when it says so many of the chat's own words for it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, its 95 % interval, of how many it is, and the rival's number from the same run."""

    name: str
    value: float
    low: float
    high: float
    count: int
    rival: float | None = None


def evaluate(
    data: Path, address: str, task: str, answers: int, replies_to: Path | None = None
) -> list[Figure]:
    """All figures of the model at `address`; `task` as attune's own commands take it.

    Fifty of its replies go to the file `replies_to`, for a person to judge.
    """
    examples = gold.read(data / OURS / "dev.jsonl")
    engine = connect.engine(address)
    try:
        asks = connect.task(task, address)
        said, speed = asked.answers(asks, engine, examples)
        fitting = asked.fitting(asks, engine, examples, answers)
        typed, _ = asked.answers(asks, engine, messy.read(data, messy.CHECKED))
        short, _ = asked.answers(asks, engine, plain.read(plain.CHECKED))
    finally:
        engine.close()
    if replies_to:
        judged.write(said, replies_to)
    found = [*sentiments(said), *summaries(said), *replies(said), *judgements(said), messy_texts(typed)]
    return [
        *found,
        *plain_messages(short),
        _figure("valid answers", fitting, mean),
        Figure("chats/s", speed, speed, speed, len(said)),
    ]


def sentiments(said: list[Asked]) -> Iterator[Figure]:
    rival = dict(
        zip((each.example.chat.id for each in said), _vader([each.example for each in said]), strict=True)
    )
    languages = {f"language {code}": [e for e in said if e.example.chat.language == code] for code in SHARES}
    hard = {f"hard {kind}": [e for e in said if e.example.hard == kind] for kind in _kinds(said)}
    for name, part in {"all": said, **languages, **hard}.items():
        if part:
            pairs = [(each.example.sentiment, _guess(each)) for each in part]
            others = [(each.example.sentiment, rival[each.example.chat.id]) for each in part]
            for kind, score in (("macro-F1", macro_f1), ("accuracy", accuracy)):
                yield _figure(f"sentiment {kind}, {name}", pairs, score, score(others))
    unhappy = [each for each in said if each.example.sentiment == -1]
    missed = [float(_guess(each) != -1) for each in unhappy]
    rivals = [float(rival[each.example.chat.id] != -1) for each in unhappy]
    yield _figure("unhappy customers not seen", missed, mean, mean(rivals))


def messy_texts(said: list[Asked]) -> Figure:
    pairs = [(each.example.sentiment, _guess(each)) for each in said]
    scores = _scores([each.example for each in said])
    rival = messy.tuned(list(zip((gold for gold, _ in pairs), scores, strict=True)))
    name = "sentiment macro-F1, messy public texts (VADER with thresholds tuned on them)"
    return _figure(name, pairs, macro_f1, macro_f1(rival))


def plain_messages(said: list[Asked]) -> Iterator[Figure]:
    """How many short messages are read rightly, and how many unhappy ones are not seen."""
    right = [float(each.example.sentiment == _guess(each)) for each in said]
    yield _figure("sentiment accuracy, short plain messages", right, mean)
    unhappy = [float(_guess(each) != -1) for each in said if each.example.sentiment == -1]
    yield _figure("unhappy customers not seen, short plain messages", unhappy, mean)


def summaries(said: list[Asked]) -> Iterator[Figure]:
    for kind in "12L":
        values = [100 * rouge(each.summary, each.example.summary, kind) for each in said]
        leads = [100 * rouge(lead(each.example), each.example.summary, kind) for each in said]
        yield _figure(f"summary ROUGE-{kind}", values, mean, mean(leads))
    english = [each for each in said if each.example.chat.language == "en"]
    values = [100 * rouge(each.summary, each.example.summary) for each in english]
    leads = [100 * rouge(lead(each.example), each.example.summary) for each in english]
    yield _figure("summary ROUGE-L, language en", values, mean, mean(leads))
    grounded = [float(not ungrounded(e.summary, e.example.chat.text, e.example.chat.language)) for e in said]
    yield _figure("summary with no number or name from elsewhere", grounded, mean)


def replies(said: list[Asked]) -> Iterator[Figure]:
    drafted = [each for each in said if each.example.reply]
    checks = {record["id"]: record["words"] for record in map(json.loads, CHECKS.read_text().splitlines())}
    named = [float(names_problem(each.reply, checks[each.example.chat.id])) for each in drafted]
    golds = [float(names_problem(each.example.reply or "", checks[each.example.chat.id])) for each in drafted]
    yield _figure("reply names the problem (beside it the gold replies)", named, mean, mean(golds))
    yield _figure("reply repeats itself", [float(repeats(each.reply)) for each in drafted], mean)
    right = [float(_language(each.reply) == each.example.chat.language) for each in drafted]
    yield _figure("reply in the right language", right, mean)
    grounded = [float(not ungrounded(e.reply, e.example.chat.text, e.example.chat.language)) for e in drafted]
    yield _figure("reply with no number or name from elsewhere", grounded, mean)


def judgements(said: list[Asked]) -> Iterator[Figure]:
    """What a person found of these replies; nothing where they have not been judged."""
    if given := judged.answers(said):
        verdicts = [float(judged.touched_up(each)) for each in given]
        yield _figure("reply only has to be touched up, judged by hand", verdicts, mean)
        for criterion in judged.CRITERIA:
            values = [float(each[criterion]) for each in given]
            yield _figure(f"reply judged by hand: {criterion}", values, mean)


def names_problem(reply: str, wanted: list[str]) -> bool:
    """Whether the reply says enough of the words, however they end."""
    text = "".join(reply.lower().split())
    hits = sum("".join(word.lower().split()) in text for word in wanted)
    return hits >= min(_NAMED, len(wanted))


def lead(example: Example) -> str:
    """The customer's first words, a summary that costs nothing."""
    turns = [turn.text for turn in example.chat.turns if turn.role is Role.CUSTOMER]
    return shorten(" ".join(" ".join(turns).split()), _LEAD)


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| what | figure | 95 % interval | of | rival |", "|---|---|---|---|---|"]
    for each in figures:
        rival = "" if each.rival is None else f"{each.rival:.2f}"
        rows.append(
            f"| {each.name} | {each.value:.2f} | {each.low:.2f}–{each.high:.2f} | {each.count} | {rival} |"
        )
    return (
        "\n".join(rows)
        + "\n\nRivals: VADER for sentiment, the customer's first 200 characters for summaries.\n"
    )


def write(figures: list[Figure], path: Path) -> None:
    path.write_text(json.dumps([asdict(each) for each in figures], indent=1) + "\n", encoding="utf-8")


def _figure(
    name: str, values: list[Any], score: Callable[[list[Any]], float], rival: float | None = None
) -> Figure:
    return Figure(name, score(values), *interval(values, score), len(values), rival)


def _guess(each: Asked) -> int:
    """An answer that never came is as wrong as any."""
    return 9 if each.sentiment is None else each.sentiment


def _kinds(said: list[Asked]) -> list[str]:
    return sorted({each.example.hard for each in said if each.example.hard})


def _vader(examples: list[Example]) -> list[int]:
    """VADER's verdict on the customer's words, by its authors' thresholds."""
    return [1 if score >= 0.05 else -1 if score <= -0.05 else 0 for score in _scores(examples)]


def _scores(examples: list[Example]) -> list[float]:
    """VADER's compound score, from -1 to 1, of the customer's words."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    texts = (" ".join(t.text for t in each.chat.turns if t.role is Role.CUSTOMER) for each in examples)
    return [analyzer.polarity_scores(text)["compound"] for text in texts]


def _language(text: str) -> str:
    return language_of(Chat("0", "0", (Turn(Role.CUSTOMER, text),)), list(SHARES))
