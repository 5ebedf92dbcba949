"""The engines, by the scheme of their address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from attune.address import Address, load
from attune.engines import Engine
from attune.errors import BadConfig
from attune.models import POCKET


def is_t5(folder: Path) -> bool:
    """Whether there is a Hugging Face model in `folder` that is asked field by field."""
    from attune.models.convert import FAMILIES, settings_of

    return (folder / "config.json").is_file() and settings_of(folder).get("model_type") in FAMILIES


def _pocket(rest: str) -> Engine:
    folder, _, query = rest.partition("?")
    if folder:
        raise BadConfig(f"pocket is one model and takes nothing behind it but ?adapter=PATH, not {rest!r}")
    return _openvino(f"{POCKET}?{query}")


def _openvino(rest: str) -> Engine:
    address = _address("openvino", rest, "the model's folder", "models/gemma", "adapter")
    from attune.engines.openvino import OpenVINOEngine

    folder = Path(address.name)
    return OpenVINOEngine(folder, *_with_adapter(folder, address))


def _torch(rest: str) -> Engine:
    address = _address("torch", rest, "the model's folder", "models/gemma", "adapter", "device", "dtype")
    for library in ("torch", "transformers"):
        load(library, "torch")
    from attune.engines.torch import TorchEngine, TorchT5Engine

    folder = Path(address.name)
    kind = TorchT5Engine if is_t5(folder) else TorchEngine
    device, dtype = (address.options.get(option, "") for option in ("device", "dtype"))
    return kind(folder, *_with_adapter(folder, address), device=device, dtype=dtype)


def _with_adapter(folder: Path, address: Address) -> tuple[str, Path | None]:
    """The model's id, where its folder's name alone would not do, and the adapter that the address names.

    Raises ModelError where that was made for another model.
    """
    if "adapter" not in address.options:
        return "", None
    from attune.adapters.kept import label
    from attune.adapters.weights import check_base

    adapter = Path(address.options["adapter"])
    check_base(adapter, folder)
    return f"{folder.resolve().name}+{label(adapter)}", adapter


def _vllm(rest: str) -> Engine:
    options = ("adapter", "context_tokens", "dtype", "gpu_memory", "tensor_parallel")
    address = _address("vllm", rest, "the model's folder", "models/gemma", *options)
    from attune.engines.vllm import Options, VLLMEngine

    plain = Options()
    chosen = Options(
        address.options.get("dtype", plain.dtype),
        int(address.number("context_tokens", plain.context_tokens, low=64)),
        address.number("gpu_memory", plain.gpu_memory),
        int(address.number("tensor_parallel", plain.tensor_parallel, low=1)),
    )
    folder = Path(address.name)
    model, adapter = _with_adapter(folder, address)
    return VLLMEngine(folder, model, chosen, adapter)


def _keras(rest: str) -> Engine:
    options = ("adapter", "context_tokens", "dtype")
    address = _address("keras", rest, "a preset or a folder", "gemma2_instruct_2b_en", *options)
    from attune.engines.keras import KerasEngine
    from attune.engines.paged import CONTEXT_TOKENS

    file = address.options.get("adapter")
    return KerasEngine(
        address.name,
        adapter=Path(file) if file else None,
        dtype=address.options.get("dtype", ""),
        context_tokens=int(address.number("context_tokens", CONTEXT_TOKENS, low=64)),
    )


def _ctranslate2(rest: str) -> Engine:
    options = ("context_tokens", "device", "compute_type")
    address = _address("ctranslate2", rest, "the model's folder", "models/flan-t5-base", *options)
    from attune.engines.ctranslate2 import CTranslate2Engine
    from attune.engines.seq2seq import CONTEXT_TOKENS

    context_tokens = int(address.number("context_tokens", CONTEXT_TOKENS, low=32))
    chosen = {name: address.options[name] for name in ("device", "compute_type") if name in address.options}
    return CTranslate2Engine(Path(address.name), context_tokens=context_tokens, **chosen)


def _http(scheme: str) -> Callable[[str], Engine]:
    def make(rest: str) -> Engine:
        from attune.engines.http import HTTPEngine, Server

        return HTTPEngine(Server.of(f"{scheme}:{rest}"))

    return make


def _scripted(rest: str) -> Engine:
    from attune.testing import ScriptedEngine

    return ScriptedEngine.from_options(rest)


def _address(scheme: str, rest: str, what: str, like: str, *options: str) -> Address:
    """What stands behind `scheme:` names `what`, for instance `like`; all its options are among `options`."""
    name, _, query = rest.partition("?")
    if not name:
        raise BadConfig(f"{scheme}: needs {what}, like {scheme}:{like}")
    address = Address.of(f"{scheme}:{rest}", scheme, name, query)
    address.check_options(options)
    return address


ENGINES: Mapping[str, Callable[[str], Engine]] = {
    "pocket": _pocket,
    "openvino": _openvino,
    "torch": _torch,
    "vllm": _vllm,
    "keras": _keras,
    "ctranslate2": _ctranslate2,
    "http": _http("http"),
    "https": _http("https"),
    "scripted": _scripted,
}
