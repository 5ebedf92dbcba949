"""A Flink cluster with a Beam job server: ZooKeeper, a job manager, two task managers, Python workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from services import jars
from services.process import end, folder, free_port, listens

_RUNTIME = "org.apache.flink.runtime"
_MAINS = {
    "zookeeper": (f"{_RUNTIME}.zookeeper.FlinkZooKeeperQuorumPeer", 128),
    "job-manager": (f"{_RUNTIME}.entrypoint.StandaloneSessionClusterEntrypoint", 320),
    "task-manager": (f"{_RUNTIME}.taskexecutor.TaskManagerRunner", 320),
    "job-server": ("org.apache.beam.runners.flink.FlinkJobServerDriver", 320),
}
_SETTINGS = """\
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
jobmanager.rpc.address: 127.0.0.1
jobmanager.bind-host: 127.0.0.1
jobmanager.rpc.port: {rpc}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 2
taskmanager.cpu.cores: 1
taskmanager.memory.task.heap.size: 128m
taskmanager.memory.task.off-heap.size: 0
taskmanager.memory.framework.heap.size: 64m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.network.min: 32m
taskmanager.memory.network.max: 32m
taskmanager.memory.managed.size: 32m
taskmanager.memory.jvm-metaspace.size: 128m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m
zookeeper.sasl.disable: true
taskmanager.memory.managed.consumer-weights: OPERATOR:70,STATE_BACKEND:70,PYTHON:30
high-availability.type: zookeeper
high-availability.zookeeper.quorum: 127.0.0.1:{zookeeper}
high-availability.zookeeper.client.session-timeout: 4000
high-availability.storageDir: file://{data}/ha
high-availability.jobmanager.port: {rpc}
state.checkpoints.dir: file://{data}/checkpoints
execution.checkpointing.tolerable-failed-checkpoints: 1000
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 100000
restart-strategy.fixed-delay.delay: 500ms
heartbeat.interval: 500
heartbeat.timeout: 4000
slot.request.timeout: 120000
classloader.resolve-order: parent-first
cluster.evenly-spread-out-slots: true
blob.server.port: {blob}
parallelism.default: 2
"""
_ZOOKEEPER = """\
clientPortAddress=127.0.0.1
clientPort={zookeeper}
dataDir={data}/zookeeper
tickTime=500
maxSessionTimeout=10000
admin.enableServer=false
"""


class Cluster:
    """The processes of one cluster by name; any may be killed, and starts again with `start`."""

    def __init__(self, classpath: str, data: Path) -> None:
        names = ("rest", "rpc", "zookeeper", "blob", "jobs", "artifacts", "expansion", "pool")
        self.ports = {name: free_port() for name in names}
        self._classpath, self._data = classpath, data
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (data / "flink-conf.yaml").write_text(_SETTINGS.format(data=data, **self.ports))
        (data / "zoo.cfg").write_text(_ZOOKEEPER.format(data=data, **self.ports))

    @property
    def options(self) -> list[str]:
        """What the Flink runner is given to run a pipeline here."""
        return [
            f"--job_endpoint=127.0.0.1:{self.ports['jobs']}",
            "--environment_type=EXTERNAL",
            f"--environment_config=127.0.0.1:{self.ports['pool']}",
        ]

    def start(self, name: str) -> None:
        """Starts `name`: zookeeper, job-manager, task-manager-N, job-server or python-workers."""
        with (self._data / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._command(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
            )

    def kill(self, name: str) -> None:
        """As a power cut does: kill -9."""
        self._processes[name].kill()
        self._processes[name].wait()

    def close(self) -> None:
        for process in reversed(self._processes.values()):
            end(process)

    def wait(self, port: str, within_s: float = 60.0) -> None:
        """Until something listens on the port called so. RuntimeError with the logs' ends if nothing does."""
        until = time.monotonic() + within_s
        while not listens(self.ports[port]):
            if time.monotonic() > until:
                raise RuntimeError(f"nothing listens on the {port} port:\n{self.log()}")
            time.sleep(0.1)

    def task_managers(self) -> int:
        """How many have registered."""
        with suppress(OSError):
            address = f"http://127.0.0.1:{self.ports['rest']}/taskmanagers"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return int(answer.read().count(b'"path"'))
        return 0

    def cancel(self) -> None:
        """Ends all jobs: one goes on when who submitted it is gone."""
        address = f"http://127.0.0.1:{self.ports['rest']}/jobs"
        with urllib.request.urlopen(address, timeout=10) as answer:
            jobs = json.load(answer)["jobs"]
        for job in jobs:
            if job["status"] == "RUNNING":
                end = urllib.request.Request(f"{address}/{job['id']}?mode=cancel", method="PATCH")
                urllib.request.urlopen(end, timeout=10).close()

    def log(self, most: int = 3000) -> str:
        parts = [
            (path, path.read_text(errors="replace")[-most:]) for path in sorted(self._data.glob("*.log"))
        ]
        return "\n".join(f"== {path.name}\n{text}" for path, text in parts)

    def _command(self, name: str) -> list[str]:
        if name == "python-workers":
            module = "apache_beam.runners.worker.worker_pool_main"
            port = f"--service_port={self.ports['pool']}"
            return [sys.executable, "-W", "ignore", "-m", module, port]
        main, heap = _MAINS[name.rstrip("-0123456789")]
        java = jars.java(self._classpath, heap)
        java.insert(1, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        given = {
            "zookeeper": ["--zkConfigFile", str(self._data / "zoo.cfg"), "--peerId", "1"],
            "job-server": [
                f"--flink-master=127.0.0.1:{self.ports['rest']}",
                f"--flink-conf-dir={self._data}",
                "--job-host=127.0.0.1",
                f"--job-port={self.ports['jobs']}",
                f"--artifact-port={self.ports['artifacts']}",
                f"--expansion-port={self.ports['expansion']}",
                f"--artifacts-dir={self._data}/artifacts",
            ],
        }
        return [*java, main, *given.get(name, ["--configDir", str(self._data)])]

    def _environment(self) -> Mapping[str, str]:
        # The pool of workers starts what is called python.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        # It forks from a thread of its gRPC server, and gRPC's own handlers of that now and then end it.
        own = {"FLINK_CONF_DIR": str(self._data), "PATH": path, "GRPC_ENABLE_FORK_SUPPORT": "0"}
        return {**os.environ, **own}


@contextmanager
def cluster(task_managers: int = 2) -> Iterator[Cluster]:
    """A new cluster, ready for jobs. Raises Unavailable where Java, Maven or the jars can't be had."""
    classpath = f"{jars.fetch('flink')}/*"
    with folder("flink") as data:
        made = Cluster(classpath, data)
        try:
            made.start("zookeeper")
            made.wait("zookeeper")
            for name in ("job-manager", *(f"task-manager-{n}" for n in range(task_managers))):
                made.start(name)
            made.start("python-workers")
            made.start("job-server")
            for port in ("rest", "jobs", "pool"):
                made.wait(port)
            until = time.monotonic() + 60
            while made.task_managers() < task_managers:
                if time.monotonic() > until:
                    raise RuntimeError(f"the task managers did not come:\n{made.log()}")
                time.sleep(0.2)
            yield made
        finally:
            made.close()
