"""Logs on stderr: a sentence, a stable `action` key and facts. Never a customer's text, never a password."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from attune.visible import visible

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]+@")
_SECRET = re.compile(r"(?i)\b((?:password|passwd|token|secret|api_?key)=)[^&\s]+")


def setup(form: str, level: str) -> None:
    """Sends the package's log lines to stderr, as text or one JSON object a line."""
    handler = _Stderr()
    handler.setFormatter(_Json() if form == "json" else _Text())
    logger = logging.getLogger("attune")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def without_passwords(text: str) -> str:
    """`text` with the passwords of the addresses in it hidden."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


class _Stderr(logging.Handler):
    """Looks stderr up for each line, so that a progress bar may stand below the lines."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        line = f"{_time(record):%H:%M:%S} {record.levelname.lower()}: {record.getMessage()} {facts}"
        return visible(without_passwords(_with_traceback(line.rstrip(), record)), lines=bool(record.exc_info))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _with_traceback(record.getMessage(), record),
            **_facts(record),
        }
        return json.dumps({name: _hidden(value) for name, value in line.items()}, default=str)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}


def _hidden(value: Any) -> Any:
    return without_passwords(value) if isinstance(value, str) else value


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _with_traceback(line: str, record: logging.LogRecord) -> str:
    if not record.exc_info:
        return line
    return f"{line}\n{logging.Formatter().formatException(record.exc_info)}"
