"""The vocabulary of a KerasHub preset, a SentencePiece model, in the form of the tokenizers package."""

from __future__ import annotations

import re
from typing import Any

from attune.errors import EngineError

_SIGN = re.compile(r"<(.+)>|\[.+\]", re.DOTALL)


def definition(proto: bytes) -> dict[str, Any]:
    """A tokenizer.json of Gemma's kind that gives the tokens SentencePiece gives.

    Raises EngineError for a vocabulary of another kind.
    """
    from sentencepiece import sentencepiece_model_pb2 as form

    model = form.ModelProto.FromString(proto)
    if model.trainer_spec.model_type != form.TrainerSpec.BPE or model.normalizer_spec.add_dummy_prefix:
        raise EngineError(
            "The preset's vocabulary is none of Gemma's kind, pairs of bytes without a space put first: this "
            "engine runs Gemma and its like."
        )
    kinds = form.ModelProto.SentencePiece
    ids = {piece.piece: number for number, piece in enumerate(model.pieces)}
    scores = {piece.piece: piece.score for piece in model.pieces if piece.type == kinds.NORMAL}
    added = [
        {
            "id": ids[piece.piece],
            "content": piece.piece,
            "special": (special := piece.type != kinds.USER_DEFINED or _is_control(piece.piece, ids)),
            "normalized": not special,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
        }
        for piece in model.pieces
        if piece.type in (kinds.CONTROL, kinds.UNKNOWN, kinds.USER_DEFINED)
    ]
    return {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "decoder": {"type": "ByteFallback"},
        "model": {
            "type": "BPE",
            "unk_token": next(piece.piece for piece in model.pieces if piece.type == kinds.UNKNOWN),
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": ids,
            "merges": _merges(scores),
        },
    }


def _is_control(piece: str, ids: dict[str, int]) -> bool:
    """Whether text may never hold the piece. Gemma's vocabulary has them, <start_of_turn> and the like, as
    it has tags: those come in pairs, <b> and </b>."""
    sign = _SIGN.fullmatch(piece)
    name = (sign[1] or "").removeprefix("/") if sign else ""
    return sign is not None and not (f"<{name}>" in ids and f"</{name}>" in ids)


def _merges(scores: dict[str, float]) -> list[list[str]]:
    """SentencePiece joins the two neighbours that make the piece of the highest score, whatever its parts."""
    pairs = [
        (-score, len(piece), cut, piece)
        for piece, score in scores.items()
        for cut in range(1, len(piece))
        if piece[:cut] in scores and piece[cut:] in scores
    ]
    return [[piece[:cut], piece[cut:]] for _, _, cut, piece in sorted(pairs)]
