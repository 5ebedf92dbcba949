"""attune in Apache Beam: transforms that handle chats on any runner. Needs: pip install 'attune[beam]'."""

from __future__ import annotations

from attune.arms import Arm, Split
from attune.beam.chats import Once, ParseChats, ReadChats
from attune.beam.files import WriteFiles
from attune.beam.handle import Handle, Handled
from attune.beam.inference import AttuneModelHandler
from attune.beam.item import Ended
from attune.beam.kafka import ReadKafka
from attune.beam.pubsub import ReadPubSub
from attune.beam.rows import ToRows
from attune.beam.worker import Asking
from attune.beam.write import WriteOutcomes, WriteReviews, WriteSink

__all__ = [
    "Arm",
    "Asking",
    "AttuneModelHandler",
    "Ended",
    "Handle",
    "Handled",
    "Once",
    "ParseChats",
    "ReadChats",
    "ReadKafka",
    "ReadPubSub",
    "Split",
    "ToRows",
    "WriteFiles",
    "WriteOutcomes",
    "WriteReviews",
    "WriteSink",
]
