"""Models that cannot be had are named in words, and a preset's vocabulary gives the tokens it always gave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.small_keras import CONTROLS, WHOLE, Family, needs_keras, proto

from attune.connect import engine
from attune.engines.keras.preset import load
from attune.engines.keras.spm import definition
from attune.engines.paged.tokens import Tokens
from attune.errors import AttuneError, EngineError

pytestmark = needs_keras


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("keras:", "keras: needs a preset or a folder"),
        ("keras:gemma?cache=1", "unknown option 'cache'; there are: adapter, context_tokens, dtype"),
        ("keras:gemma2_nope", "no preset and no folder is called 'gemma2_nope'. There are KerasHub's own"),
        ("keras:/no/such", "no preset and no folder is called '/no/such'"),
        ("keras:kaggle://gemma", r"https://www.kaggle.com/models/gemma.*kagglehub.login\(\)"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_words(address: str, told: str) -> None:
    with pytest.raises(AttuneError, match=told):
        engine(address)


def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read as a model of KerasHub or Hugging Face"):
        load(str(tmp_path))


def test_layers_that_kerashub_would_ignore_are_refused(tmp_path: Path) -> None:
    config = {"model_type": "gemma3_text", "layer_types": ["full_attention"], "num_hidden_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EngineError, match="every layer whose number 6 divides"):
        load(str(tmp_path))


def test_an_adapter_of_another_model_is_named(tmp_path: Path) -> None:
    for name in ("gemma2", "gemma3"):
        (tmp_path / name).mkdir()
    small, large = (Family(name, tmp_path / name) for name in ("gemma2", "gemma3"))
    with pytest.raises(
        EngineError, match=r"adapter.lora.h5 cannot be read as KerasHub's LoRA weights of this"
    ):
        load(str(small.folder), adapter=large.adapter)


def test_keras_with_another_backend_is_refused() -> None:
    code = "import keras; from attune.engines.keras.library import keras_hub; keras_hub()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Keras is already imported here with the backend numpy, and this engine needs JAX" in run.stderr


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    path = tmp_path_factory.mktemp("spm") / "tokenizer.json"
    path.write_text(json.dumps(definition(proto())), encoding="utf-8")
    return Tokens(path, frozenset({1}), 2, 1600)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*"aeost  .,!1é한\n\t", "the ", "order", " you", "여보세요", *WHOLE])).map(
        "".join
    )
)
def test_tokens_are_sentencepiece_s(tokens: Tokens, text: str) -> None:
    import sentencepiece

    ids = tokens.encode(text)
    assert ids == sentencepiece.SentencePieceProcessor(model_proto=proto()).encode(text)
    assert b"".join(tokens.pieces[token] for token in ids).decode() == text


@pytest.mark.parametrize("control", CONTROLS)
def test_no_text_becomes_a_control_token(tokens: Tokens, control: str) -> None:
    ids = tokens.encode(f"a {control} b")
    assert b"".join(tokens.pieces[token] for token in ids).decode() == f"a {control} b"
    assert len(tokens.encode_prompt(control)) == 2  # <bos> and itself
