"""Files of chats, a JSON object a line: `source` opens and follows them, `archive` unpacks, `lines` cuts."""

from __future__ import annotations

from attune.sources.files.source import Files, expand

__all__ = ["Files", "expand"]
