"""What Dataflow's launcher runs to build the job: parameters become flags of `attune beam run`.

The launcher gives every parameter as --name=value, and Beam's own options (project, region, …) among them:
what is no flag of ours goes to Beam as it is. `source` and `sink` may each be several, with spaces between.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from click import Option

from attune.cli.beam import run


def command(arguments: Sequence[str]) -> list[str]:
    """The command that `arguments` ask for."""
    flags = {option.opts[0]: option for option in run.params if isinstance(option, Option)}
    ours, beams = ["attune", "beam", "run", "--runner=dataflow"], []
    for argument in arguments:
        name, _, value = argument.partition("=")
        flag = name.replace("_", "-")
        if flag == "--runner":
            continue
        if flag in flags:
            values = value.split() if flags[flag].multiple else [value]
            ours += [f"{flag}={each}" for each in values]
        else:
            beams.append(argument)
    return [*ours, "--", *beams]


if __name__ == "__main__":
    asked = command(sys.argv[1:])
    os.execvp(asked[0], asked)
