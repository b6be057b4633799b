"""Storage, state seal and journal of one signer, opened together."""

import time

import msgspec
import pytest

from airgap_shared import documents
from airgap_shared.errors import AirgapError, RefusalError, SafetyError
from airgap_signer import session, storage
from airgap_signer.wallet import Secret
from tests.signer import world
from tests.signer.sessions import (
    refuse,
    sign,
    stopped,
)
from tests.signer.world import COLD, HOT, PASSWORD, SEED, p2wpkh, payment, wif
from tests.simulators.relay_side import SOMEBODY, coin, key_of


class TestCeremony:
    def test_a_batch_is_signed_and_the_answer_extends_what_the_relay_saw(self, home):
        data = home.relay.batch_file(payment(home.relay))
        _, first = sign(home, data)
        assert first.items[0].signed
        second_data = home.relay.batch_file(payment(home.relay, "two"), seen=first.head)
        _, second = sign(home, second_data)
        head = first.head.head
        for link in second.links:
            head = documents.next_head(head, link)
        assert head == second.head.head
        assert second.head.height == first.head.height + len(second.links)

    def test_the_same_batch_is_answered_byte_for_byte(self, home):
        data = home.relay.batch_file(payment(home.relay))
        first, _ = sign(home, data)
        with home.open() as opened:
            height = opened.journal.tip().height
        again, _ = sign(home, data, refuse)
        assert again == first
        with home.open() as opened:
            assert opened.journal.tip().height == height

    def test_the_same_item_in_another_batch_gives_the_same_bytes(self, home):
        item = payment(home.relay)
        _, first = sign(home, home.relay.batch_file(item))
        _, second = sign(home, home.relay.batch_file(item))
        assert second.items == first.items

    def test_a_person_who_refuses_changes_nothing(self, home):
        before = home.state()
        with pytest.raises(RefusalError):
            sign(home, home.relay.batch_file(payment(home.relay)), refuse)
        assert home.state() == before

    def test_no_secret_is_decrypted_before_the_person_has_decided(
        self, home, monkeypatch
    ):
        exposed: list[object] = []
        real = storage.expose

        def expose(opened, type_):
            exposed.append(type_)
            return real(opened, type_)

        monkeypatch.setattr(storage, "expose", expose)

        def look(_review, _last_at):
            assert exposed == []

        sign(home, home.relay.batch_file(payment(home.relay)), look)
        assert Secret in exposed

    def test_a_self_test_that_fails_stops_before_any_secret(self, home, monkeypatch):
        def broken():
            raise SafetyError("safety.self_test", "x")

        monkeypatch.setattr("airgap_signer.selftest.run", broken)
        monkeypatch.setattr(storage, "expose", None)
        with pytest.raises(SafetyError):
            sign(home, home.relay.batch_file(payment(home.relay)))

    def test_a_secret_that_is_gone_is_named(self, home):
        with home.open() as opened:
            opened.save(opened.public, Secret(SEED, {COLD: wif("cold")}))
        with pytest.raises(AirgapError) as caught:
            sign(home, home.relay.batch_file(payment(home.relay)))
        assert caught.value.code == "storage.no_entry"
        assert HOT in caught.value.message

    def test_a_lying_public_section_stops_and_signs_nothing(self, home):
        with home.open() as opened:
            entries = dict(opened.public.entries)
            thief = world.key_entry(HOT, wif("thief"))
            entries[HOT] = thief
            public = msgspec.structs.replace(opened.public, entries=entries)
            opened.save(public)
            height = opened.journal.tip().height
        made = coin("x", p2wpkh("thief"))
        item = home.relay.item("x", [made], [(SOMEBODY, 99_000)], [key_of(HOT)])
        with pytest.raises(SafetyError) as caught:
            sign(home, home.relay.batch_file(item))
        assert caught.value.code == "safety.derivation"
        with home.open() as opened:
            assert opened.journal.tip().height == height


class TestClock:
    @pytest.fixture
    def yesterday(self, monkeypatch):
        now = time.time()
        return lambda: monkeypatch.setattr(time, "time", lambda: now - 86_400)

    def test_a_clock_behind_the_journal_stops_every_command(self, home, yesterday):
        yesterday()
        assert stopped(home) == "safety.clock"

    def test_a_clock_set_back_during_a_command_stops_it(self, home, yesterday):
        with home.open() as opened:
            yesterday()
            height = opened.journal.tip().height
            with pytest.raises(SafetyError) as caught:
                opened.log("other", {})
            assert caught.value.code == "safety.clock"
            assert opened.journal.tip().height == height

    def test_a_ceremony_takes_its_time_as_an_argument(self, home):
        with pytest.raises(SafetyError) as caught:
            sign(home, home.relay.batch_file(payment(home.relay)), now=1)
        assert caught.value.code == "safety.clock"


class TestCreation:
    def test_a_new_signer_has_all_its_files_and_no_secret_beside(self, tmp_path):
        path = tmp_path / "wallet.airgap"
        public = session.create(path, PASSWORD, "new", SEED, 64)
        names = {each.name.removeprefix("wallet.airgap") for each in tmp_path.iterdir()}
        assert names == {"", ".journal", ".seal", ".identity", ".public", ".lock"}
        for each in tmp_path.iterdir():
            assert SEED not in each.read_bytes()
            assert SEED.hex().encode() not in each.read_bytes()
        assert session.read_public_copy(path).key == public.key
        data = storage.beside(path, "identity").read_bytes()
        assert documents.unseal_identity(data).fingerprint == public.fingerprint()

    @pytest.mark.parametrize("there", ["wallet.airgap", "wallet.airgap.journal"])
    def test_nothing_that_exists_is_overwritten(self, tmp_path, there):
        (tmp_path / there).write_bytes(b"precious")
        with pytest.raises(AirgapError) as caught:
            session.create(tmp_path / "wallet.airgap", PASSWORD, "new", SEED, 64)
        assert caught.value.code == "file.exists"
        assert (tmp_path / there).read_bytes() == b"precious"
        assert len(list(tmp_path.iterdir())) == 1


class TestPublicCopy:
    def test_it_follows_every_change(self, home):
        with home.open() as opened:
            opened.save(msgspec.structs.replace(opened.public, manifest=9))
        assert session.read_public_copy(home.storage).manifest == 9

    def test_it_holds_no_secret(self, home):
        data = home.beside("public").read_bytes()
        for name in ("hot", "spare", "cold"):
            assert wif(name).encode() not in data
        assert world.MNEMONIC.encode() not in data

    @pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff"])
    def test_one_that_cannot_be_read_says_how_it_comes_back(self, home, data):
        if data is None:
            home.beside("public").unlink()
        else:
            home.beside("public").write_bytes(data)
        with pytest.raises(AirgapError) as caught:
            session.read_public_copy(home.storage)
        assert caught.value.code == "storage.damaged"
        assert "renews" in caught.value.hint

    def test_a_changed_one_is_not_believed(self, home):
        data = home.beside("public").read_bytes()
        home.beside("public").write_bytes(data.replace(b'"vault"', b'"fault"'))
        with pytest.raises(AirgapError) as caught:
            session.read_public_copy(home.storage)
        assert caught.value.code == "storage.damaged"

    def test_no_signer_has_none(self, tmp_path):
        with pytest.raises(AirgapError) as caught:
            session.read_public_copy(tmp_path / "none")
        assert caught.value.code == "storage.missing"
