"""Apache Kafka: one broker that is its own controller (KRaft), with transactions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services import jars
from services.process import folder, free_port, listens, running

_CLUSTER = "YXR0dW5lLXNlcnZpY2VzMQ"
_QUIET = Path(__file__).with_name("log4j2.properties")
_JAVA = (
    "java",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    f"-Dlog4j2.configurationFile={_QUIET}",
)
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=100
"""


@contextmanager
def broker() -> Iterator[str]:
    """The address, host:port, of a new empty broker."""
    classpath = f"{jars.fetch('kafka')}/*"
    with folder("kafka") as data:
        ports = {"broker": free_port(), "controller": free_port()}
        settings, log = data / "server.properties", data / "log"
        settings.write_text(_PROPERTIES.format(data=data / "data", **ports))
        java = [*_JAVA, "-cp", classpath]
        subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with running([*java, "kafka.Kafka", str(settings)], log, lambda: listens(ports["broker"])):
            yield f"127.0.0.1:{ports['broker']}"
