"""Two writers at once."""

import multiprocessing

import pytest

from airgap_shared.errors import StorageError
from airgap_signer import storage
from airgap_signer.wallet import Secret
from tests.signer.world import (
    PASSWORD,
)


def _add_keys(path, names, ready, go):
    """In a process of its own: add keys one by one, each under the lock."""
    ready.set()
    go.wait()
    for number in names:
        with storage.lock(path):
            opened = storage.open_(path, PASSWORD)
            secret = storage.expose(opened, Secret)
            keys = {**secret.keys, f"{number:08x}-0000-4000-8000-000000000000": "x"}
            storage.save(opened, opened.public, Secret(secret.identity, keys))


class TestLock:
    def test_two_writers_at_once_lose_nothing(self, path):
        fork = multiprocessing.get_context("fork")
        go = fork.Event()
        writers = []
        for start in (0, 100):
            ready = fork.Event()
            names = range(start, start + 5)
            writer = fork.Process(target=_add_keys, args=(path, names, ready, go))
            writer.start()
            ready.wait()
            writers.append(writer)
        go.set()
        for writer in writers:
            writer.join(60)
            assert writer.exitcode == 0
        keys = storage.expose(storage.open_(path, PASSWORD), Secret).keys
        assert len(keys) == 1 + 10

    def test_a_second_writer_waits_and_then_says_so(self, path, monkeypatch):
        monkeypatch.setattr(storage, "LOCK_WAIT_SECONDS", 0.0)
        with (
            storage.lock(path),
            pytest.raises(StorageError) as caught,
            storage.lock(path),
        ):
            pass
        assert caught.value.code == "storage.busy"

    def test_a_lock_ends_with_its_holder(self, path, monkeypatch):
        monkeypatch.setattr(storage, "LOCK_WAIT_SECONDS", 0.0)
        for _ in range(2):
            with pytest.raises(KeyError), storage.lock(path):
                raise KeyError
