"""A pipeline's graph as text: each transform below the one it is part of, with what it reads and gives."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor


def lines(pipeline: beam.Pipeline, depth: int = 2) -> Iterator[str]:
    """A line for each transform down to `depth`: its name, its kind, and the outputs that others read."""
    visitor = _Visitor()
    pipeline.visit(visitor)
    for level, node in visitor.nodes:
        if level <= depth:
            yield f"{'  ' * (level - 1)}{_name(node)}{_outputs(node)}"


def _name(node: AppliedPTransform) -> str:
    return str(node.full_label).rpartition("/")[2]


def _outputs(node: AppliedPTransform) -> str:
    tags = [str(tag) for tag in node.outputs if tag not in (None, "None")]
    return f" -> {', '.join(tags)}" if tags else ""


class _Visitor(PipelineVisitor):  # type: ignore[misc,unused-ignore]
    def __init__(self) -> None:
        self.nodes: list[tuple[int, AppliedPTransform]] = []
        self._level = 0

    def enter_composite_transform(self, node: AppliedPTransform) -> None:
        if self._level:
            self.nodes.append((self._level, node))
        self._level += 1

    def leave_composite_transform(self, node: AppliedPTransform) -> None:
        self._level -= 1

    def visit_transform(self, node: AppliedPTransform) -> None:
        self.nodes.append((self._level, node))
