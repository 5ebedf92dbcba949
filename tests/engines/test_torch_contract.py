"""The torch engine keeps what every engine must."""

from tests.engines import small_gemma

from attune.engines.torch import TorchEngine
from attune.testing import EngineContract


class TestTorchEngine(EngineContract):
    def make(self) -> TorchEngine:
        return TorchEngine(small_gemma.folder("gemma3"), dtype="float32")
