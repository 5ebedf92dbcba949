"""The CTranslate2 engine keeps what every engine must."""

from tests.engines.small_t5 import small_t5

from attune.engines.ctranslate2 import CTranslate2Engine
from attune.testing import EngineContract


class TestCTranslate2Engine(EngineContract):
    def make(self) -> CTranslate2Engine:
        return small_t5()
