"""A machine that only trains needs torch and numpy, and nothing of the product."""

from __future__ import annotations

import ast
from pathlib import Path

import recipes.pocket

FOLDER = Path(recipes.pocket.__file__).parent
TRAINING = {"pretrain", "tune", "training", "model", "shape", "curve", "rows", "controls"}


def imports(name: str) -> set[str]:
    """What a module of the recipe imports, its neighbours by their names alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "recipes.pocket":
            found.update(f".{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module.startswith("recipes.pocket.")
            found.add("." + node.module.split(".")[2] if inside else node.module.split(".")[0])
    return found


def test_the_steps_that_train_import_neither_the_product_nor_a_tokenizer() -> None:
    found = set().union(*map(imports, TRAINING))
    assert {name[1:] for name in found if name.startswith(".")} <= TRAINING
    assert not found & {"attune", "tokenizers", "openvino", "transformers"}
    assert "torch" in found
