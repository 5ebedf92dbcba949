"""Letters that people upload: whatever a mail program made of them becomes text, or a sentence why not."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.desk.refusal import Refused
from attune.pages.compose_letter import MAX_BYTES, MAX_CHARS, Letter, plain, read


def mail(text: str, charset: str = "utf-8", subject: str = "Hello", subtype: str = "plain") -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text, subtype=subtype, charset=charset)
    return bytes(message)


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Café, 케이크, ケーキ"),
        ("iso-8859-1", "Größe und Straße"),
        ("euc-kr", "안녕하세요. 케이크를 주문합니다."),
        ("iso-2022-jp", "ケーキを注文します。"),
        ("koi8-r", "Где мой заказ?"),
    ],
)
def test_a_mail_is_read_in_its_own_charset(charset: str, text: str) -> None:
    assert read("a.eml", mail(text, charset, "케이크 40개")) == Letter("케이크 40개", text)


def test_the_plain_part_is_read_where_there_are_two_and_attachments_are_not() -> None:
    message = EmailMessage()
    message["Subject"] = "Two parts"
    message.set_content("The words.")
    message.add_alternative("<p>The <b>markup</b>.</p>", subtype="html")
    message.add_attachment(b"secret", maintype="text", subtype="plain", filename="a.txt")
    assert read("A.EML", bytes(message)).text == "The words."


def test_an_html_part_becomes_its_words() -> None:
    html = (
        "<html><head><title>No</title><style>p{color:red}</style></head><body><p>Dear&nbsp;team,</p>"
        "<script>alert(1)</script><div>a &lt;b&gt; costs 3&thinsp;&euro;<br>Regards</div></body></html>"
    )
    assert read("a.eml", mail(html, subtype="html")).text == "Dear team,\n\na <b> costs 3 €\nRegards"


def test_broken_markup_loses_no_words() -> None:
    assert plain("<p>one<div>two</p></b><i>three").split() == ["one", "two", "three"]
    assert plain("</style></script>still here") == "still here"


def test_a_charset_that_nobody_knows_is_read_as_utf_8() -> None:
    raw = b'Subject: x\nContent-Type: text/plain; charset="no-such"\n\nStill readable.'
    assert read("a.eml", raw).text == "Still readable."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_file_is_read_with_or_without_a_mark(encoding: str) -> None:
    assert read("a.txt", "케이크\r\n\r\n\r\n\r\n3호  ".encode(encoding)) == Letter("", "케이크\n\n3호")


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("a.txt", "안녕".encode("cp949"), "is no UTF-8 text"),
        ("a.txt", b"  \n ", "no words"),
        ("a.eml", b"Subject: only a picture\nContent-Type: image/png\n\nxx", "no words"),
        ("a.txt", b"x" * (MAX_BYTES + 1), "at most 2,000,000"),
        ("a.txt", b"x" * (MAX_CHARS + 1), "at most 100,000"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_files_name(name: str, raw: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        read(name, raw)
    assert name in str(refused.value)


@given(st.binary(max_size=300), st.sampled_from(["a.eml", "a.txt"]))
def test_any_bytes_are_a_letter_or_a_refusal(raw: bytes, name: str) -> None:
    head = b"Subject: =?utf-8?b?" + raw[:40] + b"?=\nContent-Type: " + raw[40:90] + b"\n\n"
    for whole in (raw, head + raw):
        try:
            assert read(name, whole).text.strip()
        except Refused as refused:
            assert "a." in str(refused)
