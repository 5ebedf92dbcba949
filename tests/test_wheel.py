"""The wheel holds all that attune runs with: `pip install .` needs nothing beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_command_works_from_the_wheel_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 80_000_000
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(unpacked)
    assert not [name for name in names if name.endswith((".db", ".pyc"))]
    run = [sys.executable, "-c", "from attune.cli import main; main()"]
    done = subprocess.run(
        [*run, "run", str(unpacked / "attune" / "samples" / "chats.jsonl"), "--json", "--quiet"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"in": 212' in done.stdout
    assert '"dead": 3' in done.stdout
    assert (tmp_path / "attune.db").exists()
