"""The steps by which the pocket model is made: python -m recipes.pocket STEP --work FOLDER --data FOLDER"""

from __future__ import annotations

import argparse
from pathlib import Path

STEPS = ("prepare", "tokenizer", "pack", "pretrain", "lessons", "tune", "export", "evaluate", "card")
READING = ("prepare", "lessons", "evaluate", "all")
_EXAMPLE = "Example: python -m recipes.pocket all --work pocket --data data --size small --minutes 90"


def main() -> None:
    parser = options()
    given = parser.parse_args()
    if given.data is None and given.step in READING:
        parser.error(f"{given.step} reads the open data: say where it lies with --data FOLDER")
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
    add("--data", type=Path, help="folder of the open data; prepare, lessons and evaluate read it")
    add("--size", choices=("small", "large"), default="small")
    add("--seed", type=int, default=0)
    add("--tokens", type=float, default=45e6, help="how many tokens pack writes")
    add("--carry", action="store_true", help="pack: also one small file, to take to another machine")
    add("--minutes", type=float, default=80, help="pretrain: the budget over all sittings")
    add("--tune-minutes", type=float, default=20, help="tune: the same")
    add(
        "--from",
        dest="tuned",
        type=Path,
        help="tune: a folder of Hugging Face files to go on from, like models/pocket-hf",
    )
    add(
        "--piece",
        type=float,
        default=float("inf"),
        help="pretrain, tune: end this sitting after so many minutes",
    )
    add("--rows", type=int, default=16, help="pretrain, tune: a step's tokens, in rows of 512")
    add("--at-once", type=int, default=16, help="pretrain, tune: how many of those fit the memory")
    add(
        "--passes", type=int, default=12, help="lessons: how often each conversation comes, each time changed"
    )
    add("--exporter", help="export: a python with optimum-intel, if this one has none")
    add("--engine", help="evaluate: any engine's address, like pocket; else what was exported")
    add("--task", default="triage", help="evaluate: a task's name or file")
    add("--answers", type=int, default=1000, help="evaluate: how many answers are parsed and checked")
    add("--replies", type=Path, help="evaluate: where fifty of its replies go, to be judged by rubric.md")
    add("--json", type=Path, help="evaluate: where the figures go")
    return parser


def run(step: str, given: argparse.Namespace) -> bool:
    """Runs one step; whether it is done. Each imports only what it needs: a GPU machine has no tokenizer."""
    work, data, size, seed = given.work, given.data, given.size, given.seed
    if step in ("pretrain", "tune"):
        return train(step, given)
    if step == "prepare":
        from recipes.pocket.prepare import prepare

        prepare(data, work, seed)
    elif step == "tokenizer":
        from recipes.pocket import tokenizer

        tokenizer.train(work, seed)
    elif step == "pack":
        from recipes.pocket import pack, rows

        pack.pack(work, int(given.tokens), seed)
        if given.carry:
            rows.carry(work)
    elif step == "lessons":
        from recipes.pocket import lessons

        lessons.lessons(data, work, given.passes, seed)
    elif step == "evaluate":
        from recipes.pocket import evaluate

        figures = evaluate.evaluate(
            data, given.engine or f"openvino:{work / size}", given.task, given.answers, given.replies
        )
        print(evaluate.table(figures))
        evaluate.write(figures, given.json or work / f"figures-{size}.json")
    elif step == "export":
        from recipes.pocket import export

        export.export(work, size, given.exporter)
    elif step == "card":
        from recipes.pocket import export

        export.cards(work, size)
    return True


def train(step: str, given: argparse.Namespace) -> bool:
    from recipes.pocket.training import Budget

    if step == "pretrain":
        from recipes.pocket.pretrain import pretrain

        budget = Budget(minutes=given.minutes, piece=given.piece)
        return pretrain(given.work, given.size, budget, given.seed, given.rows, given.at_once)
    from recipes.pocket.tune import tune

    budget = Budget(minutes=given.tune_minutes, piece=given.piece)
    rows, at_once = max(1, given.rows // 2), max(1, given.at_once // 2)
    return tune(given.work, given.size, budget, given.seed, rows, at_once, given.tuned)


if __name__ == "__main__":
    main()
