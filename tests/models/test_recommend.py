"""`attune models recommend`: what fits, what to expect, and that a figure is the formula's or measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Attune, clean_environment

from attune.models.catalogue import Model, Work, models
from attune.models.expected import Expected, Measured, best, expect, expectations, for_gpu, least_s, slack
from attune.models.machine import GPU, Machine, instruction_sets, look
from attune.models.rates import Rates

GB = 10**9
MACHINE = Machine(2, 24 * GB, (), (), 100 * GB)
RATES = Rates({"int8": 1e12, "int4": 5e11}, {"int8": 1e10, "int4": 2e10})
INSIDE, *OTHERS = models()


def named(name: str) -> Model:
    return next(model for model in models() if model.name == name)


@pytest.mark.parametrize("model", [model for model in models() if not model.active], ids=lambda m: m.name)
def test_a_shape_has_as_many_weights_as_its_publisher_says(model: Model) -> None:
    encoder = model.layers * model.attention * 3 // 2 + model.layers * 3 * model.width * model.inner
    more = encoder + model.head if model.encodes else 0
    assert model.writing + more == pytest.approx(model.parameters, rel=0.02)


def test_a_chat_takes_at_least_its_products() -> None:
    model = named("gemma-3-1b")
    layers, head = 697_761_792, 262_144 * 1152
    assert (model.reading, model.writing) == (layers, layers + head)
    assert least_s(model, "int8", Work(100, 0), RATES) == pytest.approx(100 * 2 * layers / 1e12)
    assert least_s(model, "int8", Work(0, 10), RATES) == pytest.approx(10 * (layers + head) / 1e10 / 32)
    fast = replace(RATES, weights={"int8": 1e12})
    assert least_s(model, "int8", Work(0, 10), fast) == pytest.approx(10 * 2 * (layers + head) / 1e12)


def test_the_others_are_expected_to_miss_their_least_as_the_model_inside_does() -> None:
    times = slack(INSIDE, Measured(50.0, 361), RATES)
    assert 1 / (times * least_s(INSIDE, "int8", Work(361, 0), RATES)) == pytest.approx(50.0)
    slow = slack(INSIDE, Measured(25.0, 361), RATES)
    model = named("gemma-3-4b")
    rates = [expect(model, "int8", MACHINE, RATES, each).chats_per_s for each in (times, slow)]
    assert rates[0] == pytest.approx(2 * rates[1])


def test_what_has_no_room_says_what_it_lacks() -> None:
    large = named("gemma-3-27b")
    assert expect(large, "int8", MACHINE, RATES, 1).lacks == "memory"
    roomy = replace(MACHINE, memory=64 * GB)
    assert expect(large, "int8", roomy, RATES, 1).lacks == ""
    assert expect(large, "int8", replace(roomy, disk=60 * GB), RATES, 1).lacks == "disk"
    assert expect(large, "int4", roomy, RATES, 1).memory < expect(large, "int8", roomy, RATES, 1).memory


def test_the_largest_that_fits_and_is_fast_enough_is_taken() -> None:
    every = expectations(OTHERS, MACHINE, RATES, 1.0)
    taken = best(every, 0.01)
    assert taken is not None
    assert (taken.model.name, taken.form) == ("gemma-3-12b", "int8")
    faster = best(every, taken.chats_per_s * 1.5)
    assert faster is not None
    assert faster.model.writing < taken.model.writing
    tight = best(expectations(OTHERS, replace(MACHINE, memory=18 * GB), RATES, 1.0), 0.01)
    assert tight is not None
    assert (tight.model.name, tight.form) == ("gemma-3-12b", "int4")
    assert best(every, 10_000) is None


def test_a_model_with_a_note_is_never_taken() -> None:
    plain = Expected(named("gemma-3-270m"), "int8", 0, 0, 9.0)
    noted = Expected(named("gemma-2-9b"), "int8", 0, 0, 9.0)
    assert best([plain, noted], 1.0) == plain


def test_a_gpu_gets_the_largest_that_has_room_in_it() -> None:
    assert for_gpu(models(), 80 * GB) == named("gemma-4-31b")
    assert for_gpu(models(), 24 * GB) == named("gemma-4-e4b")
    assert for_gpu(models(), 10**8) is None


def test_instruction_sets_are_those_of_the_processor() -> None:
    told = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx_vnni amx_tile amx_int8\nbugs\t: none\n"
    assert instruction_sets(told) == ("AVX2", "AVX-512", "VNNI", "AMX")
    assert instruction_sets("") == ()


def test_graphics_processors_are_asked_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 81559'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert look(2, 1, tmp_path / "not" / "there").gpus == (GPU("NVIDIA H100 80GB HBM3", 81559 * 2**20),)
    program.write_text("#!/bin/sh\necho no driver >&2\nexit 9\n", encoding="utf-8")
    assert look(2, 1, tmp_path).gpus == ()


def test_the_command_measures_this_machine_and_says_what_to_type(tmp_path: Path) -> None:
    attune = Attune(tmp_path, clean_environment() | {"ATTUNE_MODELS": str(tmp_path / "models")})
    done = attune("models", "recommend", "--seconds", "0.1", "--least", "1e-9", "--quiet", "--json")
    assert done.code == 0, done.err
    assert done.json["pocket"]["chats_per_s"] > 0
    assert done.json["machine"]["memory"] > 0
    by_name = {(row["model"], row["weights"]): row for row in done.json["expected"]}
    small, large = by_name["gemma-3-270m", "int8"], by_name["gemma-3-4b", "int8"]
    assert small["expected_chats_per_s"] > 5 * large["expected_chats_per_s"]
    add, run = done.json["recommended"]["commands"]
    assert add.startswith("attune models add google/gemma-")
    assert f"--engine openvino:{tmp_path}/models/gemma-" in run
    assert not (tmp_path / "models").exists()
