"""The desk's rules: what a ruling comes to, what a correction may be, and who may do what."""

from __future__ import annotations

import pytest

from attune import task as tasks
from attune.chat import Chat, Role, Turn
from attune.desk import correction, password
from attune.desk.backoff import pause_s, retry_s
from attune.desk.refusal import Refused
from attune.desk.roles import MAY, Right, may
from attune.desk.roles import Role as DeskRole
from attune.desk.ruling import Approve, Kind, Reject, judge
from attune.desk.score import changed
from attune.errors import Misfit

CHAT = Chat("7", "u", (Turn(Role.CUSTOMER, "My refund is late."),))


def test_a_browsers_line_ends_are_no_edit() -> None:
    assert judge(Approve("One.\r\nTwo.\r\n"), "One.\nTwo.").kind is Kind.APPROVED
    assert judge(Approve("One.\nThree."), "One.\nTwo.").kind is Kind.EDITED
    assert judge(Reject("other"), "One.").kind is Kind.REJECTED


def test_an_edit_changes_a_twentieth_at_least_and_twenty_at_most() -> None:
    assert [changed(*each) for each in ((0, 40), (1, 40), (2, 40), (3, 40), (40, 40), (90, 40), (7, 0))] == [
        0, 1, 1, 2, 20, 20, 20,
    ]  # fmt: skip


def test_a_correction_is_checked_as_the_models_answer_is() -> None:
    triage = tasks.load(tasks.find("triage"))
    fitting = {"sentiment": 0, "summary": "Asks Kim about 4711."}
    assert correction.checked(triage, fitting, CHAT) == fitting
    for wrong in ({"sentiment": "0"}, {"sentiment": 5}, {"summary": ""}, {"mood": 1}):
        with pytest.raises(Misfit):
            correction.checked(triage, wrong, CHAT)


def test_every_right_has_its_roles_and_an_admin_has_all() -> None:
    assert set(MAY) == set(Right)
    assert all(may(DeskRole.ADMIN, right) for right in Right)
    assert not may(DeskRole.REVIEWER, Right.AUDIT)
    assert not may(DeskRole.LEAD, Right.USERS)


def test_a_password_fits_its_own_hash_alone() -> None:
    kept = password.hashed("a long password")
    assert kept.startswith("$argon2id$")
    assert password.fits("a long password", kept)
    assert not password.fits("a long passwore", kept)
    assert not password.fits("a long password", None)
    with pytest.raises(Refused):
        password.hashed("short")


def test_pauses_grow_and_end() -> None:
    assert [pause_s(n, 3) for n in (1, 3, 4, 5, 99)] == [0, 0, 4, 8, 900]
    assert all(0 <= retry_s(n) <= min(300, 2**n) for n in range(40))
