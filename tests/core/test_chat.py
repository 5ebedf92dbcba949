"""The three inputs are read as they are; anything else says which field is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.chat import Chat, Role, Turn, parse_chat, raw_key
from attune.errors import BadChat

PINEAPPLE = (
    '{"id": 1, "user_id": 221, "chat_message": "\\nid 221: Hay I am really annoyed that your menu includes a '
    "pizza with pineapple on it! \\nid 331: Sorry to hear that, but pineapple is nice on pizza\\nid 221: "
    'What a terrible thing to say! Its never ok, so unhappy right now! \\n"}'
)


def chat_of(**record: Any) -> Chat:
    return parse_chat(json.dumps(record).encode())


def wrong(**record: Any) -> BadChat:
    with pytest.raises(BadChat) as caught:
        chat_of(**record)
    return caught.value


def test_the_pineapple_chat_has_two_speakers_and_three_turns() -> None:
    chat = parse_chat(PINEAPPLE.encode())
    assert (chat.id, chat.user_id) == ("1", "221")
    assert [turn.role for turn in chat.turns] == [Role.CUSTOMER, Role.AGENT, Role.CUSTOMER]
    assert chat.turns[1].text == "Sorry to hear that, but pineapple is nice on pizza"


def test_turns_are_read_with_their_roles() -> None:
    chat = chat_of(
        id="a",
        user_id=2,
        language="de",
        turns=[{"role": "bot", "text": "Hallo"}, {"role": "customer", "text": "Nein"}],
    )
    assert chat.turns == (Turn(Role.BOT, "Hallo"), Turn(Role.CUSTOMER, "Nein"))
    assert chat.language == "de"


def test_an_email_is_one_turn_of_the_customer_with_its_subject() -> None:
    chat = chat_of(id=5, user_id=6, subject="Cake", text="It fell.")
    assert chat.turns == (Turn(Role.CUSTOMER, "It fell."),)
    assert chat.text == "Cake\nIt fell."


def test_a_message_without_speakers_is_the_customers() -> None:
    assert chat_of(id=1, user_id=2, chat_message="Where is it?").turns == (
        Turn(Role.CUSTOMER, "Where is it?"),
    )


def test_numbers_as_strings_are_the_same_ids() -> None:
    assert chat_of(id="7", user_id="8", text="x") == chat_of(id=7, user_id=8, text="x")


def test_more_keys_than_a_chat_has_are_left_alone() -> None:
    assert chat_of(id=1, user_id=2, text="x", business="bakery", crm={"tier": 1}).id == "1"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"user_id": 1, "text": "x"}, "id"),
        ({"id": 1, "text": "x"}, "user_id"),
        ({"id": True, "user_id": 1, "text": "x"}, "id"),
        ({"id": 1.5, "user_id": 1, "text": "x"}, "id"),
        ({"id": None, "user_id": 1, "text": "x"}, "id"),
        ({"id": "  ", "user_id": 1, "text": "x"}, "id"),
        ({"id": "x" * 201, "user_id": 1, "text": "x"}, "id"),
        ({"id": 1, "user_id": 1}, "turns"),
        ({"id": 1, "user_id": 1, "text": "x", "turns": []}, "text"),
        ({"id": 1, "user_id": 1, "text": 5}, "text"),
        ({"id": 1, "user_id": 1, "text": " \n "}, "text"),
        ({"id": 1, "user_id": 1, "turns": []}, "turns"),
        ({"id": 1, "user_id": 1, "turns": "hello"}, "turns"),
        ({"id": 1, "user_id": 1, "turns": ["hello"]}, "turns[0]"),
        ({"id": 1, "user_id": 1, "turns": [{"role": "boss", "text": "x"}]}, "turns[0].role"),
        ({"id": 1, "user_id": 1, "turns": [{"role": "customer"}]}, "turns[0].text"),
        ({"id": 1, "user_id": 1, "turns": [{"role": "customer", "text": None}]}, "turns[0].text"),
        ({"id": 1, "user_id": 1, "text": "x", "language": 3}, "language"),
        ({"id": 1, "user_id": 1, "chat_message": ["x"]}, "chat_message"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(record: dict[str, Any], field: str) -> None:
    assert wrong(**record).field == field


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"id": 1, "user_id": 2, "text": "caf\xe9"}', "not UTF-8: byte 36 is 0xe9"),
        (b'{"id": 1, "user_id"', "not JSON"),
        (b"[1, 2]", "a JSON list"),
        (b"7", "a JSON number"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": ' + b"9" * 5000 + b', "user_id": 2, "text": "x"}', "not JSON"),
    ],
)
def test_what_is_no_json_object_says_so(raw: bytes, says: str) -> None:
    with pytest.raises(BadChat) as caught:
        parse_chat(raw)
    assert caught.value.field == "input"
    assert says in str(caught.value)


def test_a_chat_over_the_limit_is_refused_and_one_of_5_mb_is_read() -> None:
    raw = json.dumps({"id": 1, "user_id": 2, "text": "Hello there. " * 400_000}).encode()
    assert len(raw) > 5_000_000
    assert len(parse_chat(raw).text) > 5_000_000
    with pytest.raises(BadChat, match="at most 1,000,000 are read"):
        parse_chat(raw, max_bytes=1_000_000)


def test_what_no_database_takes_becomes_a_replacement_character() -> None:
    chat = parse_chat(b'{"id": 1, "user_id": 2, "text": "a\\u0000b\\ud83dc"}')
    assert chat.text == "a\ufffdb\ufffdc"


def test_a_byte_order_mark_is_no_damage() -> None:
    assert parse_chat(b"\xef\xbb\xbf" + PINEAPPLE.encode()).id == "1"


def test_the_digest_is_of_what_was_said_not_of_how_it_was_written() -> None:
    one = parse_chat(b'{"id": 1, "user_id": 2, "text": "caf\\u00e9"}')
    same = parse_chat('{"text": "café", "user_id": "2", "id": 1, "extra": 1}'.encode())
    other = parse_chat(b'{"id": 1, "user_id": 2, "text": "cafe"}')
    assert one.digest == same.digest != other.digest


def test_a_chat_survives_its_own_json() -> None:
    chat = chat_of(id=1, user_id=2, subject="s", channel="email", language="fr", text="Bonjour")
    assert parse_chat(json.dumps(chat.to_json()).encode()) == chat


@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(raw: bytes) -> None:
    try:
        parse_chat(raw)
    except BadChat as error:
        assert error.field
    assert raw_key(raw) == raw_key(bytes(raw))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["id", "user_id", "turns", "text", "chat_message", "language", "subject", "channel"]


@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6))
def test_no_record_is_a_traceback(record: dict[str, Any]) -> None:
    try:
        chat = chat_of(**record)
    except BadChat as error:
        assert error.field.split("[")[0] in (*KEYS, "input")
    else:
        assert chat.text
        chat.text.encode()
