"""A power cut at any step, and the next opening."""

import pytest

from airgap_signer import session, storage
from airgap_signer.journal import Journal
from tests.signer.sessions import (
    Crash,
    cut_off,
    log,
    save,
    sign,
)
from tests.signer.world import HOT, p2wpkh, payment
from tests.simulators.relay_side import SOMEBODY, coin, key_of


class TestCrash:
    @pytest.mark.parametrize("calls", range(3))
    def test_a_save_that_is_cut_off_leaves_a_signer_that_opens(
        self, home, monkeypatch, calls
    ):
        cut_off(home, monkeypatch, calls, save)
        for _ in range(3):
            with home.open() as opened:
                save(opened)

    def test_cut_off_saves_never_add_up_to_a_false_alarm(self, home, monkeypatch):
        for _ in range(4):
            cut_off(home, monkeypatch, 1, save)
            cut_off(home, monkeypatch, 0, log)
        with home.open():
            pass

    @pytest.mark.parametrize("where", ["journal", "seal", "answer"])
    def test_a_ceremony_that_is_cut_off_is_finished_by_asking_again(
        self, home, monkeypatch, where
    ):
        data = home.relay.batch_file(payment(home.relay))
        names = {
            "journal": (Journal, "append"),
            "seal": (storage, "write_seal"),
            "answer": (Journal, "keep_answer"),
        }

        def crash(*_):
            raise Crash

        with monkeypatch.context() as broken:
            broken.setattr(*names[where], crash)
            with pytest.raises(Crash):
                sign(home, data)
        _, answer = sign(home, data)
        assert answer.items[0].signed
        made = coin("payment", p2wpkh("hot"))
        rival = home.relay.item("rival", [made], [(SOMEBODY, 98_999)], [key_of(HOT)])
        _, refused = sign(home, home.relay.batch_file(rival))
        assert refused.items[0].refused == "refusal.conflict.coin"

    def test_a_password_change_after_a_crash_keeps_the_journal(self, home, monkeypatch):
        """An entry beyond the seal has its MAC under the key that goes away."""
        cut_off(home, monkeypatch, 0, log)

        def change(opened):
            monkeypatch.setattr(session.Session, "log", None)
            with pytest.raises(TypeError):
                opened.change_password(b"new")
            raise Crash

        with monkeypatch.context():
            cut_off(home, monkeypatch, 9, change)
        monkeypatch.undo()
        with session.open_(home.storage, b"new") as opened:
            log(opened)
