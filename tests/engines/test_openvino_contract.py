"""The OpenVINO engine keeps what every engine must."""

from attune.engines.openvino import OpenVINOEngine
from attune.models import POCKET
from attune.testing import EngineContract


class TestOpenVINOEngine(EngineContract):
    def make(self) -> OpenVINOEngine:
        return OpenVINOEngine(POCKET, exact=True)
