"""A chat: one finished conversation or e-mail, parsed once at the edge from the bytes that came in."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from attune.errors import BadChat

MAX_ID_CHARS = 200
_BODY_FIELDS = ("turns", "text", "chat_message")
_SPEAKER = re.compile(r"^id ([^\s:]{1,200}):[ \t]?", re.MULTILINE)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Role(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"


_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Chat:
    """One finished conversation. Ids are text: the number 7 and the string "7" name the same chat."""

    id: str
    user_id: str
    turns: tuple[Turn, ...]
    language: str | None = None
    channel: str | None = None
    subject: str | None = None

    @property
    def digest(self) -> str:
        """A hash of what was said, by whom: the same however the JSON around it was written."""
        said = [self.user_id, self.subject, [(turn.role, turn.text) for turn in self.turns]]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    @property
    def text(self) -> str:
        """All that was said, a line per turn, the subject first."""
        return "\n".join([self.subject or "", *(turn.text for turn in self.turns)]).strip()

    def to_json(self) -> dict[str, Any]:
        """The chat in the form of `turns`, which `parse_chat` reads back to an equal chat."""
        optional = {"language": self.language, "channel": self.channel, "subject": self.subject}
        return {
            "id": self.id,
            "user_id": self.user_id,
            "turns": [{"role": str(turn.role), "text": turn.text} for turn in self.turns],
            **{name: value for name, value in optional.items() if value is not None},
        }


def parse_chat(raw: bytes, max_bytes: int = 8_000_000) -> Chat:
    """The chat in `raw`: one JSON object in any of the three input forms.

    Raises BadChat, naming the field, for anything else. Keys that are not part of a chat
    are left alone: exports carry many. A NUL or half of a surrogate pair, which no database
    or encoder takes, becomes U+FFFD.
    """
    if len(raw) > max_bytes:
        raise BadChat("input", f"{len(raw):,} bytes; at most {max_bytes:,} are read (max_chat_bytes)")
    record = _load(raw)
    chat_id = _id(record, "id")
    user_id = _id(record, "user_id")
    subject = _optional_text(record, "subject")
    turns = _turns(record, user_id)
    if not any(turn.text for turn in turns):
        raise BadChat(_body_field(record), "empty: nothing was said")
    return Chat(
        id=chat_id,
        user_id=user_id,
        turns=turns,
        language=_optional_text(record, "language"),
        channel=_optional_text(record, "channel"),
        subject=subject,
    )


def raw_key(raw: bytes) -> str:
    """The key of an input that has no readable id: the same bytes always get the same key."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()[:32]


def _load(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadChat("input", f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}") from error
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadChat("input", f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadChat("input", f"a JSON {_kind(record)}, where an object with id and user_id is needed")
    return record


def _id(record: dict[str, Any], field: str) -> str:
    if field not in record:
        raise BadChat(field, "missing")
    value = record[field]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadChat(field, f"a {_kind(value)}, where a whole number or a string is needed")
    text = clean(str(value)).strip()
    if not text:
        raise BadChat(field, "empty")
    if len(text) > MAX_ID_CHARS:
        raise BadChat(field, f"{len(text):,} characters; at most {MAX_ID_CHARS} are allowed")
    return text


def _body_field(record: dict[str, Any]) -> str:
    present = [field for field in _BODY_FIELDS if field in record]
    if not present:
        raise BadChat("turns", "missing, and so are text and chat_message: one of the three must be there")
    if len(present) > 1:
        raise BadChat(present[1], f"there beside {present[0]}: only one of the two can be the chat")
    return present[0]


def _turns(record: dict[str, Any], user_id: str) -> tuple[Turn, ...]:
    field = _body_field(record)
    if field == "turns":
        return _turns_of_list(record["turns"])
    text = _text(record[field], field)
    if field == "text":
        return (Turn(Role.CUSTOMER, text),)
    return _turns_of_message(text, user_id)


def _turns_of_list(value: Any) -> tuple[Turn, ...]:
    if not isinstance(value, list):
        raise BadChat("turns", f"a {_kind(value)}, where a list is needed")
    return tuple(_turn(item, f"turns[{index}]") for index, item in enumerate(value))


def _turn(item: Any, where: str) -> Turn:
    if not isinstance(item, dict):
        raise BadChat(where, f"a {_kind(item)}, where an object with role and text is needed")
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise BadChat(f"{where}.role", f"{role!r:.40} is none of {', '.join(Role)}")
    if "text" not in item:
        raise BadChat(f"{where}.text", "missing")
    return Turn(_ROLES[role], _text(item["text"], f"{where}.text"))


def _turns_of_message(text: str, user_id: str) -> tuple[Turn, ...]:
    """Turns from lines "id 221: …": who has the chat's user id is the customer; no such line, one turn."""
    pieces = _SPEAKER.split(text)
    before, rest = pieces[0].strip(), pieces[1:]
    turns = [Turn(Role.CUSTOMER, before)] if before else []
    for speaker, said in zip(rest[::2], rest[1::2], strict=True):
        turns.append(Turn(Role.CUSTOMER if speaker == user_id else Role.AGENT, said.strip()))
    return tuple(turns)


def _optional_text(record: dict[str, Any], field: str) -> str | None:
    value = record.get(field)
    return None if value is None else _text(value, field) or None


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise BadChat(field, f"a {_kind(value)}, where a string is needed")
    return clean(value).strip()


def clean(text: str) -> str:
    """`text` with U+FFFD for each character that no database takes: a NUL, half of a surrogate pair."""
    return UNSTORABLE.sub("\ufffd", text)


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "number")
