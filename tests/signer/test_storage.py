"""The encrypted wallet storage: what it refuses, and what a crash leaves."""

import json
import os
import stat
import struct

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airgap_shared.errors import AirgapError, FileError, StorageError
from airgap_signer import storage
from airgap_signer.storage import MAGIC
from airgap_signer.wallet import IdentitySecret, Public, Secret
from tests.signer.stored import PUBLIC, SECRET, refused
from tests.signer.world import (
    COLD,
    HOT,
    PASSWORD,
    SEED,
    key_entry,
    wif,
)


def parts(data):
    """Return header, public and secret section."""
    found, at = [], len(MAGIC)
    for _ in range(3):
        (size,) = struct.unpack(">I", data[at : at + 4])
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def joined(sections):
    return MAGIC + b"".join(struct.pack(">I", len(s)) + s for s in sections)


def with_header(path, change):
    """Rewrite the header as JSON, whatever that breaks."""
    header, public, secret = parts(path.read_bytes())
    value = json.loads(header)
    change(value)
    path.write_bytes(joined([json.dumps(value).encode(), public, secret]))


class TestOpening:
    def test_what_was_saved_comes_back(self, path):
        opened = storage.open_(path, PASSWORD)
        assert opened.public == msgspec.structs.replace(
            PUBLIC, secret_digest=opened.public.secret_digest
        )
        assert storage.expose(opened, Secret) == SECRET
        assert storage.expose(opened, IdentitySecret).identity == SEED

    def test_nothing_secret_and_no_name_lies_in_the_clear(self, path):
        data = path.read_bytes()
        for text in (SEED, wif("hot").encode(), b"vault", HOT.encode(), PASSWORD):
            assert text not in data

    @pytest.mark.parametrize(
        "password", [b"", b"x", PASSWORD + b" ", PASSWORD[:-1], b"\x00\xff"]
    )
    def test_another_password_opens_nothing(self, path, password):
        assert refused(path, password) == "storage.wrong_password"

    def test_a_storage_that_is_not_there_says_what_to_do(self, tmp_path):
        with pytest.raises(StorageError) as caught:
            storage.open_(tmp_path / "none", PASSWORD)
        assert caught.value.code == "storage.missing"
        assert "init" in caught.value.hint

    def test_its_file_is_its_owners_alone(self, tmp_path):
        path = tmp_path / "w"
        storage.create(path, PASSWORD, PUBLIC, SECRET, 64)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_an_existing_file_is_never_overwritten(self, path):
        before = path.read_bytes()
        with pytest.raises(FileError) as caught:
            storage.create(path, PASSWORD, PUBLIC, SECRET, 64)
        assert caught.value.code == "file.exists"
        assert path.read_bytes() == before

    def test_each_purpose_has_its_own_key(self, path):
        opened = storage.open_(path, PASSWORD)
        assert opened.key("journal") != opened.key("state seal")
        assert opened.key("journal") != opened.data_key

    def test_a_foreign_data_key_is_told_as_damage(self, path):
        opened = storage.open_(path, PASSWORD)
        other = storage.Storage(
            path, opened.header, opened.public, bytes(32), opened.sealed_secret
        )
        with pytest.raises(StorageError) as caught:
            storage.expose(other, Secret)
        assert caught.value.code == "storage.damaged"


class TestDamage:
    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.integers(0, 10_000), st.integers(0, 7))
    @example(0, 0)
    @example(15, 0)
    @example(16, 7)
    @example(19, 0)
    @example(20, 1)
    @example(-1, 0)
    @example(-20, 3)
    def test_any_flipped_bit_is_damage_or_a_wrong_password(self, made, at, bit):
        data = bytearray(made.read_bytes())
        data[at % len(data)] ^= 1 << bit
        path = made.with_name("flipped")
        path.write_bytes(data)
        assert refused(path) in ("storage.damaged", "storage.wrong_password")

    def test_every_region_of_the_file_is_covered(self, made):
        data = made.read_bytes()
        header, public, secret = parts(data)
        starts = {
            "magic": 0,
            "header length": 16,
            "header": 20,
            "public length": 20 + len(header),
            "public nonce": 24 + len(header),
            "public": 24 + len(header) + 12,
            "public tag": 24 + len(header) + len(public) - 16,
            "secret length": 24 + len(header) + len(public),
            "secret nonce": 28 + len(header) + len(public),
            "secret tag": len(data) - 16,
        }
        assert len(data) == 28 + len(header) + len(public) + len(secret)
        for at in starts.values():
            flipped = bytearray(data)
            flipped[at] ^= 1
            path = made.with_name("flipped")
            path.write_bytes(flipped)
            assert refused(path) in ("storage.damaged", "storage.wrong_password")

    def test_every_truncation_and_every_addition_is_damage(self, made):
        data, path = made.read_bytes(), made.with_name("cut")
        for size in {*range(0, len(data), 37), 15, 16, 17, 19, 20, 21, len(data) - 1}:
            path.write_bytes(data[:size])
            assert refused(path) == "storage.damaged"
        for more in (b"\x00", b"x" * 4096):
            path.write_bytes(data + more)
            assert refused(path) == "storage.damaged"

    def test_a_file_over_its_limit_is_damage(self, path, monkeypatch):
        monkeypatch.setattr(storage, "MAX_STORAGE_BYTES", path.stat().st_size - 1)
        assert refused(path) == "storage.damaged"

    @pytest.mark.parametrize("which", [0, 1, 2])
    def test_an_empty_section_is_damage(self, path, which):
        sections = parts(path.read_bytes())
        sections[which] = b""
        path.write_bytes(joined(sections))
        assert refused(path) == "storage.damaged"

    @pytest.mark.parametrize("text", [b"", b"{", b'{"name":"\xe9"}', 5000 * b'{"a":'])
    def test_a_section_that_holds_no_values_is_damage(self, path, text):
        key = bytes(storage.KEY_BYTES)
        sealed = storage._encrypt(key, b"", text)
        with pytest.raises(StorageError) as caught:
            storage._decrypt_as(key, b"", sealed, Public, path)
        assert caught.value.code == "storage.damaged"

    def test_sections_cannot_change_places(self, path):
        header, public, secret = parts(path.read_bytes())
        path.write_bytes(joined([header, secret, public]))
        assert refused(path) == "storage.damaged"

    @pytest.mark.parametrize("older", [0, 1, 2])
    def test_sections_of_different_generations_are_never_mixed(self, path, older):
        opened = storage.open_(path, PASSWORD)
        changed = Secret(SEED, {HOT: wif("hot"), COLD: wif("cold")})
        storage.save(opened, PUBLIC, changed)
        before = parts(storage.beside(path, "1").read_bytes())
        mixed = parts(path.read_bytes())
        mixed[older] = before[older]
        path.write_bytes(joined(mixed))
        assert refused(path) == "storage.damaged"

    def test_another_storages_section_does_not_fit(self, path, tmp_path):
        other = tmp_path / "other"
        storage.create(other, PASSWORD, PUBLIC, SECRET, 64)
        header, public, _ = parts(path.read_bytes())
        path.write_bytes(joined([header, public, parts(other.read_bytes())[2]]))
        assert refused(path) == "storage.damaged"

    def test_the_hint_names_the_generations_that_are_kept(self, path):
        path.write_bytes(b"")
        with pytest.raises(StorageError) as caught:
            storage.open_(path, PASSWORD)
        assert f"{path}.1" in caught.value.hint


def set_field(name, value):
    def change(header):
        header["slots"][0][name] = value

    return change


class TestHeader:
    @pytest.mark.parametrize(
        "change",
        [
            set_field("memoryMib", storage.MIN_MEMORY_MIB - 1),
            set_field("memoryMib", storage.MAX_MEMORY_MIB + 1),
            set_field("memoryMib", 2**40),
            set_field("iterations", 2),
            set_field("iterations", 17),
            set_field("lanes", 0),
            set_field("lanes", 17),
            set_field("salt", ""),
            set_field("salt", "AAAA"),
            set_field("kind", "none"),
            set_field("more", 1),
            set_field("wrapped", "A" * 4000),
            lambda h: h.update(slots=[]),
            lambda h: h.update(slots=h["slots"] * 9),
            lambda h: h.update(more=1),
            lambda h: h.pop("generation"),
        ],
    )
    def test_a_parameter_below_the_floor_or_above_the_ceiling_is_never_run(
        self, path, change, monkeypatch
    ):
        derived: list[object] = []
        monkeypatch.setattr(storage, "_derive", derived.append)
        with_header(path, change)
        assert refused(path) == "storage.damaged"
        assert derived == []

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (set_field("iterations", 4), "storage.wrong_password"),
            (set_field("memoryMib", 65), "storage.wrong_password"),
            (set_field("wrapped", ""), "storage.wrong_password"),
            (lambda h: h.update(generation=2), "storage.damaged"),
            (lambda h: h.update(storage="00" * 16), "storage.damaged"),
            (lambda h: h.update(slots=h["slots"] * 2), "storage.damaged"),
        ],
    )
    def test_a_header_that_is_valid_but_changed_opens_nothing(self, path, change, code):
        with_header(path, change)
        assert refused(path) == code

    @pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"[" * 100_000, b"null"])
    def test_a_header_that_is_no_header_is_damage(self, path, text):
        _, public, secret = parts(path.read_bytes())
        path.write_bytes(joined([text, public, secret]))
        assert refused(path) == "storage.damaged"


class TestSaving:
    def test_three_generations_are_kept(self, path):
        opened = storage.open_(path, PASSWORD)
        written = [path.read_bytes()]
        for number in range(4):
            public = msgspec.structs.replace(PUBLIC, manifest=number)
            opened = storage.save(opened, public)
            written.append(path.read_bytes())
            names = {each.name for each in path.parent.iterdir()}
            kept = min(number + 2, storage.KEPT_GENERATIONS)
            assert len([n for n in names if n.startswith("wallet.airgap")]) == kept
        assert storage.beside(path, "1").read_bytes() == written[-2]
        assert storage.beside(path, "2").read_bytes() == written[-3]
        for older in ("1", "2"):
            assert refused(storage.beside(path, older)) == ""

    def test_a_file_system_without_hard_links_keeps_them_too(self, path, monkeypatch):
        def refuse(*_):
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        before = path.read_bytes()
        storage.save(storage.open_(path, PASSWORD), PUBLIC)
        assert storage.beside(path, "1").read_bytes() == before

    def test_a_save_without_secrets_leaves_their_section_as_it_is(self, path):
        before = parts(path.read_bytes())
        storage.save(storage.open_(path, PASSWORD), PUBLIC)
        after = parts(path.read_bytes())
        assert after[2] == before[2]
        assert after[1] != before[1]
        assert json.loads(after[0])["generation"] == 2

    def test_the_next_generation_opens_at_once_and_again(self, path):
        changed = Secret(SEED, {COLD: wif("cold")})
        saved = storage.save(storage.open_(path, PASSWORD), PUBLIC, changed)
        assert storage.expose(saved, Secret) == changed
        assert refused(path) == ""

    def test_what_could_not_be_read_again_is_not_written(self, path, monkeypatch):
        before = path.read_bytes()
        monkeypatch.setattr(storage, "MAX_STORAGE_BYTES", len(before))
        opened = storage.open_(path, PASSWORD)
        large = Secret(SEED, {HOT: "x" * 10_000})
        with pytest.raises(StorageError) as caught:
            storage.save(opened, PUBLIC, large)
        assert caught.value.code == "storage.full"
        assert path.read_bytes() == before
        assert not storage.beside(path, "1").exists()

    def test_25_001_entries_are_refused_before_anything_is_written(self):
        first = key_entry(HOT, wif("hot"))
        many = {f"{n:08x}-0000-4000-8000-000000000000": first for n in range(25_001)}
        with pytest.raises(StorageError) as caught:
            PUBLIC.with_entries(many)
        assert caught.value.code == "storage.full"
        del many[next(iter(many))]
        assert len(PUBLIC.with_entries(many).entries) == 25_000

    @pytest.mark.parametrize("step", range(4))
    def test_a_crash_at_any_step_leaves_a_storage_that_opens(
        self, path, monkeypatch, step
    ):
        """Steps: the rotation, the link, the temporary file, the rename."""
        opened = storage.save(storage.open_(path, PASSWORD), PUBLIC)
        targets = [
            ("airgap_signer.storage.os.link", OSError(28, "No space")),
            ("airgap_shared.files._write_temporary", FileError("file.disk_full", "x")),
            ("airgap_shared.files.replace", KeyboardInterrupt()),
            ("airgap_shared.files._sync_folder", OSError(5, "I/O error")),
        ]
        name, error = targets[step]

        def crash(*_, **__):
            raise error

        with monkeypatch.context() as broken:
            broken.setattr(name, crash)
            if name.endswith("link"):
                storage.save(opened, PUBLIC)
            else:
                with pytest.raises((AirgapError, KeyboardInterrupt)):
                    storage.save(opened, PUBLIC)
        assert refused(path) == ""
        again = storage.save(storage.open_(path, PASSWORD), PUBLIC, SECRET)
        assert storage.expose(again, Secret) == SECRET
        assert not [n for n in os.listdir(path.parent) if n.endswith(".tmp")]
