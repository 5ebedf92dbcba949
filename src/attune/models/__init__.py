"""Models that come with the package."""

from __future__ import annotations

from pathlib import Path

POCKET: Path = Path(__file__).parent / "pocket"
"""The embedded model: an OpenVINO folder of 14 MB. What it is good for stands in its CARD.md."""
