"""Reviews: what people made of the model's answers, as examples, and as the preferences in `pairs`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attune.chat import Chat, parse_chat
from attune.desk.ruling import Kind
from attune.errors import BadChat
from attune.store import Store
from attune.store.desk.examples import PAGE, Saved
from attune.store.desk.examples import Example as Reviewed
from attune.task import instructed
from attune.tune.examples import Example, Refused, Tasks, of_row


def from_reviews(store: Store, tasks: Tasks) -> Iterator[Example | Refused]:
    """The examples that reviewers made, in the order of their chats; then those that were saved by hand.

    A reply that was approved, as drafted or edited, is what the drafting task should say; corrected fields
    are what the reading task should. A chat whose words the store did not keep is refused.
    """
    for each in store.examples.read():
        yield from _of_review(each, tasks)
    after = 0
    while page := store.examples.saved(after, PAGE):
        for saved in page:
            yield from _of_saved(saved, tasks)
        after = page[-1].id


def chat_of(reviewed: Reviewed) -> Chat | None:
    """The chat of a review; None where the store did not keep it."""
    try:
        return parse_chat(json.dumps(reviewed.chat).encode()) if reviewed.chat else None
    except BadChat:
        return None


def ref_of(reviewed: Reviewed) -> str:
    return f"chat {reviewed.outcome.key}"


def _of_review(each: Reviewed, tasks: Tasks) -> Iterator[Example | Refused]:
    approved = each.decision and each.decision.kind is not Kind.REJECTED
    if not (approved or each.corrected):
        return
    chat = chat_of(each)
    if chat is None:
        yield Refused(ref_of(each), "its words were not kept (see the option keep_chats)")
        return
    if each.corrected and each.outcome.task == tasks.read.name:
        yield Example(ref_of(each), chat, tasks.read, {**each.outcome.values, **each.corrected})
    if approved and each.decision:
        task = instructed(tasks.draft, each.decision.instruction)
        yield Example(ref_of(each), chat, task, {task.fields[0].name: each.decision.text})


def _of_saved(saved: Saved, tasks: Tasks) -> Iterator[Example | Refused]:
    task = next((task for task in tasks.all if task.name == saved.task), None)
    ref = f"saved example {saved.id}"
    if task is None:
        yield Refused(ref, f"it is for the task {saved.task}, which is not tuned here")
        return
    row = {"input": saved.input, "output": saved.output, "language": saved.language}
    yield from of_row(ref, {**row, "instruction": saved.instruction}, Tasks(task, task))
