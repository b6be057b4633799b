"""Ceremonies on a signer's files, and power cuts."""

import time

import pytest

from airgap_shared import documents, files
from airgap_shared.documents import SignedBatch
from airgap_shared.errors import AirgapError, RefusalError
from airgap_signer import ceremony
from airgap_signer.session import Choices


def accept(_review, _last_at):
    """A person who says yes."""


def refuse(_review, _last_at):
    raise RefusalError("refusal.operator", "no")


def sign(home, data, decide=accept, choices=None, now=None):
    """Walk a batch through the ceremony; return answer and document."""
    with home.open() as opened:
        sealed = ceremony.open_batch(data, opened.public)
        known = opened.answered(sealed)
        if known is None:
            at = now or int(time.time())
            known, _ = opened.sign_batch(sealed, choices or Choices(), at, decide)
        key = opened.public.key
    return known, documents.unseal(known, SignedBatch, {key}).document


def stopped(home, status=6):
    """Return why the signer does not open; it must be for a reason of ``status``."""
    with pytest.raises(AirgapError) as caught, home.open():
        pass
    assert caught.value.status == status
    return caught.value.code


def grow(home):
    """Write two more entries into the journal and two more generations."""
    for number in (1, 2):
        with home.open() as opened:
            opened.log("other", {"number": number})
            opened.save(opened.public)


class Crash(BaseException):
    """The power went out."""


def crashing(monkeypatch, calls):
    """Let the machine stop at the n-th replaced file."""
    replace, left = files.replace, [calls]

    def crash(*arguments, **named):
        if left[0] == 0:
            raise Crash
        left[0] -= 1
        replace(*arguments, **named)

    monkeypatch.setattr(files, "replace", crash)


def save(opened):
    opened.save(opened.public)


def log(opened):
    opened.log("other", {})


def cut_off(home, monkeypatch, calls, action):
    """Do ``action`` in an open signer; the power goes out at the n-th file."""
    with home.open() as opened, monkeypatch.context() as broken:
        crashing(broken, calls)
        with pytest.raises(Crash):
            action(opened)
