"""The memory of a run does not grow with its input. `make soak` does the same with a million chats."""

from bench.soak import peak_mb


def test_ten_times_the_chats_take_the_same_memory() -> None:
    few, _ = peak_mb(2_000)
    many, _ = peak_mb(20_000)
    assert many < few * 1.1
