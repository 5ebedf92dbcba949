"""The manifest: a batch's own account, beside its rows; by it a job knows itself when it is gone on with."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attune.batch.job import Job, differences
from attune.batch.rows import Rows
from attune.errors import AttuneError, BadConfig
from attune.visible import visible
from attune.whole import write_whole

_CHUNK = 1024 * 1024


@dataclass(slots=True)
class Manifest:
    """What a batch is, and how far it came. `status` is running, stopped, failed or finished."""

    job: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    created: int
    status: str = "running"
    counts: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    runs: int = 0
    """How often the job was begun or gone on with."""
    seconds: float = 0.0
    """What the runs took together; one that was killed could not say."""
    began_at: str = ""
    ended_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def begin(self, path: Path) -> None:
        """Notes that a run begins."""
        self.status, self.runs, self.ended_at = "running", self.runs + 1, ""
        self.began_at = _now()
        self.versions = {"attune": version("attune"), "python": sys.version.split()[0]}
        self.write(path)

    def end(self, rows: Rows, status: str, read: int | None = None) -> None:
        """Notes how a run ended; `read` is how many records it read, where it can say."""
        counts = rows.counts
        self.status, self.ended_at = status, _now()
        took = datetime.fromisoformat(self.ended_at) - datetime.fromisoformat(self.began_at)
        self.seconds = round(self.seconds + took.total_seconds(), 3)
        self.counts = {"in": read, "ok": counts.ok, "failed": counts.failed, "reasons": dict(counts.reasons)}
        self.tokens = {"prompt": counts.prompt_tokens, "output": counts.output_tokens}
        self.write(manifest_file(rows.path))

    def write(self, path: Path) -> None:
        """Writes it, whole or not at all. Raises AttuneError."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2)
        write_whole(path, f"{text}\n", visible(str(path)))


def manifest_file(out: Path) -> Path:
    return out.with_name(f"{out.stem}.manifest.json")


def take_up(rows: Rows, job: Job, inputs: Sequence[Mapping[str, Any]], fresh: bool) -> Manifest:
    """The manifest of a job that begins, or of the same job, which is gone on with: `rows` are then read.

    Raises BadConfig where OUT holds another job's rows. With `fresh` they are removed.
    """
    path = manifest_file(rows.path)
    if fresh:
        rows.clear()
        path.unlink(missing_ok=True)
    if path.exists():
        manifest = _read(path)
        _same(manifest, job, inputs, rows.path)
    elif rows.empty:
        manifest = Manifest(job.facts, inputs, job.created)
    else:
        raise BadConfig(
            f"{visible(str(rows.path))} is there already and no batch has written it: name another file, "
            "or begin anew with --fresh"
        )
    manifest.begin(path)
    rows.recover()
    return manifest


def fingerprints(names: Sequence[str]) -> list[dict[str, Any]]:
    """Size and digest of each input, by which a changed one is known."""
    found = []
    for name in names:
        digest = hashlib.blake2b(digest_size=16)
        try:
            with Path(name).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                size = file.tell()
        except OSError as error:
            raise AttuneError(f"{visible(name)} cannot be read: {error.strerror}") from error
        found.append({"name": name, "bytes": size, "blake2b": digest.hexdigest()})
    return found


def _same(before: Manifest, job: Job, inputs: Sequence[Mapping[str, Any]], out: Path) -> None:
    changed = list(differences(dict(before.job), job.facts))
    if [each["blake2b"] for each in before.inputs] != [each["blake2b"] for each in inputs]:
        changed.insert(0, _changed_inputs(before.inputs, inputs))
    if changed:
        raise BadConfig(
            f"{visible(str(out))} holds the rows of another job: {'; '.join(changed)}. Give what was given "
            "then, or name another file, or begin anew with --fresh"
        )


def _changed_inputs(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> str:
    known = {each["blake2b"] for each in before}
    changed = [str(each["name"]) for each in now if each["blake2b"] not in known]
    if changed:
        return f"its input was not {', '.join(changed[:3])} as it is now"
    return f"its input was {', '.join(str(each['name']) for each in before[:3])}, in that order"


def _read(path: Path) -> Manifest:
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadConfig(
            f"{visible(str(path))} is no manifest of a batch: name another file, or --fresh"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
