"""The steps by which the pocket model is made: python -m recipes.pocket STEP --work FOLDER --data FOLDER"""

from __future__ import annotations

import argparse
from pathlib import Path

STEPS = ("prepare", "tokenizer", "pack", "pretrain", "tune", "evaluate", "export")
_EXAMPLE = "Example: python -m recipes.pocket all --work pocket --data data --size small --minutes 90"


def main() -> None:
    given = options().parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    for step in STEPS if given.step == "all" else (given.step,):
        if not run(step, given):
            print(f"{step}: stopped, to be gone on with: give the same command again")
            return


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m recipes.pocket", description=__doc__, epilog=_EXAMPLE)
    add = parser.add_argument
    add("step", choices=(*STEPS, "all"))
    add("--work", type=Path, required=True, help="folder for all that is made")
    add("--data", type=Path, help="folder of the open data; prepare, tune and evaluate read it")
    add("--size", choices=("small", "large"), default="small")
    add("--seed", type=int, default=0)
    add("--tokens", type=float, default=45e6, help="how many tokens pack writes")
    add("--carry", action="store_true", help="pack: also one small file, to take to another machine")
    add("--minutes", type=float, default=90, help="pretrain, tune: the budget over all sittings")
    add("--piece", type=float, default=float("inf"), help="pretrain, tune: end this sitting after so many")
    add("--rows", type=int, default=32, help="pretrain: rows of 512 tokens in a step")
    add("--at-once", type=int, default=16, help="pretrain: rows that fit the memory")
    return parser


def run(step: str, given: argparse.Namespace) -> bool:
    """Runs one step; whether it is done. Each imports only what it needs: a GPU machine has no tokenizer."""
    work, data, size, seed = given.work, given.data, given.size, given.seed
    if step == "prepare":
        from recipes.pocket.prepare import prepare

        prepare(data, work, seed)
    elif step == "tokenizer":
        from recipes.pocket import tokenizer

        tokenizer.train(work, seed)
    elif step == "pack":
        from recipes.pocket import pack

        pack.pack(work, int(given.tokens), seed)
        if given.carry:
            pack.carry(work)
    elif step == "pretrain":
        from recipes.pocket.pretrain import pretrain
        from recipes.pocket.training import Budget

        budget = Budget(minutes=given.minutes, piece=given.piece)
        return pretrain(work, size, budget, seed, given.rows, given.at_once)
    return True


if __name__ == "__main__":
    main()
