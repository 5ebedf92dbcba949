"""Writes docs/capacity.md and its picture from what was measured and simulated."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from bench import report
from bench.capacity import picture, plan
from bench.capacity.measure import percentiles
from bench.capacity.plan import Day, Inputs
from bench.capacity.service import Service

PAGE = Path(__file__).parent.parent.parent / "docs" / "capacity.md"
PICTURE = "capacity.svg"
_WORKERS = (1, 2, 4)
_FIXED = (1, 2, 3)


def write(service: Service) -> None:
    """Simulates everything that the page tells, which takes some minutes, and writes it."""
    inputs = plan.read_inputs()
    loads = plan.by_load(service, _WORKERS)
    times = plan.day_of(inputs.load)
    fixed = plan.fixed_days(service, times, _FIXED)
    scaled = plan.scaled_days(service, inputs, times)
    drawn = picture.lines(
        "p99 time to draft", "load, as a share of what the workers can do",
        {f"{count} worker{'s' if count > 1 else ''}": points for count, points in loads.items()},
    )  # fmt: skip
    PAGE.with_name(PICTURE).write_text(drawn, encoding="utf-8")
    parts = (
        _head(service),
        _measured(service),
        _checked(service),
        _loads(loads),
        _day(service, inputs, fixed, scaled),
        _costs(service, inputs, fixed, scaled),
        _own(),
    )
    paragraphs = [each for part in parts for each in part.strip().split("\n\n")]
    PAGE.write_text("\n\n".join(_wrapped(each) for each in paragraphs) + "\n", encoding="utf-8")


def _wrapped(paragraph: str) -> str:
    """Prose in lines of one length; tables, headings, lists and pictures as they are."""
    if paragraph.startswith(("|", "#", "!", "1.")):
        return paragraph
    return fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)


def _head(service: Service) -> str:
    how = ", ".join(
        each for each in (service.date, service.machine, "kept to one core", service.note) if each
    )
    return f"""
# Capacity

How many workers a load needs, how long an unhappy customer's draft takes, and what that costs. Written by
`make capacity`: a worker was measured ({how}), everything else is simulated from that with SimPy. The model
is the embedded one, `{service.model}`; a larger Gemma is slower by far, so measure yours:
`python -m bench.capacity --engine openvino:FOLDER`.
"""


def _measured(service: Service) -> str:
    curve = report.table(
        ("chats in flight", *(f"{n}" for n in service.curve)),
        [("chats/s", *(f"{rate:.1f}" for rate in service.curve.values()))],
    )
    alone = report.table(
        ("a chat alone, s", "p50", "p99", "chats"),
        [
            (label, *(f"{each:.3f}" for each in percentiles(times)), len(times))
            for label, times in (("verdict", service.triage_s), ("verdict and draft", service.draft_s))
        ],
    )
    share = len(service.draft_s) / (len(service.draft_s) + len(service.triage_s))
    return f"""
## One worker, measured

A worker is one `attune run --follow` on one core. The sample chats, of which {share:.0%} get a draft (a
real mix may well have fewer, and cost less), each with a beginning that no cache has seen. From nothing to
an engine that answers: {service.load_s:.1f} s.

{curve}

{alone}
"""


def _checked(service: Service) -> str:
    rows = []
    for case in service.cases:
        found = plan.checked(service, case)
        for what, measured, simulated in (
            ("outcome", case.outcome_s, percentiles(found.outcome_s)),
            ("draft", case.draft_s, percentiles(found.draft_s)),
        ):
            rows.append(
                (
                    f"{case.load:.0%}, {case.per_s:.1f} chats/s",
                    f"{what} ({case.chats if what == 'outcome' else case.drafts})",
                    *_beside(measured[0], simulated[0]),
                    *_beside(measured[1], simulated[1]),
                )
            )
    head = ("load", "s to", "p50", "simulated", "", "p99", "simulated", "")
    return f"""
## The simulation beside the real thing

`attune run --follow` on a queue that chats came to by chance (a Poisson process), from the moment a chat
was put in to the moment its outcome was durable, and the same simulated with 40,000 chats.

{report.table(head, rows)}

The simulation knows the waits of the run itself (it looks at an empty queue ten times a second; an outcome
waits up to a tenth of a second for others to be written with it) and treats the running batch as one server
whose speed depends on how many it serves. It draws a chat's work from the chats measured alone. What it
leaves out: the order in which the engine reads prompts, the prefix that triage and draft share across load,
and whatever else a machine does.
"""


def _beside(measured: float, simulated: float) -> tuple[str, str, str]:
    return f"{measured:.2f}", f"{simulated:.2f}", f"{simulated / measured - 1:+.0%}"


def _loads(loads: dict[int, list[tuple[float, float]]]) -> str:
    shares = [share for share, _ in loads[_WORKERS[0]]]
    rows = [(count, *(f"{p99:.1f}" for _, p99 in points)) for count, points in loads.items()]
    return f"""
## When to scale

![p99 time to draft by load]({PICTURE})

p99 seconds to a draft, where chats come evenly, by the share of what the workers can do together:

{report.table(("workers", *(f"{share:.0%}" for share in shares)), rows)}

The queue is shared, but a worker takes up to {3 * 32} chats into its own hands, so many workers do little
better than one at the same load. Plan for 70 % at the busiest hour; from 90 % on the
wait is the queue's, and grows as long as that lasts.
"""


def _day(service: Service, inputs: Inputs, fixed: list[Day], scaled: dict[int, Day]) -> str:
    load, scaling = inputs.load, inputs.scaling
    rows = [_of_day(day) for day in (*fixed, *scaled.values())]
    good = [chats for chats, day in scaled.items() if day.draft_s[1] <= inputs.target_s]
    advice = (
        f"The cheapest that scales and keeps p99 within {inputs.target_s:g} s has one worker for each "
        f"**{max(good)} chats** in the backlog, {max(good) / service.best_per_s:.0f} seconds of one worker's "
        "work: that is `keda.chatsPerWorker` of [the chart](deploy.md). For a slower model, take as many "
        "seconds of its work."
        if good
        else f"None that scales keeps p99 within {inputs.target_s:g} s: have more workers before the burst."
    )
    return f"""
## A day of {load.chats_per_day:,.0f} chats

The rate follows a daily curve (the busiest hour has {1 + load.daily_swing:g} times the mean) and bursts:
{load.burst_factor:g} times as many chats for {load.burst_mean_s / 60:g} minutes in the mean, after
{load.between_bursts_s / 3600:g} quiet hours in the mean; `bench/capacity/arrivals.py` names the sources.
One day, the same for every row. Those that scale have one worker for so many chats in the backlog, 1 to
{scaling["max_workers"]}; KEDA looks every {scaling["poll_s"]} s, a worker starts in
{scaling["pod_start_s"]} s (a guess) and the engine's load, and goes {scaling["cooldown_s"]} s after it was
last wanted.

{report.table(("workers", "p50 to draft, s", "p99", "most waiting", "most workers", "worker hours"), rows)}

{advice}
"""


def _of_day(day: Day) -> tuple[str, ...]:
    p50, p99 = day.draft_s
    most = max(count for _, count in day.result.workers)
    return (
        day.label,
        f"{p50:.1f}",
        f"{p99:,.1f}",
        f"{day.result.most_waiting:,}",
        f"{most}",
        f"{day.worker_hours():.1f}",
    )


def _costs(service: Service, inputs: Inputs, fixed: list[Day], scaled: dict[int, Day]) -> str:
    days = [
        day for day in (*fixed, *scaled.values()) if day.draft_s[1] <= inputs.target_s
    ] or list(scaled.values())  # fmt: skip
    costs = [[day.cost_per_million(machine, service.cores) for machine in inputs.machines] for day in days]
    rows = [(day.label, *(f"{cost:.2f}" for cost in row)) for day, row in zip(days, costs, strict=True)]
    head = ("workers", *(f"{machine.name}: {machine.per_hour:.2f}/h" for machine in inputs.machines))
    return f"""
## What a million chats cost

In {inputs.currency}, for the days above that keep p99 within {inputs.target_s:g} s. **The prices are
examples, made up for the arithmetic as of {inputs.as_of}, and no provider's: put yours into
`bench/capacity/inputs.toml`, check them, and run `make capacity`.** A machine holds a worker for each core
and is paid for as a whole; that eight workers on eight cores are each as fast as one on one core is
assumed, not measured. Without the database, network and people.

{report.table(head, rows)}
"""


def _own() -> str:
    return """
## For your own load

1. `python -m bench.capacity measure --engine openvino:FOLDER` on the machine that will do the work.
2. Your load, your prices and what you promise in `bench/capacity/inputs.toml`.
3. `python -m bench.capacity page`: this page, for you.

No GPU, no ARM machine and no cluster was measured; a pod's start is a guess, and the price is yours to fill
in.
"""
