"""The model in training: a frozen base with an adapter in its linear layers, and what it says of a row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from safetensors.torch import save_file
from torch.nn import functional

from attune.engines.paged.folder import json_object
from attune.engines.torch.device import processor_has_bfloat16
from attune.errors import TuneError, told
from attune.models.convert import FAMILIES
from attune.tune import pack
from attune.tune.attention import NAME
from attune.tune.lesson import Lesson
from attune.tune.settings import Settings
from attune.visible import visible

CAUSAL = ("gemma2", "gemma3_text", "gemma4_text")
PIECE = 256
"""Tokens whose logits are held at once."""


@dataclass(frozen=True, slots=True)
class Said:
    """Sums over the trained tokens of some lessons: cross-entropy in nats, tokens that were the likeliest,
    how many there were; and how many tokens went through the model."""

    loss: float = 0.0
    right: int = 0
    trained: int = 0
    read: int = 0

    def __add__(self, other: Said) -> Said:
        right, trained, read = self.right + other.right, self.trained + other.trained, self.read + other.read
        return Said(self.loss + other.loss, right, trained, read)


class Model:
    """The model in the folder `base` with an adapter: `peft` is PEFT's, on `device`."""

    def __init__(self, peft_model: Any, base: Path, device: Any, kind: Any) -> None:
        self.peft, self.base = peft_model, base
        self.device, self.kind = device, kind
        self.core = peft_model.get_base_model()
        self._seq2seq = self.core.config.is_encoder_decoder

    @property
    def trainable(self) -> list[Any]:
        """The adapter's matrices, in float32. It has no biases and no norms."""
        return [each for each in self.peft.parameters() if each.requires_grad]

    def learn(self, lessons: Sequence[Lesson], share: float) -> Said:
        """Adds the gradient of `share` times the lessons' summed loss."""
        self.peft.train()
        return self._run(lessons, share)

    def read(self, lessons: Sequence[Lesson]) -> Said:
        """What it says of lessons that it does not learn from."""
        self.peft.eval()
        with torch.no_grad():
            return self._run(lessons, None)

    def answer(self, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]:
        """Greedy answers of at most `most` tokens, without the end's token."""
        self.peft.eval()
        ends = self.core.generation_config.eos_token_id
        ends = {ends} if isinstance(ends, int) else set(ends or ())
        self.core.set_attn_implementation("eager")
        try:
            with torch.no_grad(), self._cast():
                made = self._greedy(prompts, most)
        finally:
            self.core.set_attn_implementation(NAME)
        return [list(takewhile(lambda token: token not in ends, row)) for row in made]

    def save(self, folder: Path) -> None:
        """Writes the adapter in PEFT's standard format, and nothing else."""
        folder.mkdir(parents=True, exist_ok=True)
        config = copy(self.peft.peft_config["default"])
        config.inference_mode = True
        config.target_modules = sorted(config.target_modules)  # a set's order is another in each process
        config.save_pretrained(folder)
        tensors = {name: each.cpu().contiguous() for name, each in self.adapter().items()}
        save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})

    def adapter(self) -> dict[str, Any]:
        """The adapter's matrices, by PEFT's names."""
        found: dict[str, Any] = peft.get_peft_model_state_dict(self.peft, save_embedding_layers=False)
        return found

    def _greedy(self, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]:
        longest = max(map(len, prompts))
        before = [longest - len(prompt) for prompt in prompts]
        pad = self.core.config.pad_token_id or 0
        made: list[list[int]] = self.core.generate(
            input_ids=self._tensor([[pad] * n + list(each) for n, each in zip(before, prompts, strict=True)]),
            attention_mask=self._tensor([[0] * n + [1] * (longest - n) for n in before]),
            do_sample=False,
            max_new_tokens=most,
            max_length=None,
            pad_token_id=pad,
        )[:, 1 if self._seq2seq else longest :].tolist()
        return made

    def hidden(self, lessons: Sequence[Lesson]) -> tuple[pack.Row, int, Any]:
        """The last layer's output for a packed row of lessons: the row whose places are asked, how many
        tokens went through the model, and the output."""
        return self._seq2seq_row(lessons) if self._seq2seq else self._causal_row(lessons)

    def _run(self, lessons: Sequence[Lesson], share: float | None) -> Said:
        with self._cast():
            row, read, hidden = self.hidden(lessons)
            kept = hidden[0, self._tensor(row.asked)]
            leaf = kept.detach().requires_grad_(share is not None)
            said = sum(
                (self._piece(*each, share) for each in self._pieces(leaf, row.wanted)), Said(read=read)
            )
        if share is not None:
            kept.backward(leaf.grad)
        return said

    def _causal_row(self, lessons: Sequence[Lesson]) -> tuple[pack.Row, int, Any]:
        row = pack.causal(lessons)
        out = self.core.model(
            input_ids=self._tensor([row.ids]),
            position_ids=self._tensor([row.positions]),
            use_cache=False,
            spans=row.spans,
        )
        return row, len(row.ids), out.last_hidden_state

    def _seq2seq_row(self, lessons: Sequence[Lesson]) -> tuple[pack.Row, int, Any]:
        asked, answered, cross = pack.seq2seq(lessons, self.core.config.decoder_start_token_id)
        encoded = self.core.encoder(input_ids=self._tensor([asked.ids]), spans=asked.spans)
        out = self.core.decoder(
            input_ids=self._tensor([answered.ids]),
            encoder_hidden_states=encoded.last_hidden_state,
            use_cache=False,
            spans=answered.spans,
            cross=cross,
        )
        hidden = out.last_hidden_state
        if self.core.config.scale_decoder_outputs:
            hidden = hidden * self.core.config.d_model**-0.5
        return answered, len(asked.ids) + len(answered.ids), hidden

    def _pieces(self, hidden: Any, wanted: Sequence[int]) -> Iterator[tuple[Any, Any]]:
        """A large vocabulary's logits are most of the memory, so they are made for some tokens at a time."""
        return zip(hidden.split(PIECE), self._tensor(wanted).split(PIECE), strict=True)

    def _piece(self, hidden: Any, wanted: Any, share: float | None) -> Said:
        logits = self.core.lm_head(hidden).float()
        if not self._seq2seq and (cap := self.core.config.final_logit_softcapping):
            logits = torch.tanh(logits / cap) * cap
        loss = functional.cross_entropy(logits, wanted, reduction="sum")
        if share is not None:
            (loss * share).backward()
        right = int((logits.detach().argmax(-1) == wanted).sum())
        return Said(float(loss.detach()), right, len(wanted))

    def _tensor(self, values: Any) -> Any:
        return torch.tensor(values, dtype=torch.long, device=self.device)

    def _cast(self) -> Any:
        """Matrices are multiplied in the base's own type; the adapter stays in float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.kind is torch.bfloat16)


def load(base: Path, settings: Settings) -> Model:
    """The model in the folder `base`, with a fresh adapter that is a function of the seed.

    Raises TuneError for a family that cannot be tuned, and for files that cannot be read.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    transformers.utils.logging.disable_progress_bar()  # in milliseconds, over whatever else is shown
    maker, more = architecture(base), quantized(settings, device)
    try:
        core = maker.from_pretrained(
            base, dtype=dtype(device), attn_implementation=NAME, local_files_only=True, **more
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise TuneError(f"{base}: the model cannot be loaded: {told(error)}") from error
    return adapted(core if more else core.to(device), base, device, settings)


def adapted(core: Any, base: Path, device: Any, settings: Settings) -> Model:
    """`core` with a fresh adapter in all of its linear layers but the vocabulary's."""
    torch.manual_seed(settings.seed)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="SEQ_2_SEQ_LM" if core.config.is_encoder_decoder else "CAUSAL_LM",
    )
    with old_names():
        if settings.gradient_checkpointing:
            core.gradient_checkpointing_enable({"use_reentrant": False})
        return Model(peft.get_peft_model(core, config), base, device, core.dtype)


@contextmanager
def old_names() -> Iterator[None]:
    """Takes the names that Transformers 5.2x warns of: its older releases, PEFT and TRL know no others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing.* is deprecated", FutureWarning)
        yield


def architecture(base: Path) -> Any:
    """The class of Transformers that holds the model in `base`. Raises TuneError for an unknown family."""
    family = json_object(base / "config.json").get("model_type")
    if family in FAMILIES:
        return transformers.AutoModelForSeq2SeqLM
    if family in CAUSAL:
        return transformers.AutoModelForCausalLM
    raise TuneError(
        f"{base}: a model of the family {visible(str(family))} cannot be tuned. "
        f"What can: {', '.join((*CAUSAL, *FAMILIES))}."
    )


def dtype(device: Any) -> Any:
    """bfloat16 where the processor multiplies it by itself; elsewhere it would be slower than float32."""
    able = device.type != "cpu" or processor_has_bfloat16()
    return torch.bfloat16 if able else torch.float32


def quantized(settings: Settings, device: Any) -> dict[str, Any]:
    """What Transformers needs to hold the base in 4 bits (QLoRA, arXiv 2305.14314); nothing if it need not.

    Raises TuneError where that is not possible.
    """
    if not settings.four_bit:
        return {}
    if device.type != "cuda":
        raise TuneError("four_bit: a base in 4 bits needs CUDA, and there is none here; leave four_bit out.")
    kind = torch.bfloat16
    four = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=kind,
        bnb_4bit_use_double_quant=True,
    )
    return {"quantization_config": four, "device_map": {"": device}}
