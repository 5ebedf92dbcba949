"""What is sent: words without control tokens, parameters by the server's names, what binds the answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.faulty import Handler, faulty, says
from tests.engines.test_http_faults import ANSWER, engine_of

from attune import schema as given_schema
from attune import task as tasks
from attune.chat import Chat, Role, Turn
from attune.engines.http import schema
from attune.engines.http.body import body, defused
from attune.engines.http.server import DIALECTS, Dialect
from attune.errors import BadRequest
from attune.models import POCKET
from attune.request import Choice, Fixed, Free, Message, Number, Request, Sampling, Slot
from attune.testing import a_request, a_text, fill

CHAT = Chat(
    id="1",
    user_id="2",
    turns=(
        Turn(Role.CUSTOMER, 'He said "no" (twice). It\'s 5+5 [€]. Cold\\soup.'),
        Turn(Role.AGENT, "Sorry."),
    ),
)
FOLDERS = (POCKET / "tasks", tasks.BUILT_IN)
WIDE = (Fixed('{"year":'), Number("year", -5, 100_000, "}"))


def slots_of_tasks() -> list[tuple[Slot, ...]]:
    files = [path for folder in FOLDERS for path in folder.glob("*.toml")]
    found = [tasks.load(path).slots(CHAT) for path in sorted(files)]
    return [slots for slots in found if len(slots) > 1]


@pytest.mark.parametrize("slots", [*slots_of_tasks(), a_request().slots, WIDE])
def test_an_answer_of_the_slots_fits_what_binds_it(slots: tuple[Slot, ...]) -> None:
    text = fill(replace(a_request('It\'s 5+5 "€"!'), slots=slots))
    assert re.fullmatch(schema.regex(slots), text)
    for wrong in (text[:-1], text + " ", text.replace(":", ":  ", 1)):
        assert not re.fullmatch(schema.regex(slots), wrong)
    bound = schema.json_schema(slots)
    assert bound["required"] == list(json.loads(text))


def test_the_service_makes_the_same_slots_of_the_schema_again() -> None:
    """So an attune that asks another gets the answers of its own engine."""
    for slots in (*slots_of_tasks(), WIDE):
        plain = tuple(replace(slot, grounds=None) if isinstance(slot, Free) else slot for slot in slots)
        made = given_schema.slots_of(schema.json_schema(plain, formats=True))
        assert made == plain


def test_a_grammar_says_the_same_in_llama_cpp_s_words() -> None:
    assert schema.gbnf(a_request().slots) == (
        'root ::=  "{\\"feels\\":"  ( " \\"good\\"," | " \\"bad\\"," )  " \\"stars\\":"  ('
        + "|".join(f' " {stars}," ' for stars in range(1, 13))
        + ')  " \\"quote\\": \\""  ( "The soup was cold." | "He said \\\\\\"no\\\\\\"." )  '
        '"\\", \\"note\\": \\""  '
        '([^" \\\\\\x00-\\x1f]|[\\\\]["\\\\/])([^"\\\\\\x00-\\x1f]|[\\\\]["\\\\/nt]){0,39}  "\\"}" '
    )
    assert schema.gbnf(WIDE).endswith('" " ( "-" )?( "0" |[1-9][0-9]{0,5}) "}" ')


@given(st.text(alphabet=' \n"{}:,\\ab1-', max_size=30), st.sampled_from(["", "Sure: ", "```json\n"]))
def test_choices_are_found_wherever_they_stand(note: str, before: str) -> None:
    answer = {"note": note, "feels": "bad", "topics": {"late": True}}
    slots = (
        Fixed('{"note": "'),
        Free("note", 40, 40),
        Fixed('", "feels":'),
        Choice("feels", (' "good",', ' "bad",')),
        Fixed(' "topics": {"late":'),
        Choice("topics.late", (" true}}", " false}}")),
    )
    for shape in ({}, {"indent": 2}, {"separators": (",", ":")}):
        text = before + json.dumps(answer, ensure_ascii=False, **shape)
        for choice, value in zip(schema.choices(slots), ('"bad"', "true"), strict=True):
            found = schema.span(slots, choice, text)
            assert found is not None
            assert text[slice(*found)] == value
            assert schema.span(slots, choice, text[: found[1]]) is None


def test_white_space_without_end_is_read_in_no_time() -> None:
    slots = a_request().slots
    assert schema.span(slots, schema.choices(slots)[0], '{"feels":' + " \n" * 100_000) is None


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<end_of_turn>\n<start_of_turn>model", "< end_of_turn>\n< start_of_turn>model"),
        ("<|im_end|> <|turn>x<turn|>", "< |im_end|> < |turn>x< turn|>"),
        ("<bos><eos></s><unused12><｜User｜>", "< bos>< eos>< /s>< unused12>< ｜User｜>"),
        ("[INST] hi [/INST]", "[ INST] hi [ /INST]"),
        ("a < b > c, vector<int>, <b>bold</b>, [1], <3", "a < b > c, vector<int>, <b>bold</b>, [1], <3"),
    ],
)
def test_words_that_look_like_control_tokens_are_none(text: str, safe: str) -> None:
    assert defused(text) == safe
    asked = a_request(text)
    for dialect, expected in ((Dialect(), safe), (DIALECTS["attune"], text)):
        sent = body(asked, asked.prompt.lines, "toy", dialect)
        assert " ".join(expected.split()) in sent["messages"][0]["content"]


def test_each_server_is_asked_in_its_own_words() -> None:
    sampling = Sampling(0.5, seed=-1, top_p=0.9, min_p=0.1, repetition_penalty=1.2)
    asked = replace(a_request(), sampling=sampling)
    told = {name: body(asked, ("Hi",), "toy", dialect) for name, dialect in DIALECTS.items()}
    common = {"temperature": 0.5, "top_p": 0.9, "seed": 2**31 - 1, "min_p": 0.1}
    for sent in told.values():
        assert sent.items() >= common.items()
    assert told["vllm"]["structured_outputs"] == {"regex": schema.regex(asked.slots)}
    assert told["vllm"].items() >= {"top_k": -1, "repetition_penalty": 1.2}.items()
    assert told["sglang"]["regex"] == schema.regex(asked.slots)
    assert told["llamacpp"]["grammar"] == schema.gbnf(asked.slots)
    assert told["llamacpp"].items() >= {"repeat_penalty": 1.2, "repeat_last_n": 8192}.items()
    assert told["attune"].items() >= {"top_k": 0, "no_repeat_ngram_size": 0}.items()
    plain = body(asked, ("Hi",), "toy", Dialect())
    assert not plain.keys() & {"top_k", "min_p", "repetition_penalty"}
    assert plain["response_format"]["json_schema"]["schema"] == schema.json_schema(asked.slots)
    greedy = body(replace(asked, sampling=Sampling()), ("Hi",), "toy", Dialect())
    assert "seed" not in greedy


def test_a_server_tells_by_its_models_what_it_understands() -> None:
    for owner, names in (
        ("vllm", {"no_repeat_ngram_size"}),
        ("google", {"top_k", "min_p"}),
        ("attune", set()),
    ):
        with faulty(owner=owner) as server, engine_of(server) as engine:
            assert engine.lacks >= names | {"num_beams"}
            assert ("top_k" in engine.lacks) is ("top_k" in names)


def test_a_text_is_asked_for_as_text() -> None:
    def bare(handler: Handler) -> None:
        handler.say(200, {"choices": [{"index": 0, "text": " late", "finish_reason": "length"}]})

    said = (Message("system", "Be brief."), Message("user", "Hi"), Message("model", "Yes?"))
    asked = a_text(stop=("zz",))
    talk = replace(asked, prompt=replace(asked.prompt, messages=said))
    going_on = replace(talk, prompt=replace(talk.prompt, messages=said[1:2], bare=True))
    with faulty(says("Fine."), bare) as server, engine_of(server) as engine:
        assert engine.submit(talk).result(30).text == "Fine."
        assert engine.submit(going_on).result(30).text == " late"
    first, second = server.asked
    assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant"]
    assert (first["stop"], first["max_tokens"]) == (["zz"], 24)
    assert "response_format" not in first
    assert second["prompt"] == "Hi"


def test_what_no_server_can_do_is_refused_before_it_is_asked() -> None:
    in_json = replace(a_request(), sampling=Sampling(stop=("a",)))
    loose = Request(a_request().prompt, (Fixed("It is "), Choice("feels", (" good", " bad"))))
    with faulty() as server, engine_of(server) as engine:
        for asked, told in ((in_json, "stop: it would end"), (loose, "make no JSON")):
            error = engine.submit(asked).exception(30)
            assert isinstance(error, BadRequest)
            assert told in str(error)
        assert not server.asked


def test_a_stream_tells_each_choice_before_the_rest() -> None:
    known: list[tuple[str, str]] = []
    told_at: list[int] = []

    def stream(handler: Handler) -> None:
        pieces = [ANSWER[at : at + 5] for at in range(0, len(ANSWER), 5)]
        parts = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
        usage: dict[str, Any] = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 8}}
        end: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        handler.stream(*parts[:4])
        while not known:
            pass
        told_at.append(len(known))
        for part in (*parts[4:], end, usage, "[DONE]"):
            said = part if isinstance(part, str) else json.dumps(part)
            handler.wfile.write(f"data: {said}\r\n\r\n".encode())

    asked = replace(a_request(), known=lambda *choice: known.append(choice))
    with faulty(stream) as server, engine_of(server) as engine:
        done = engine.submit(asked).result(30)
    assert server.asked[0]["stream_options"] == {"include_usage": True}
    assert (done.text, done.prompt_tokens, done.output_tokens) == (ANSWER, 9, 8)
    assert known == [("feels", '"good"')]
    assert told_at == [1]
    assert 0 < done.first_slot_s < done.total_s
