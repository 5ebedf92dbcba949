"""What an adapter costs: the embedded model with and without one, on the same chats, in turns.

python -m bench.adapters            # prints the table and writes it into docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attune import connect
from attune.adapters.kept import served
from attune.lora import Factors, write
from attune.models import POCKET
from bench import report
from bench.pipeline import Bare, sample, spread, timed, unread

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
WAYS: dict[str, tuple[int, Sequence[str]]] = {
    "none": (0, ()),
    "rank 4, queries and values": (4, ("q_proj", "v_proj")),
    "rank 4, all linear layers": (4, (*ATTENTION, "gate_proj", "up_proj", "down_proj")),
    "rank 16, all linear layers": (16, (*ATTENTION, "gate_proj", "up_proj", "down_proj")),
}


def adapter(folder: Path, rank: int, targets: Sequence[str]) -> Path:
    """A LoRA so weak that every answer stays, and with it the work."""
    config = json.loads((POCKET / "config.json").read_text(encoding="utf-8"))
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"] * config["head_dim"]
    pairs = config["num_key_value_heads"] * config["head_dim"]
    shapes = {"q_proj": (heads, hidden), "k_proj": (pairs, hidden), "v_proj": (pairs, hidden)}
    shapes |= {"o_proj": (hidden, heads), "down_proj": (hidden, wide)}
    shapes |= {"gate_proj": (wide, hidden), "up_proj": (wide, hidden)}
    chance = np.random.default_rng(1)
    factors = {}
    for layer in range(config["num_hidden_layers"]):
        for target in targets:
            out, into = shapes[target]
            part = "self_attn" if target in ATTENTION else "mlp"
            a = chance.standard_normal((rank, into), np.float32)
            b = chance.standard_normal((out, rank), np.float32) * np.float32(1e-6)
            factors[f"model.layers.{layer}.{part}.{target}"] = Factors(a, b, 1.0)
    write(folder, factors, "pocket")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chats", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    task, chats = connect.task("triage", "pocket"), sample(options.chats)
    with tempfile.TemporaryDirectory() as place:
        addresses = {
            way: served("pocket", adapter(Path(place) / str(number), *given)) if given[0] else "pocket"
            for number, (way, given) in enumerate(WAYS.items())
        }
        engines = {way: connect.engine(address) for way, address in addresses.items()}
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(options.rounds + 1):
        for way, engine in engines.items():
            fresh = unread(chats, f"{time.monotonic_ns() % 10**9}-")
            speed = len(chats) / timed(Bare(engine, task, fresh).run)
            if number:  # the first round warms up
                speeds[way].append(speed)
    for engine in engines.values():
        engine.close()
    body = told(speeds, options.chats)
    print(body)
    report.write("The model with an adapter", "python -m bench.adapters", body)


def told(speeds: dict[str, list[float]], chats: int) -> str:
    bare = speeds["none"]
    rows = []
    for way, values in speeds.items():
        costs = [without / speed - 1 for without, speed in zip(bare, values, strict=True)]
        rows.append((way, *spread(values), f"{sorted(costs)[len(costs) // 2]:+.1%}"))
    head = ("adapter", "chats/s", "least", "most", "time, median of rounds")
    return (
        f"The embedded model, {chats} chats a round, {len(bare)} rounds in turns; the adapter is so weak "
        f"that every answer is the same.\n\n{report.table(head, rows)}"
    )


if __name__ == "__main__":
    main()
