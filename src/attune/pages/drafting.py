"""Asking the model on a person's behalf: another draft by their instruction, a translation for their eyes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attune.chat import Chat
from attune.desk.refusal import Refused
from attune.handle import Act, Acts, ask
from attune.question import Question
from attune.request import Sampling
from attune.task import Task, instructed

MAX_CHARS = 1000
_FREEDOM = 0.7


@dataclass(frozen=True, slots=True)
class Drafting:
    """The engine with the task that reads chats (its escalation drafts replies), and one that translates."""

    acts: Acts
    translate: Task | None = None

    @property
    def act(self) -> Act:
        """What drafts most chats' replies now: arms come and go."""
        return self.acts.main.drafting

    def of(self, arm: str) -> Drafting:
        """The same by the arm that handled a chat, while it serves; else by the main one."""
        return replace(self, acts=self.acts.arms.get(arm, self.acts.main))

    @property
    def writes(self) -> bool:
        """Whether the model writes drafts, rather than put set phrases around the customer's words."""
        escalation = self.act.task.escalation
        return escalation is not None and not escalation.draft.phrases

    @property
    def translates(self) -> bool:
        return self.writes and self.translate is not None

    def again(self, chat: Chat, instruction: str) -> str:
        """A new draft for `chat`, other than the last one, by a person's `instruction` ("" for none).

        Raises Refused where the model does not write, or gave nothing that can be read.
        """
        escalation = self.act.task.escalation
        if escalation is None or not self.writes:
            raise Refused("This model writes no drafts of its own; write the reply, or insert a set phrase.")
        if len(instruction) > MAX_CHARS:
            raise Refused(f"An instruction has at most {MAX_CHARS:,} characters.")
        asked = instructed(escalation.draft, instruction)
        # Not greedy: without an instruction it would say the same again.
        drawn = Sampling(temperature=_FREEDOM, seed=None)
        first = Question(self.act.engine, asked.request(chat, drawn), self.act.timeout_s)
        return asked.draft_text(self._values(asked, chat, first), chat)

    def translation(self, chat: Chat, language: str) -> str:
        """`chat` in `language`, a name like "English". Raises Refused."""
        if self.translate is None or not self.translates:
            raise Refused("This model does not translate.")
        asked = replace(self.translate, cue=self.translate.cue.replace("{language}", language))
        return str(self._values(asked, chat)[asked.fields[0].name])

    def _values(self, task: Task, chat: Chat, first: Question | None = None) -> dict[str, object]:
        answer = ask(task, chat, self.act, first)
        if answer.verdict is None:
            raise Refused(f"The model gave nothing that can be used: {answer.attempts[-1].error}")
        return dict(answer.verdict.values)
