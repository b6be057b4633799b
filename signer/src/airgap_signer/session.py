"""An edge: storage, state seal and journal of one signer, opened together.

Everything a command changes goes through here, so that the three never disagree:
the storage's next generation or the journal's next entry first, then the seal.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from airgap_shared import documents, envelope, files
from airgap_shared.documents import Sealed, SignedBatch, UnsignedBatch
from airgap_shared.errors import (
    AirgapError,
    ContractError,
    SafetyError,
    StorageError,
)
from airgap_signer import ceremony, keys, memory, policy, selftest, storage
from airgap_signer.ceremony import Review
from airgap_signer.journal import Journal, Tip, genesis
from airgap_signer.memory import Record
from airgap_signer.policy import Policy
from airgap_signer.storage import Storage
from airgap_signer.wallet import IdentitySecret, Public, Secret, StoredEntry

PUBLIC_COPY = "airgap.public-copy.v1"

Decide = Callable[[Review, int], None]
"""Shows a review, and when the journal was last written; raises unless accepted."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person says of single items of a batch, by their Tatum ids."""

    vetoes: Collection[str] = ()
    replaces: Collection[str] = ()


class Session:
    """An opened signer, locked against every other writer."""

    def __init__(self, opened: Storage, journal: Journal) -> None:
        """Join what ``session.open_`` has opened and compared."""
        self._storage = opened
        self.journal = journal

    @property
    def public(self) -> Public:
        """The public section."""
        return self._storage.public

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return policy.parse(self.public.policy)

    @property
    def path(self) -> Path:
        """The wallet storage file."""
        return self._storage.path

    def sign(self, message: bytes) -> bytes:
        """Sign ``message`` with the signer's own identity."""
        seed = storage.expose(self._storage, IdentitySecret).identity
        return keys.identity_key(seed).sign(message)

    def secrets(self) -> Secret:
        """Return the whole secret section."""
        return storage.expose(self._storage, Secret)

    def secret_texts(self, signature_ids: Collection[str]) -> Mapping[str, str]:
        """Return the secrets of these entries and no others."""
        exposed = storage.expose(self._storage, Secret).keys
        missing = [each for each in signature_ids if each not in exposed]
        if missing:
            raise StorageError("storage.no_entry", f"no secret of entry {missing[0]}")
        return {each: exposed[each] for each in signature_ids}

    def answered(self, sealed: Sealed[UnsignedBatch]) -> bytes | None:
        """Return the signed batch that answered this one before.

        The chain does not cover it: it was made after its entry. So its signature
        counts. Raises ``safety.journal_changed``.
        """
        answer = self.journal.answer(sealed.fingerprint)
        if answer is not None:
            read_answer(answer, self.public, sealed.fingerprint)
        return answer

    def sign_batch(
        self,
        sealed: Sealed[UnsignedBatch],
        choices: Choices,
        now: int,
        decide: Decide,
    ) -> tuple[bytes, Review]:
        """Walk one batch through the whole ceremony; return the signed batch.

        ``decide`` shows the review to a person and raises unless it is accepted;
        nothing secret is decrypted before.
        """
        tip = self.journal.tip()
        memory.check_clock(now, tip.at)
        ceremony.check_batch(sealed, self.public, self.journal, now)
        review = ceremony.review_batch(
            sealed,
            self.public,
            self.policy,
            self.journal,
            now,
            replaces=choices.replaces,
        )
        review = ceremony.veto(review, choices.vetoes)
        decide(review, tip.at)
        selftest.run()
        texts = self.secret_texts(ceremony.needed_entries(review))
        answers, records = ceremony.sign_items(review, self.public, texts)
        tip = self.log("sign", ceremony.detail(review), records)
        head = ceremony.signed_head(tip.height, tip.head, self.sign)
        seen = sealed.document.seen
        links = self.journal.links(seen.height if seen else 0)
        document = ceremony.answer_batch(
            review, answers, head, links, selftest.software_digest()
        )
        answer = documents.seal(document, self.public.key, self.sign)
        self.journal.keep_answer(sealed.fingerprint, tip.height, answer)
        return answer, review

    def save(self, public: Public, secret: Secret | None = None) -> None:
        """Write the next generation, its seal and its public copy."""
        self._storage = storage.save(self._storage, public, secret)
        self._seal(self.journal.tip())
        write_public_copy(self)

    def change_password(self, password: bytes) -> None:
        """Take a new password and data key; earlier generations are destroyed."""
        seal = storage.read_seal(self._storage)
        self._storage = storage.change_password(self._storage, password, seal)
        self.log("password", {})

    def destroy_generations(self) -> None:
        """Remove every earlier generation of the storage file."""
        storage.destroy_generations(self.path)

    def add_entries(self, added: Sequence[tuple[StoredEntry, str]]) -> None:
        """Store entries with their secrets in one durable write."""
        entries = {entry.signature_id: entry for entry, _ in added}
        public = self.public.with_entries(entries)
        digest = hashlib.sha256(" ".join(sorted(entries)).encode()).hexdigest()
        self.log("add", {"count": len(entries), "signatureIds": digest})
        secret = self.secrets()
        texts = {entry.signature_id: text for entry, text in added}
        self.save(public, Secret(secret.identity, {**secret.keys, **texts}))

    def log(self, kind: str, detail: object, records: Sequence[Record] = ()) -> Tip:
        """Append to the journal and seal its new head."""
        now = int(time.time())
        memory.check_clock(now, self.journal.tip().at)
        text = msgspec.json.encode(detail).decode()
        tip = self.journal.append(now, kind, text, records)
        self._seal(tip)
        return tip

    def _seal(self, tip: Tip) -> None:
        storage.write_seal(self._storage, tip.height, tip.head)


def create(path: Path, password: bytes, name: str, seed: bytes, mib: int) -> Public:
    """Make a new signer: storage, empty journal, seal, and public copies."""
    files.require_absent(path)
    key = keys.identity_public(seed)
    public = Public(name=name, key=key)
    journal_path = storage.beside(path, "journal")
    files.require_absent(journal_path)
    Journal.create(journal_path)
    opened = storage.create(path, password, public, Secret(seed, {}), mib)
    storage.write_seal(opened, 0, genesis(public.fingerprint()))
    sign = keys.identity_key(seed).sign
    identity = documents.seal(public.identity(), key, sign)
    files.replace(storage.beside(path, "identity"), identity, 0o644)
    with open_(path, password) as session:
        write_public_copy(session)
    return public


@contextlib.contextmanager
def open_(path: Path, password: bytes) -> Iterator[Session]:
    """Open the signer at ``path`` and compare storage, seal and journal.

    Raises ``storage.*`` and ``safety.*``.
    """
    if not path.exists():
        raise storage.missing(path)
    with storage.lock(path):
        opened = storage.open_(path, password)
        seal = storage.read_seal(opened)
        journal = Journal(
            storage.beside(path, "journal"),
            genesis(opened.public.fingerprint()),
            opened.key("journal"),
        )
        try:
            journal.verify(seal.height, seal.head)
            tip = journal.tip()
            memory.check_clock(int(time.time()), tip.at)
            storage.renew_seal(opened, seal, tip.height, tip.head)
            yield Session(opened, journal)
        finally:
            journal.close()


def read_answer(data: bytes, public: Public, unsigned: str = "") -> SignedBatch:
    """Return a signed batch that the journal kept, when this signer made it.

    ``unsigned`` is the fingerprint of what it must answer. Raises
    ``safety.journal_changed``.
    """
    try:
        batch = documents.unseal(data, SignedBatch, {public.key}).document
    except ContractError as error:
        raise SafetyError(
            "safety.journal_changed", f"an answer in the journal: {error}"
        ) from error
    if unsigned not in ("", batch.unsigned):
        raise SafetyError(
            "safety.journal_changed", "an answer in the journal is of another batch"
        )
    return batch


def write_public_copy(session: Session) -> None:
    """Write what ``review`` may know without a password, under our signature."""
    payload = msgspec.json.encode(session.public)
    data = envelope.seal(PUBLIC_COPY, payload, session.public.key, session.sign)
    files.replace(storage.beside(session.path, "public"), data, 0o600)


def read_public_copy(path: Path) -> Public:
    """Return the last public copy; raises ``storage.missing``, ``storage.damaged``."""
    if not path.exists():
        raise storage.missing(path)
    try:
        data = files.read(storage.beside(path, "public"))
        frame = envelope.unframe(data, PUBLIC_COPY)
        public = envelope.decode_json(bytes(frame.payload), Public, PUBLIC_COPY)
    except AirgapError as error:
        raise StorageError(
            "storage.damaged",
            f"the public copy of {path} cannot be read: {error}",
            "any command that asks for the password and changes something renews it",
        ) from error
    return public
