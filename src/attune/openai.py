"""OpenAI's shape: bodies of requests read, those of responses and errors written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attune.chat import clean
from attune.errors import BadConfig
from attune.generation import parameters
from attune.given import Given, read
from attune.prompt import converse
from attune.request import Completion, Message, Prompt, Slot
from attune.schema import most_tokens, slots_of

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
DEFAULTS: Given = {"do_sample": True}
"""What holds where neither the job nor the body says more: OpenAI's temperature is 1."""
_RENAMED = {
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "n": "num_return_sequences",
}
_SAY_NOTHING = frozenset(
    {
        *("messages", "prompt", "model", "stream", "stream_options", "user", "metadata", "store"),
        *("response_format", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"),
    }
)
"""What changes no text, or is read by itself."""
_ONLY: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0, 0.0),
    "presence_penalty": (0, 0.0),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "echo": (False,),
    "suffix": ("",),
    "best_of": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
}
"""What is taken only with a value that changes no text."""
_ROLES: Mapping[str, Literal["system", "user", "model"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "model",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for: its prompts, one but for completions of a list, the parameters it gives, and the
    slots of its answers, if they are to fit a schema."""

    prompts: tuple[Prompt, ...]
    given: Given
    slots: tuple[Slot, ...] = ()


def read_body(url: str, body: Mapping[str, Any]) -> Asked:
    """What the body of a request to `url` asks for. Raises BadConfig, which begins with the field's name."""
    prompts = (_conversation(body.get("messages")),) if url == CHAT else _prompts(body.get("prompt"))
    given, slots = read_parameters(body), _slots(body.get("response_format"))
    if slots and url != CHAT:
        raise BadConfig("response_format: for chat completions alone")
    if slots and (given.get("stop") or given.get("max_new_tokens", most_tokens(slots)) < most_tokens(slots)):
        raise BadConfig(
            "response_format: a stop string or fewer tokens than the texts of its schema may have "
            f"({most_tokens(slots):,}) would cut the answer: leave stop and max_tokens out"
        )
    bound = {"max_new_tokens": max(1, most_tokens(slots))} if slots else {}
    return Asked(prompts, {**given, **bound}, slots)


def read_parameters(body: Mapping[str, Any]) -> Given:
    """The parameters of generation that a body gives, by our names. What would be ignored is refused."""
    given: dict[str, Any] = {}
    for spoken, value in body.items():
        if value is None or spoken in _SAY_NOTHING:
            continue
        if spoken in _ONLY:
            if not any(type(value) is type(only) and value == only for only in _ONLY[spoken]):
                raise BadConfig(f"{spoken}: not supported; leave it out")
            continue
        name = _RENAMED.get(spoken, spoken)
        if name not in parameters():
            raise BadConfig(f"{spoken}: not a parameter of this endpoint")
        if name in given:
            raise BadConfig(f"{spoken}: given twice, since it is the same as {name}")
        given |= read({name: value}, f"{spoken}, " if spoken != name else "")
    return given


def response(
    url: str, answers: Sequence[Sequence[Completion]], name: str, created: int, model: str
) -> dict[str, Any]:
    """The body of a response: `answers` are the completions of each prompt, `name` what its id ends in."""
    written = [
        (text, completion)
        for completions in answers
        for completion in completions
        for text in (completion.text, *completion.others)
    ]
    chat = url == CHAT
    return {
        "id": f"{'chatcmpl' if chat else 'cmpl'}-{name}",
        "object": "chat.completion" if chat else "text_completion",
        "created": created,
        "model": model,
        "choices": [_choice(chat, index, text, each) for index, (text, each) in enumerate(written)],
        "usage": usage(answers),
    }


def usage(answers: Sequence[Sequence[Completion]]) -> dict[str, int]:
    """The tokens of a response; a prompt of which several texts were drawn counts once."""
    prompt = sum(completions[0].prompt_tokens for completions in answers)
    output = sum(each.output_tokens for completions in answers for each in completions)
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def sureness(completion: Completion) -> dict[str, Any]:
    """Of an answer to a schema: the probability of each choice, by its place. OpenAI has nothing like it."""
    return {"probabilities": dict(completion.probabilities)} if completion.probabilities else {}


def finish_reason(completion: Completion) -> str:
    return "length" if completion.finish == "limit" else "stop"


def error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, Any]:
    """The body of an error; a message that begins with a field's name and a colon tells it as `param`."""
    field = message.partition(":")[0]
    return {
        "error": {
            "message": message,
            "type": kind,
            "param": field if field.isidentifier() else None,
            "code": code,
        }
    }


def _choice(chat: bool, index: int, text: str, completion: Completion) -> dict[str, Any]:
    said: dict[str, Any] = {"text": text}
    if chat:
        said = {"message": {"role": "assistant", "content": text, "refusal": None}, **sureness(completion)}
    return {"index": index, **said, "logprobs": None, "finish_reason": finish_reason(completion)}


def _slots(shape: Any) -> tuple[Slot, ...]:
    """The slots of a `response_format`, none for text. Raises BadConfig."""
    if shape is None or shape == {"type": "text"}:
        return ()
    if not isinstance(shape, dict) or shape.get("type") != "json_schema":
        raise BadConfig('response_format: {"type": "json_schema", "json_schema": {…}} or text is needed')
    told = shape.get("json_schema")
    if shape.keys() > {"type", "json_schema"} or not isinstance(told, dict) or "schema" not in told:
        raise BadConfig("response_format.json_schema: an object with a schema is needed")
    try:
        return slots_of(told["schema"])
    except BadConfig as error:
        raise BadConfig(f"response_format: {error}") from error


def _conversation(messages: Any) -> Prompt:
    if not isinstance(messages, list) or not messages:
        raise BadConfig("messages: a list with at least one message is needed")
    return converse(_message(message, f"messages[{index}]") for index, message in enumerate(messages))


def _message(message: Any, where: str) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise BadConfig(f"{where}: an object with role and content is needed")
    if message["role"] not in _ROLES:
        raise BadConfig(f"{where}.role: {message['role']!r:.40} is none of {', '.join(_ROLES)}")
    if message.get("tool_calls") or message.get("function_call"):
        raise BadConfig(f"{where}: calls of tools are not supported")
    return Message(_ROLES[message["role"]], _text(message.get("content"), f"{where}.content"))


def _text(content: Any, where: str) -> str:
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    said = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    if len(said) < len(parts) or any(part.get("type") != "text" for part in parts):
        raise BadConfig(f"{where}: a text is needed, or a list of parts of type text")
    return clean("".join(said))


def _prompts(prompt: Any) -> tuple[Prompt, ...]:
    texts = prompt if isinstance(prompt, list) and prompt else [prompt]
    if not all(isinstance(text, str) for text in texts):
        raise BadConfig("prompt: a text is needed, or a list of texts; lists of tokens are not supported")
    return tuple(converse([Message("user", clean(text))], bare=True) for text in texts)
