"""A thousand answers of models that want to loop, each checked against its slots.

    python -m tests.engines.loops [HOW MANY]

The weights are random as a training would begin with them: such a model says the same token for ever.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.engines.asking import CHAT, SKELETON, ask
from tests.tune import bases

from attune import connect
from attune.request import Choice, Completion, Free, Number, Pick, Request, Sampling, literal


def gemma(target: Path) -> str:
    """The address of a Gemma 3 of two layers."""
    return f"torch:{bases.whole(target)}"


def t5(target: Path) -> str:
    record = import_module("tests.engines.t5.record")
    tokens = record.tokenizer(record.texts())
    model = record.build(tokens.get_vocab_size())
    model.lm_head.weight.data[1] = 0  # some other token is always likelier than the end
    return f"torch:{record.folder(model, tokens, target)}"


def requests(count: int) -> list[Request]:
    """Every other one is drawn, the others take the likeliest."""
    samplings = [Sampling(1.5 * (number % 2), number) for number in range(count)]
    return [
        ask((*CHAT[: number % 3 + 1], f"Customer: order {number}"), SKELETON, sampling)
        for number, sampling in enumerate(samplings)
    ]


def wrong(answer: Completion) -> list[str]:
    """What of an answer is not as its slots say."""
    try:
        told = json.loads(answer.text)
    except ValueError as error:
        return [f"{answer.text!r}: {error}"]
    fits = {
        slot.name: _fits(slot, told.get(slot.name))
        for slot in SKELETON
        if isinstance(slot, Choice | Number | Pick | Free)
    }
    return [f"{name}: {told.get(name)!r}" for name, is_fit in fits.items() if not is_fit]


def _fits(slot: Choice | Number | Pick | Free, value: Any) -> bool:
    match slot:
        case Choice():
            return json.dumps(value) in map(literal, slot.options)
        case Number():
            return isinstance(value, int) and slot.low <= value <= slot.high
        case Pick():
            return value in slot.options
        case Free():
            return isinstance(value, str) and len(value) <= slot.max_chars


def answers(address: str, count: int) -> list[Completion]:
    engine = connect.engine(address)
    futures = [engine.submit(request) for request in requests(count)]
    done = [future.result() for future in futures]
    engine.close()
    return done


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    bad = 0
    for made in (gemma, t5):
        began = time.monotonic()
        found = answers(made(Path(mkdtemp(prefix="attune-loops-"))), count)
        misfits = [told for answer in found for told in wrong(answer)]
        limits = sum(answer.finish == "limit" for answer in found)
        print(
            f"torch, {made.__name__}: {count} answers in {time.monotonic() - began:.0f} s, "
            f"{limits} of them cut at their limit; {len(misfits)} did not fit"
        )
        print("\n".join(misfits))
        bad += len(misfits)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
