"""The check: what is wrong with examples, said before anything is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from attune.errors import BadRequest, Misfit, TuneError
from attune.fields import TextField
from attune.language import guessed
from attune.prompt import OPENINGS
from attune.tune.examples import Example, Refused
from attune.tune.lesson import Lesson, Teacher, texts
from attune.tune.numbers import unheard

_NAMED = 5
_SURE_CHARS = 40
"""The language of a shorter text is a guess in the dark."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one example. One that `stops` cannot be trained on."""

    ref: str
    kind: str
    told: str
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Taught:
    """An example and its lessons: one, or one for each field where the model is asked for one at a time."""

    example: Example
    lessons: tuple[Lesson, ...]
    language: str


@dataclass(frozen=True)
class Checked:
    """Examples that can be trained on, and what is wrong with these and with the others."""

    taught: tuple[Taught, ...]
    findings: tuple[Finding, ...]

    @cached_property
    def lessons(self) -> list[Lesson]:
        return [lesson for each in self.taught for lesson in each.lessons]

    @property
    def stopping(self) -> list[Finding]:
        return [each for each in self.findings if each.stops]

    @property
    def warnings(self) -> list[Finding]:
        return [each for each in self.findings if not each.stops]

    @property
    def trained(self) -> int:
        """Tokens that are trained on in one epoch."""
        return sum(sum(each.trained) for each in self.lessons)

    @property
    def tokens(self) -> int:
        """Tokens that go through the model in one epoch."""
        return sum(map(len, self.lessons))

    @property
    def longest(self) -> int:
        return max(map(len, self.lessons), default=0)

    @property
    def languages(self) -> Mapping[str, int]:
        """Examples by language, the most frequent first."""
        return dict(Counter(each.language for each in self.taught).most_common())

    @property
    def tasks(self) -> Mapping[str, int]:
        """Examples by task."""
        return dict(Counter(each.example.task.name for each in self.taught).most_common())


def check(found: Iterable[Example | Refused], teacher: Teacher, max_tokens: int) -> Checked:
    """Looks at every example: each that cannot be trained on is named, with the reason, and so is each that
    would better be looked at by a person. Of equal examples the first counts."""
    taught: list[Taught] = []
    findings: list[Finding] = []
    seen: dict[tuple[str, str, str], str] = {}
    for each in found:
        if isinstance(each, Refused):
            findings.append(Finding(each.ref, "no example", each.why, stops=True))
            continue
        key = (each.chat.text, each.task.version, each.said)
        if key in seen:
            findings.append(Finding(each.ref, "duplicate", f"the same as {seen[key]}: it counts once"))
            continue
        seen[key] = each.ref
        made = _taught(each, teacher, max_tokens)
        if isinstance(made, Finding):
            findings.append(made)
        else:
            taught.append(made)
            findings += _doubts(made)
    return Checked(tuple(taught), (*findings, *_contradictions(taught), *_mixed(taught)))


def ready(checked: Checked, skip_bad: bool) -> None:
    """Raises TuneError where examples cannot be trained on, or nothing is left to be learned.

    With `skip_bad` those that cannot be are left out.
    """
    bad = checked.stopping
    if bad and not skip_bad:
        named = "; ".join(f"{each.ref}: {each.told}" for each in bad[:_NAMED])
        more = (
            f"; and {len(bad) - _NAMED:,} more (attune tune --check names all)" if len(bad) > _NAMED else ""
        )
        raise TuneError(
            f"{len(bad):,} rows cannot be trained on: {named}{more}. Mend them, or leave them out with "
            "--skip-bad."
        )
    if not checked.trained:
        raise TuneError(
            "there is nothing to learn: not one example with something for the model to say. A row is "
            '{"input": …, "output": …}, or a chat with fields of gold like "sentiment" and "reply".'
        )


def marked(lesson: Lesson, teacher: Teacher) -> list[tuple[str, bool]]:
    """A lesson as text, in pieces: each with whether it is trained on. The prompt is the first."""
    pairs = zip(lesson.answer, lesson.trained, strict=True)
    runs = [(key, [token for token, _ in run]) for key, run in groupby(pairs, key=lambda pair: pair[1])]
    return [(teacher.text(lesson.prompt), False), *((teacher.text(ids), key) for key, ids in runs)]


def _taught(each: Example, teacher: Teacher, max_tokens: int) -> Taught | Finding:
    if any(sign in each.said for sign in OPENINGS):
        why = "the output is a prompt in a model's own form, turns and all: give the answer's words alone"
        return Finding(each.ref, "prompt", why, stops=True)
    if each.task.plain and each.said.split() == each.chat.text.split():
        return Finding(each.ref, "prompt", "the output is its input", stops=True)
    try:
        said = texts(each.task, each.chat, each.values)
        lessons = tuple(teacher.lessons(each.task.request(each.chat), said, each.ref))
    except (Misfit, BadRequest) as error:
        return Finding(each.ref, "no example", str(error), stops=True)
    longest = max(map(len, lessons))
    if longest > max_tokens:
        told = f"{longest:,} tokens, and the limit is {max_tokens:,} (--max-tokens)"
        return Finding(each.ref, "too long", told, stops=True)
    return Taught(each, lessons, each.chat.language or guessed(each.chat.text))


def _doubts(made: Taught) -> Iterator[Finding]:
    """Numbers and codes in an answer that nobody has named before."""
    each = made.example
    fields = [part.name for part in each.task.fields if isinstance(part, TextField)]
    said = " ".join(str(each.values[name]) for name in fields)
    if numbers := unheard(said, each.chat.text):
        yield Finding(each.ref, "number", f"not in the input: {'; '.join(numbers)}")


def _contradictions(taught: list[Taught]) -> Iterator[Finding]:
    """The same chat, and two things to say of it."""
    first: dict[tuple[str, str], Taught] = {}
    for each in taught:
        other = first.setdefault((each.example.chat.text, each.example.task.version), each)
        if other is not each:
            yield Finding(each.example.ref, "contradiction", f"another output than {other.example.ref}")


def _mixed(taught: list[Taught]) -> Iterator[Finding]:
    """Replies in another language than their chat."""
    codes = sorted({each.language for each in taught})
    for each in taught:
        said = each.example.said
        if len(codes) > 1 and each.example.task.plain and len(said) >= _SURE_CHARS:
            answered = guessed(said, codes)
            if answered != each.language:
                yield Finding(each.example.ref, "language", f"{each.language} is answered in {answered}")
