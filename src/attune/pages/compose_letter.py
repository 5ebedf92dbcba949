"""A letter that somebody uploads: a text file, or an e-mail as mail programs save it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from html.parser import HTMLParser

from attune.chat import clean
from attune.desk.refusal import Refused

MAX_BYTES = 2_000_000
MAX_CHARS = 100_000
_BREAKS = frozenset(
    {"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "ul", "ol", "hr"}
)
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def read(name: str, raw: bytes) -> Letter:
    """The letter in a file called `name`. Raises Refused with what to do where it cannot be read."""
    if len(raw) > MAX_BYTES:
        raise Refused(f"{_called(name)} has {len(raw):,} bytes; at most {MAX_BYTES:,} are read.")
    letter = _mail(name, raw) if name.lower().endswith(".eml") else Letter("", _decoded(name, raw))
    text = _tidy(letter.text)
    if not text:
        raise Refused(f"There are no words in {_called(name)}. Is the text in a picture or an attachment?")
    if len(text) > MAX_CHARS:
        raise Refused(f"{_called(name)} has {len(text):,} characters; at most {MAX_CHARS:,} are read.")
    return Letter(" ".join(clean(letter.subject).split())[:1000], text)


def _mail(name: str, raw: bytes) -> Letter:
    try:
        message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
        body = message.get_body(preferencelist=("plain", "html"))
        text = "" if body is None else _content(body)
        return Letter(str(message.get("subject", "")), text)
    except Exception as error:
        # The parser of mails raises anything for headers that are none.
        why = f"{_called(name)} cannot be read as an e-mail. Copy its text and paste it instead."
        raise Refused(why) from error


def _content(body: MIMEPart) -> str:
    payload = body.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        text = raw.decode(str(body.get_content_charset() or "utf-8"), "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return plain(text) if body.get_content_subtype() == "html" else text


def _decoded(name: str, raw: bytes) -> str:
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"{_called(name)} is no UTF-8 text. Save it as UTF-8, or copy its text and paste it."
        raise Refused(why) from error


def plain(html: str) -> str:
    """The words of an HTML part, a line for each block; what no reader sees is left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts)


class _Reader(HTMLParser):
    """Gathers the words of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def _tidy(text: str) -> str:
    """Without white space at ends of lines, and with one empty line at most between two."""
    lines = "\n".join(
        line.strip() if not line.strip() else line.rstrip() for line in clean(text).splitlines()
    )
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _called(name: str) -> str:
    return f"“{clean(name)[:80]}”"
