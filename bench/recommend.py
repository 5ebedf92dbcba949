"""What `attune models recommend` expects of a Gemma 3 in the 270M shape, beside what that does here.

python -m bench.recommend FOLDER-INT8 FOLDER-INT4   # random weights, in OpenVINO's form; docs/engines.md
python -m bench.recommend FOLDER --chats 50 --dry

A folder whose name ends in int4 is expected as such. What a chat costs in tokens is counted too: it stands
in src/attune/models/catalogue.toml.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from attune import connect
from attune.cli.recommending import measured
from attune.engines.openvino import OpenVINOEngine
from attune.models import rates as probe
from attune.models.catalogue import Model, Work, models
from attune.models.expected import IN_FLIGHT, least_s, slack
from attune.request import Completion, Free, Request
from bench import report
from bench.pipeline import sample, unread

_SECONDS = 10.0
_NAME = "gemma-3-270m"
_ANSWER = (Free("answer", 100_000, 40, json=False),)
"""Random weights don't end by themselves: each answer has 40 tokens."""


def answered(folder: Path, chats: int) -> tuple[float, Work]:
    """Chats a second of the model in `folder`, IN_FLIGHT at once, and what each cost in tokens that no cache
    held: triage for all, and a reply for every third."""
    triage = connect.task("triage", "openvino:")
    assert triage.escalation is not None
    reply = triage.escalation.draft
    asked = [
        [replace(task.request(chat), slots=_ANSWER) for task in ((triage, reply)[: 1 + (number % 3 == 0)])]
        for number, chat in enumerate(unread(sample(IN_FLIGHT + chats), "n"))
    ]
    with closing(OpenVINOEngine(folder)) as engine, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def one(requests: Sequence[Request]) -> list[Completion]:
            return [engine.submit(request).result() for request in requests]

        list(pool.map(one, asked[:IN_FLIGHT]))
        began = time.perf_counter()
        done = [each for answers in pool.map(one, asked[IN_FLIGHT:]) for each in answers]
        took = time.perf_counter() - began
    read = sum(each.prompt_tokens - each.cached_tokens for each in done) / chats
    return chats / took, Work(read, sum(each.output_tokens for each in done) / chats)


def row(folder: Path, chats: int, inside: Model, model: Model) -> list[str]:
    """One line of the table; all of it is measured together, since a shared machine changes."""
    form = "int4" if folder.name.endswith("int4") else "int8"
    rates, pocket = probe.measure(), measured(_SECONDS)
    times = slack(inside, pocket, rates)
    rate, work = answered(folder, chats)
    expected = 1 / (times * least_s(model, form, work, rates))
    return [
        f"{model.name} {form}",
        f"{rates.operations[form] / 1e9:,.0f}",
        f"{rates.weights[form] / 1e9:.1f}",
        f"{pocket.chats_per_s:.1f}",
        f"{times:.1f}",
        f"{work.read:.0f}, {work.written:.0f}",
        f"{expected:.2f}",
        f"{rate:.2f}",
        f"{expected / rate:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.recommend",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    inside, *others = models()
    model = next(model for model in others if model.name == _NAME)
    rows = [row(folder, options.chats, inside, model) for folder in options.folder]
    head = ["model", "GFLOP/s", "G weights/s", "pocket, chats/s", "times its least", "tokens read, written"]
    table = report.table([*head, "expected, chats/s", "measured", "ratio"], rows)
    print(table)
    if not options.dry:
        report.write("What attune models recommend expects", "python -m bench.recommend FOLDER", table)


if __name__ == "__main__":
    main()
