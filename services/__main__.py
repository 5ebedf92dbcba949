"""`make services`: starts all that can be had here, prints the addresses, and ends them at Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack

from services import kafka, postgres, pubsub
from services.process import Unavailable

SERVICES: Mapping[str, tuple[Callable[[], AbstractContextManager[str]], str]] = {
    "kafka": (kafka.broker, "attune run kafka://{}/TOPIC, once the topic is made"),
    "postgres": (postgres.database, "attune run FILE --store {}"),
    "pubsub": (pubsub.server, "PUBSUB_EMULATOR_HOST={}"),
}


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            for name, (service, use) in SERVICES.items():
                _start(stack, name, service, use)
            print("They end with Ctrl-C.", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            print("ending", flush=True)
    return 0


def _start(stack: ExitStack, name: str, service: Callable[[], AbstractContextManager[str]], use: str) -> None:
    try:
        address = stack.enter_context(service())
    except Unavailable as error:
        print(f"{name:<10}not started: {error}", flush=True)
        return
    print(f"{name:<10}{use.format(address)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
