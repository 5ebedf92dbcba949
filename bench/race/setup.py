"""What the race needs: an environment for each rival, and both models in everybody's form."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from attune.models import POCKET as POCKET_FOLDER
from bench.race.chats import POCKET, SHAPE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REQUIREMENTS = {
    name: HERE / f"requirements-{name}.txt" for name in ("genai", "llamacpp", "hf", "ray", "models")
}
REQUIREMENTS["keras"] = ROOT / "requirements" / "keras.txt"
REQUIREMENTS["seed"] = ROOT / "bench" / "beam" / "requirements.txt"
"""By environment. Another than these is this one."""
BUILD = ROOT / "requirements" / "build.txt"


class Place:
    """The folder all of it lives in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def python(self, environment: str) -> Path:
        if environment not in REQUIREMENTS:
            return Path(sys.executable)
        return self.folder / "environments" / environment / "bin" / "python"

    def model(self, model: str, form: str) -> Path:
        """`form` is openvino, hf or q8.gguf."""
        return self.folder / "models" / model / form

    def reason(self, environment: str) -> str:
        """Why `environment` cannot be used, or nothing."""
        failed = self.folder / f"{environment}.failed"
        if failed.is_file():
            return failed.read_text(encoding="utf-8").strip()
        ready = environment not in REQUIREMENTS or (self.python(environment).parents[1] / "ready").is_file()
        return "" if ready else "not set up: python -m bench.race setup"


def environ() -> dict[str, str]:
    """For a runner: this repository's own modules can be imported, all cores may be used, and nothing is
    asked of the network."""
    cores = str(len(os.sched_getaffinity(0)))
    paths = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    return {
        **os.environ,
        "PYTHONPATH": paths,
        "PYTHONWARNINGS": "ignore",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": cores,
    }


def setup(place: Place) -> None:
    """Makes what is not there yet. An environment that cannot be made is told, and the others go on."""
    place.folder.mkdir(parents=True, exist_ok=True)
    for name in REQUIREMENTS:
        _environment(place, name)
    for model in (POCKET, SHAPE):
        _models(place, model)


def _environment(place: Place, name: str) -> None:
    python, failed = place.python(name), place.folder / f"{name}.failed"
    ready = python.parents[1] / "ready"
    if ready.is_file():
        return
    print(f"setup: the environment of {name}", flush=True)
    failed.unlink(missing_ok=True)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    try:
        _run(sys.executable, "-m", "venv", str(python.parents[1]))
        _run(str(python), *install, "-r", str(REQUIREMENTS[name]))
        if name == "keras":  # attune's own engine
            given = ("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
            _run(str(python), "-m", "pip", "install", "--quiet", "-r", str(BUILD))
            _run(str(python), "-m", "pip", "install", "--quiet", *given)
        ready.touch()
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:] or [str(error)]
        failed.write_text(f"cannot be installed here: {last[0]}", encoding="utf-8")
        print(f"setup: {name}: {last[0]}", flush=True)


def _models(place: Place, model: str) -> None:
    source = "bench.race.pocket_hf" if model == POCKET else "bench.race.shape"
    hf, openvino, gguf = (place.model(model, form) for form in ("hf", "openvino", "q8.gguf"))
    hf.parent.mkdir(parents=True, exist_ok=True)
    _made(hf, lambda: _module(place, source, str(hf)))
    _made(openvino, lambda: _openvino(place, model, hf, openvino))
    _made(gguf, lambda: _module(place, "bench.race.to_gguf", str(hf), str(gguf)))


def _openvino(place: Place, model: str, hf: Path, target: Path) -> None:
    if model == POCKET:
        shutil.copytree(POCKET_FOLDER, target)
    else:
        _module(place, "bench.race.to_openvino", "weights", str(hf), str(target))
        shutil.copy(hf / "tokenizer.json", target)
    _module(place, "bench.race.to_openvino", "tokenizer", str(target))


def _made(path: Path, make: Callable[[], None]) -> None:
    if path.exists():
        return
    print(f"setup: {path.parent.name}/{path.name}", flush=True)
    make()


def _module(place: Place, name: str, *given: str) -> None:
    _run(str(place.python("models")), "-m", name, *given)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, env=environ(), cwd=ROOT)
