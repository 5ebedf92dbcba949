"""Words: every script has them, and in ASCII they are rouge-score's own."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer

from attune.measure.words import Words, bleu_tokenizer, repeats, tokens, words


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_rouge_score(text: str) -> None:
    assert Words().tokenize(text) == DefaultTokenizer().tokenize(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("안녕하세요, 4월 11일", ["안녕하세요", "4월", "11일"]),
        ("ラーメンが3杯", ["ラ", "ー", "メ", "ン", "が", "3", "杯"]),
        ("ส้มตำ 2 จาน", ["ส้", "ม", "ต", "ำ", "2", "จ", "า", "น"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("Über naïve Ёлки", ["über", "naïve", "ёлки"]),
    ],
)
def test_words_of_other_scripts_are_kept(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_however_an_accent_is_encoded_the_word_is_the_same() -> None:
    text = "café 한국"
    assert words(unicodedata.normalize("NFD", text)) == words(text)


def test_tokens_keep_capitals_and_punctuation_and_forget_white_space() -> None:
    assert tokens("Hello,  World!\n") == ["Hello", ",", "World", "!"]


def test_four_words_in_a_row_that_come_again_are_a_repetition() -> None:
    assert repeats(["we", "are", "very", "sorry", "and", "we", "are", "very", "sorry"])
    assert not repeats(["we", "are", "very", "sorry", "and", "we", "are", "very", "glad"])


def test_sacrebleus_tokenizer_goes_by_language_and_else_by_script() -> None:
    assert [bleu_tokenizer("x", code) for code in ("ja", "th", "zh-TW", "ko", "en")] == [
        *("char", "char", "zh", "13a", "13a")
    ]
    assert bleu_tokenizer("ラーメンが3杯", None) == "char"
    assert bleu_tokenizer("three bowls of ラーメン", None) == "13a"
