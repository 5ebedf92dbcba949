"""The plain side: python -m bench.tune.theirs BASE EPOCHS DTYPE, in a process of its own.

PEFT's LoRA in a model of Transformers, trained by its Trainer with batches of four, padded to the longest,
lessons of like length together, as its docs advise against padding's waste. The loss counts the same tokens.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.tune.work import Clock, Work, bakery, t5

torch: Any = import_module("torch")
transformers: Any = import_module("transformers")
peft: Any = import_module("peft")


class Steps(transformers.TrainerCallback):  # type: ignore[misc]
    def __init__(self) -> None:
        self.clock = Clock()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.clock.step()


def rows(work: Work, seq2seq: bool) -> list[dict[str, list[int]]]:
    """The lessons as the Trainer takes them: labels of -100 do not count."""
    made = []
    for each in work.lessons:
        counted = zip(each.answer, each.trained, strict=True)
        labels = [token if counts else -100 for token, counts in counted]
        if seq2seq:
            made.append({"input_ids": list(each.prompt), "labels": labels})
        else:
            ids = [*each.prompt, *each.answer]
            made.append({"input_ids": ids, "labels": [-100] * len(each.prompt) + labels})
    return made


def main(work: Work, seq2seq: bool, dtype: str) -> None:
    kind = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    settings = work.settings
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="SEQ_2_SEQ_LM" if seq2seq else "CAUSAL_LM",
    )
    core = kind.from_pretrained(work.base, dtype=getattr(torch, dtype))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(work.base / "tokenizer.json"), pad_token="<pad>"
    )
    model = peft.get_peft_model(core, config)
    steps = Steps()
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=settings.batch,
            num_train_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            train_sampling_strategy="group_by_length",
            bf16=dtype == "bfloat16",
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=rows(work, seq2seq),
            data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, model=core if seq2seq else None),
            callbacks=[steps],
        )
        told = trainer.train()
    steps.clock.report(work, told.training_loss)


if __name__ == "__main__":
    base, epochs, dtype = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    main(bakery(epochs) if base == "pocket" else t5(Path(base), epochs), base != "pocket", dtype)
