"""A module imports only from lower layers, and backends never import each other."""

import ast
from pathlib import Path

import attune

ROOT = Path(attune.__file__).parent
LAYERS = [
    {"errors", "axis"},
    {"chat", "request", "outcome", "visible"},
    {"address", "arms", "decode", "excerpt", "gather", "ground", "language", "limits", "prompt"}
    | {"schema", "whole"},
    {"fields", "lora"},
    {"task"},
    {"desk"},
    {"answer", "engines", "sources", "store", "models", "log"},
    {"question", "testing", "adapters"},
    {"handle"},
    {"feed", "settling"},
    {"stream", "export", "metrics"},
    {"sinks"},
    {"delivery", "replies"},
    {"config", "folding", "sending"},
    {"generation"},
    {"given"},
    {"openai"},
    {"connect"},
    {"serving"},
    {"batch"},
    {"beam", "compare", "measure"},
    {"tune"},
    {"serve", "pages"},
    {"cli", "__init__"},
    {"__main__"},
]
SHARED = {"loop", "paged", "seq2seq"}
"""Rooms of a port that its backends stand on."""
LAYER = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
HEAVY = {
    "openvino": {"engines", "models"},
    "tokenizers": {"engines"},
    "ctranslate2": {"engines", "models"},
    "vllm": {"engines"},
    "jax": {"engines"},
    "keras": {"engines"},
    "keras_hub": {"engines"},
    "sentencepiece": {"engines"},
    "httpx2": {"engines"},
    "h5py": {"adapters", "engines"},
    "datasets": {"tune"},
    "peft": {"adapters", "tune"},
    "safetensors": {"lora", "adapters", "tune"},
    "torch": {"engines", "models", "adapters", "tune"},
    "transformers": {"engines", "models", "adapters", "tune"},
    "trl": {"tune"},
    "huggingface_hub": {"models"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store", "sinks"},
    "confluent_kafka": {"sources", "sinks"},
    "google": {"sources", "sinks"},
    "fsspec": {"sinks"},
    "apache_beam": {"beam"},
    "click": {"cli"},
    "rich": {"cli"},
    "fastapi": {"serve"},
    "jinja2": {"pages", "measure", "tune"},
    "starlette": {"serve", "pages"},
    "pydantic": {"serve"},
    "uvicorn": {"serve"},
    "sacrebleu": {"measure"},
    "rouge_score": {"measure"},
    "rapidfuzz": {"measure"},
    "argon2": {"desk"},
    "urllib3": {"replies"},
}


def imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            from_package = [f"{node.module}.{alias.name}" for alias in node.names]
            found += from_package if node.module == "attune" else [node.module]
    return found


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    found = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)
    assert len(found) > 20
    return found


def test_every_room_has_its_layer() -> None:
    assert {room(path) for path in modules()} == set(LAYER)


def test_imports_run_one_way() -> None:
    for path in modules():
        for name in imports(path):
            if name.startswith("attune."):
                other = name.split(".")[1]
                assert other == room(path) or LAYER[other] < LAYER[room(path)], f"{path} imports {name}"


def test_a_backend_imports_none_of_its_neighbours() -> None:
    for port in ("engines", "sources", "sinks"):
        for path in (ROOT / port).rglob("*.py"):
            mine = path.relative_to(ROOT / port).parts[0].removesuffix(".py")
            theirs = {name.split(".")[2] for name in imports(path) if name.startswith(f"attune.{port}.")}
            assert theirs <= {mine, *SHARED}, f"{path} imports {theirs}"


def test_a_heavy_library_stays_in_its_room() -> None:
    for path in modules():
        for name in imports(path):
            owners = HEAVY.get(name.split(".")[0], {room(path)})
            assert room(path) in owners, f"{path} imports {name}"
