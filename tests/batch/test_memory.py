"""The memory of a batch does not grow with its input. `make soak-batch` does it with a million records."""

from bench.batch import peak_mb


def test_ten_times_the_records_take_the_same_memory() -> None:
    few, _ = peak_mb(2_000)
    many, _ = peak_mb(20_000)
    assert many < few * 1.1
