"""An edge: the encrypted wallet storage file, its generations, lock and seal.

One file holds a header, a public section and a secret section. A random data key
encrypts both (AES-256-GCM); slots in the header wrap it under passwords (Argon2id).
The public section carries the digest of the secret one, so sections of different
generations cannot be mixed. See ``docs/spec/storage.md``.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from airgap_shared import files
from airgap_shared.documents import Count, Hex32
from airgap_shared.errors import AirgapError, ContractError, SafetyError, StorageError
from airgap_signer.wallet import Public, Secret

T = TypeVar("T")

MAGIC = b"AIRGAP-STORAGE-1"
NONCE_BYTES = 12
KEY_BYTES = 32
KEPT_GENERATIONS = 3
MAX_STORAGE_BYTES = 64 * 1024 * 1024
"""25,000 entries of 500 bytes, public and secret, are 25 MB."""
MIN_MEMORY_MIB = 64
"""Below this, guessing passwords on graphics cards is cheap (RFC 9106 §4)."""
MAX_MEMORY_MIB = 4096
"""Above this, a changed header could keep the machine from ever opening."""
DEFAULT_MEMORY_MIB = 256
LOCK_WAIT_SECONDS = 10.0


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The data key, wrapped under a password."""

    kind: Literal["password"]
    memory_mib: Annotated[int, msgspec.Meta(ge=MIN_MEMORY_MIB, le=MAX_MEMORY_MIB)]
    iterations: Annotated[int, msgspec.Meta(ge=3, le=16)]
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    wrapped: Annotated[bytes, msgspec.Meta(max_length=128)] = b""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What can be read without a password; authenticated by both sections."""

    storage: str
    generation: int
    slots: Annotated[tuple[Slot, ...], msgspec.Meta(min_length=1, max_length=8)]


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Generation and journal head, authenticated under a storage key."""

    generation: Count
    height: Count
    head: Hex32
    mac: Hex32 | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Storage:
    """An opened storage: public values, secret section still encrypted."""

    path: Path
    header: Header
    public: Public
    data_key: bytes
    sealed_secret: bytes

    def key(self, purpose: str) -> bytes:
        """Return the storage key for ``purpose``, derived from the data key."""
        return HKDF(SHA256(), KEY_BYTES, None, purpose.encode()).derive(self.data_key)


def beside(path: Path, suffix: str) -> Path:
    """Return the file of ``path``'s state that ends in ``suffix``."""
    return path.with_name(f"{path.name}.{suffix}")


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep every other writer of this storage out, by a file descriptor's lock.

    The lock dies with the process that holds it. Raises ``storage.busy``.
    """
    descriptor = os.open(beside(path, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise StorageError(
                        "storage.busy",
                        f"another airgap-signer is at work on {path}",
                        "wait until it has ended",
                    ) from error
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def create(
    path: Path, password: bytes, public: Public, secret: Secret, memory_mib: int
) -> Storage:
    """Write a new storage; raises ``file.exists`` and never overwrites."""
    files.require_absent(path)
    data_key = os.urandom(KEY_BYTES)
    slot = _slot(memory_mib, password, data_key)
    header = Header(os.urandom(16).hex(), 0, (slot,))
    return save(Storage(path, header, public, data_key, b""), public, secret)


def open_(path: Path, password: bytes) -> Storage:
    """Open the storage at ``path``; the secret section stays encrypted.

    Raises ``storage.missing``, ``storage.damaged``, ``storage.wrong_password``.
    """
    header, raw, sealed_public, sealed_secret = _read(path)
    data_key = _unwrap(header, password)
    context = MAGIC + raw + b"public"
    public = _decrypt_as(data_key, context, sealed_public, Public, path)
    if hashlib.sha256(sealed_secret).hexdigest() != public.secret_digest:
        raise _damaged(path, "the secret section is of another generation")
    return Storage(path, header, public, data_key, sealed_secret)


def expose(storage: Storage, type_: type[T]) -> T:
    """Decrypt the secret section, decoded as ``type_`` and no further."""
    context = MAGIC + storage.header.storage.encode() + b"secret"
    return _decrypt_as(
        storage.data_key, context, storage.sealed_secret, type_, storage.path
    )


def save(storage: Storage, public: Public, secret: Secret | None = None) -> Storage:
    """Write the next generation; without ``secret`` that section stays as it is.

    Raises ``storage.full`` before anything is written.
    """
    header = msgspec.structs.replace(
        storage.header, generation=storage.header.generation + 1
    )
    sealed_secret = storage.sealed_secret
    if secret is not None:
        context = MAGIC + header.storage.encode() + b"secret"
        plain = msgspec.json.encode(secret)
        sealed_secret = _encrypt(storage.data_key, context, plain)
    digest = hashlib.sha256(sealed_secret).hexdigest()
    public = msgspec.structs.replace(public, secret_digest=digest)
    raw = msgspec.json.encode(header)
    plain = msgspec.json.encode(public)
    sealed_public = _encrypt(storage.data_key, MAGIC + raw + b"public", plain)
    parts = (raw, sealed_public, sealed_secret)
    data = MAGIC + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    if len(data) > MAX_STORAGE_BYTES:
        raise StorageError(
            "storage.full",
            f"the wallet storage would have {len(data)} bytes, "
            f"at most {MAX_STORAGE_BYTES} are read",
        )
    _rotate(storage.path)
    files.replace(storage.path, data)
    return Storage(storage.path, header, public, storage.data_key, sealed_secret)


def change_password(storage: Storage, password: bytes, seal: Seal) -> Storage:
    """Write the storage under a new data key and password; destroy what came before.

    The new seal waits beside the old one until the storage is in place, so that a
    crash at any moment leaves a pair that fits.
    """
    secret = expose(storage, Secret)
    (slot,) = storage.header.slots[:1]
    data_key = os.urandom(KEY_BYTES)
    fresh = _slot(slot.memory_mib, password, data_key)
    header = Header(storage.header.storage, storage.header.generation, (fresh,))
    changed = Storage(storage.path, header, storage.public, data_key, b"")
    seal = _signed_seal(changed, header.generation + 1, seal.height, seal.head)
    files.replace(beside(storage.path, "seal.next"), msgspec.json.encode(seal))
    changed = save(changed, changed.public, secret)
    beside(storage.path, "seal.next").replace(beside(storage.path, "seal"))
    destroy_generations(storage.path)
    return changed


def destroy_generations(path: Path) -> None:
    """Remove every generation but the present one."""
    for number in range(1, KEPT_GENERATIONS):
        beside(path, str(number)).unlink(missing_ok=True)


def write_seal(storage: Storage, height: int, head: str) -> None:
    """Bind this generation and the journal's head, so that neither goes back alone."""
    seal = _signed_seal(storage, storage.header.generation, height, head)
    files.replace(beside(storage.path, "seal"), msgspec.json.encode(seal))


def read_seal(storage: Storage) -> Seal:
    """Return the seal; raises ``safety.storage_changed`` and ``_rolled_back``."""
    waiting = beside(storage.path, "seal.next")
    path = beside(storage.path, "seal")
    seal = _seal_at(path)
    if not _is_sealed(storage, seal) and waiting.exists():
        seal = _seal_at(waiting)
    if not _is_sealed(storage, seal):
        raise SafetyError(
            "safety.storage_changed", f"the state seal {path} is not this storage's"
        )
    if seal.generation > storage.header.generation:
        raise SafetyError(
            "safety.storage_rolled_back",
            f"{storage.path} is generation {storage.header.generation}, "
            f"generation {seal.generation} was written later",
            "an older copy was put back; find out by whom before going on",
        )
    return seal


def renew_seal(storage: Storage, seal: Seal, height: int, head: str) -> None:
    """Let ``seal`` catch up with the one step that a crash may have left it behind.

    Raises ``safety.seal_rolled_back`` when it lags by more.
    """
    generations = storage.header.generation - seal.generation
    entries = height - seal.height
    if max(generations, entries) > 1:
        raise SafetyError(
            "safety.seal_rolled_back",
            f"the state seal lags by {generations} generations and {entries} journal "
            "entries, a crash leaves one",
            "an older seal was put back; find out by whom before going on",
        )
    waiting = beside(storage.path, "seal.next")
    if generations or entries or waiting.exists():
        write_seal(storage, height, head)
        waiting.unlink(missing_ok=True)


def _seal_at(path: Path) -> Seal:
    try:
        return msgspec.json.decode(files.read(path, 4096), type=Seal)
    except (AirgapError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SafetyError(
            "safety.storage_changed", f"the state seal {path} cannot be read: {error}"
        ) from error


def _signed_seal(storage: Storage, generation: int, height: int, head: str) -> Seal:
    seal = Seal(generation, height, head)
    return msgspec.structs.replace(seal, mac=_seal_mac(storage, seal))


def _is_sealed(storage: Storage, seal: Seal) -> bool:
    return hmac.compare_digest(seal.mac, _seal_mac(storage, seal))


def _seal_mac(storage: Storage, seal: Seal) -> str:
    message = msgspec.json.encode(msgspec.structs.replace(seal, mac=""))
    return hmac.new(storage.key("state seal"), message, "sha256").hexdigest()


def _read(path: Path) -> tuple[Header, bytes, bytes, bytes]:
    if not path.exists():
        raise missing(path)
    try:
        data = files.read(path, MAX_STORAGE_BYTES)
    except ContractError as error:
        raise _damaged(path, f"it has more than {MAX_STORAGE_BYTES} bytes") from error
    if data[: len(MAGIC)] != MAGIC:
        raise _damaged(path, "it does not begin like one")
    parts, at = [], len(MAGIC)
    for _ in range(3):
        (size,) = struct.unpack(">I", data[at : at + 4].ljust(4, b"\xff"))
        parts.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    if at != len(data):
        raise _damaged(path, "its length is wrong")
    try:
        header = msgspec.json.decode(parts[0], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path, f"its header: {error}") from error
    return header, parts[0], parts[1], parts[2]


def _unwrap(header: Header, password: bytes) -> bytes:
    for slot in header.slots:
        with contextlib.suppress(InvalidTag):
            return _decrypt(_derive(slot, password), _slot_context(slot), slot.wrapped)
    raise StorageError(
        "storage.wrong_password", "the password opens no slot of this wallet storage"
    )


def _slot(memory_mib: int, password: bytes, data_key: bytes) -> Slot:
    """Return a fresh slot that wraps ``data_key`` under ``password``."""
    slot = Slot("password", memory_mib, 3, 4, os.urandom(16))
    wrapped = _encrypt(_derive(slot, password), _slot_context(slot), data_key)
    return msgspec.structs.replace(slot, wrapped=wrapped)


def _derive(slot: Slot, password: bytes) -> bytes:
    return Argon2id(
        salt=slot.salt,
        length=KEY_BYTES,
        iterations=slot.iterations,
        lanes=slot.lanes,
        memory_cost=slot.memory_mib * 1024,
    ).derive(password)


def _slot_context(slot: Slot) -> bytes:
    return MAGIC + msgspec.json.encode(msgspec.structs.replace(slot, wrapped=b""))


def _encrypt(key: bytes, context: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def _decrypt(key: bytes, context: bytes, sealed: bytes) -> bytes:
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    if len(nonce) < NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(nonce, body, context)


def _decrypt_as(
    key: bytes, context: bytes, sealed: bytes, type_: type[T], path: Path
) -> T:
    try:
        return msgspec.json.decode(_decrypt(key, context, sealed), type=type_)
    except (
        InvalidTag,
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
    ) as error:
        raise _damaged(path, "a section is not what was written") from error


def _rotate(path: Path) -> None:
    """Keep the generations before: PATH.1 is the last one, PATH.2 the one before."""
    if not path.exists():
        return
    for number in range(KEPT_GENERATIONS - 1, 1, -1):
        older = beside(path, str(number - 1))
        if older.exists():
            older.replace(beside(path, str(number)))
    last = beside(path, "1")
    try:
        os.link(path, last)
    except OSError:  # a file system without hard links
        files.replace(last, files.read(path, MAX_STORAGE_BYTES))


def missing(path: Path) -> StorageError:
    """Return the error for a storage that is not there."""
    return StorageError(
        "storage.missing", f"{path} does not exist", "run airgap-signer init first"
    )


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        "storage.damaged",
        f"{path} is not an intact wallet storage: {why}",
        f"earlier generations are kept in {beside(path, '1')} and {beside(path, '2')}",
    )
