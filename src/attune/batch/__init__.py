"""A batch: every record of the input files is answered once, into one file of rows and one of failures.

The guarantee: each record ends as exactly one row, of OUT if it was answered, else of OUT's errors file,
also when the job is killed at any moment and started again. What is done is read off these two files and
kept nowhere else: a row is written whole, with the number of its record, and what a kill tore at a file's
end is cut off before the job goes on. So there is no second ledger that could disagree with the rows.

`work` is the whole of it. `job` says what is done with every record, `record` reads one, `answer` makes its
row: `texts`, `chats` and `requests` for the three kinds. `rows` are the files, `loop` works through the
input, `manifest` is the job's own account.
"""

from __future__ import annotations

from attune.batch.work import Done, Plan, Stand, work

__all__ = ["Done", "Plan", "Stand", "work"]
