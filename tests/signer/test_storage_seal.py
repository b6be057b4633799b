"""The state seal, and a password change that is cut off."""

import json
import os
import re

import pytest

from airgap_shared import files
from airgap_shared.errors import SafetyError
from airgap_signer import storage
from tests.signer.stored import PUBLIC, SECRET, refused
from tests.signer.world import (
    PASSWORD,
)


class TestSeal:
    HEAD = "ab" * 32

    def sealed(self, path, height=3):
        opened = storage.open_(path, PASSWORD)
        storage.write_seal(opened, height, self.HEAD)
        return opened, storage.beside(path, "seal")

    def stopped(self, opened):
        with pytest.raises(SafetyError) as caught:
            storage.read_seal(opened)
        return caught.value.code

    def test_a_seal_comes_back(self, path):
        opened, file = self.sealed(path)
        seal = storage.read_seal(opened)
        assert (seal.generation, seal.height, seal.head) == (1, 3, self.HEAD)
        assert file.stat().st_size < 250

    @pytest.mark.parametrize(
        "change",
        [
            {"generation": 0},
            {"height": 2},
            {"height": -1},
            {"height": 2**60},
            {"head": "cd" * 32},
            {"head": "x"},
            {"mac": ""},
            {"mac": "0" * 64},
            {"mac": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 64},
            {"mac": None},
            {"more": 1},
            {"head": "\ud800"},
        ],
    )
    def test_a_changed_seal_stops_the_signer(self, path, change):
        opened, file = self.sealed(path)
        value = json.loads(file.read_text()) | change
        file.write_text(json.dumps(value))
        assert self.stopped(opened) == "safety.storage_changed"

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 4096, b"x" * 5000])
    def test_a_seal_that_is_none_stops_the_signer(self, path, data):
        opened, file = self.sealed(path)
        file.write_bytes(data)
        assert self.stopped(opened) == "safety.storage_changed"

    def test_a_missing_seal_stops_the_signer(self, path):
        opened, file = self.sealed(path)
        file.unlink()
        assert self.stopped(opened) == "safety.storage_changed"

    def test_another_storages_seal_stops_the_signer(self, path, tmp_path):
        other = tmp_path / "other"
        _, foreign = (
            storage.create(other, PASSWORD, PUBLIC, SECRET, 64),
            self.sealed(other)[1],
        )
        opened, file = self.sealed(path)
        file.write_bytes(foreign.read_bytes())
        assert self.stopped(opened) == "safety.storage_changed"

    def test_a_seal_of_a_later_generation_means_an_older_storage(self, path):
        older = storage.open_(path, PASSWORD)
        storage.write_seal(storage.save(older, PUBLIC), 3, self.HEAD)
        assert self.stopped(older) == "safety.storage_rolled_back"

    @pytest.mark.parametrize(
        ("generations", "entries", "stops"),
        [(0, 0, False), (1, 0, False), (0, 1, False), (2, 0, True), (0, 2, True)],
    )
    def test_a_seal_may_lag_by_the_one_step_of_a_crash(
        self, path, generations, entries, stops
    ):
        opened, file = self.sealed(path)
        before = file.read_bytes()
        for _ in range(generations):
            opened = storage.save(opened, PUBLIC)
        seal = storage.read_seal(opened)
        if stops:
            with pytest.raises(SafetyError) as caught:
                storage.renew_seal(opened, seal, 3 + entries, self.HEAD)
            assert caught.value.code == "safety.seal_rolled_back"
            assert file.read_bytes() == before
            return
        storage.renew_seal(opened, seal, 3 + entries, self.HEAD)
        renewed = storage.read_seal(opened)
        assert renewed.generation == 1 + generations
        assert renewed.height == 3 + entries
        assert (file.read_bytes() == before) == (not generations and not entries)


class TestPasswordChange:
    NEW = b"battery staple"

    def changed(self, path):
        opened = storage.open_(path, PASSWORD)
        storage.write_seal(opened, 3, "ab" * 32)
        opened = storage.save(opened, PUBLIC)
        storage.write_seal(opened, 3, "ab" * 32)
        return opened, storage.read_seal(opened)

    def test_the_new_password_opens_and_the_old_does_not(self, path):
        opened, seal = self.changed(path)
        after = storage.change_password(opened, self.NEW, seal)
        assert refused(path) == "storage.wrong_password"
        assert refused(path, self.NEW) == ""
        assert after.data_key != opened.data_key
        assert storage.read_seal(storage.open_(path, self.NEW)).generation == 3

    def test_no_earlier_generation_is_left(self, path):
        opened, seal = self.changed(path)
        storage.change_password(opened, self.NEW, seal)
        left = {n for n in os.listdir(path.parent) if n.startswith("wallet")}
        assert left == {"wallet.airgap", "wallet.airgap.seal"}

    @pytest.mark.parametrize("calls", range(3))
    def test_a_crash_leaves_a_storage_and_a_seal_that_fit(
        self, path, monkeypatch, calls
    ):
        opened, seal = self.changed(path)
        replace, left = files.replace, [calls]

        def crash(*arguments, **named):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            replace(*arguments, **named)

        with monkeypatch.context() as broken:
            broken.setattr(files, "replace", crash)
            if calls < 2:
                with pytest.raises(KeyboardInterrupt):
                    storage.change_password(opened, self.NEW, seal)
            else:
                storage.change_password(opened, self.NEW, seal)
        password = PASSWORD if refused(path) == "" else self.NEW
        assert storage.read_seal(storage.open_(path, password)).height == 3

    def test_a_crash_before_the_seal_takes_its_name_leaves_it_waiting(
        self, path, monkeypatch
    ):
        opened, seal = self.changed(path)
        real = type(path).replace

        def crash(self, target):
            if re.search(r"seal\.next$", self.name):
                raise KeyboardInterrupt
            return real(self, target)

        with monkeypatch.context() as broken:
            broken.setattr(type(path), "replace", crash)
            with pytest.raises(KeyboardInterrupt):
                storage.change_password(opened, self.NEW, seal)
        opened = storage.open_(path, self.NEW)
        seal = storage.read_seal(opened)
        assert seal.height == 3
        storage.renew_seal(opened, seal, 3, "ab" * 32)
        assert storage.read_seal(opened) == seal
        assert not storage.beside(path, "seal.next").exists()
