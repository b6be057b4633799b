"""A signer in memory and one on disk, each paired with a relay's side."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from airgap_shared import documents, envelope, secp256k1
from airgap_shared.chains import lookup
from airgap_shared.formats.bitcoin import script
from airgap_signer import ceremony, chains, keys, pairs, session
from airgap_signer.memory import Memory, Record
from airgap_signer.policy import Policy
from airgap_signer.wallet import Public, Secret, StoredEntry
from tests.simulators.relay_side import SOMEBODY, RelaySide, coin, key_of
from tests.vectors.authors import NOON, RELAY, digest

MNEMONIC = "test " * 11 + "junk"
"""Public test words; never fund them."""
LEGAL = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSWORD = b"correct horse"
SEED = hashlib.sha256(b"test signer").digest()

HOT = "742aad14-affc-4e95-a274-f8fb8ec486a3"
SPARE = "7ac89735-6ed7-4aca-a898-8623244eccf8"
COLD = "0e5a7686-6044-4722-a494-6963a68fafb0"
WALLET = "11111111-2222-4333-8444-555555555555"
RETIRED = "99999999-2222-4333-8444-555555555555"

ALLOW = Policy(unproven_amounts="allow")


def secret_of(name):
    """Return a private key made from a name; never one for real use."""
    return hashlib.sha256(f"test key {name}".encode()).digest()


def wif(name, network="testnet"):
    chain = lookup("BTC", network)
    return chains.family(chain).secret_text(secret_of(name), chain)


def key_entry(signature_id, secret_text, network="testnet", code="BTC", **fields):
    """Return the entry of a private key."""
    chain = lookup(code, network)
    family = chains.family(chain)
    key = secp256k1.public_key(family.secret(secret_text, chain))
    values = {
        "signature_id": signature_id,
        "chain": code,
        "network": network,
        "kind": "privateKey",
        "public_key": key.hex(),
        "address": family.address(key, chain),
        "created": NOON,
    }
    return StoredEntry(**values | fields)


def wallet_entry(
    signature_id, mnemonic=MNEMONIC, network="testnet", code="BTC", **fields
):
    """Return the entry of a mnemonic."""
    values = {
        "signature_id": signature_id,
        "chain": code,
        "network": network,
        "kind": "mnemonic",
        "xpub": keys.xpub(mnemonic, lookup(code, network)),
        "created": NOON,
    }
    return StoredEntry(**values | fields)


def p2wpkh(name):
    """Return the script that the private key of ``name`` spends."""
    return script.p2wpkh(script.hash160(secp256k1.public_key(secret_of(name))))


def p2pkh(name):
    return script.p2pkh(script.hash160(secp256k1.public_key(secret_of(name))))


def child_script(index, mnemonic=MNEMONIC, network="testnet"):
    """Return the managed script of a mnemonic's child."""
    chain = lookup("BTC", network)
    key = secp256k1.public_key(keys.child_secret(mnemonic, chain, index))
    return script.managed_script(key, chain.bitcoin)


def sign_as_signer(message):
    return keys.identity_key(SEED).sign(message)


@dataclass
class RememberedHistory:
    """A journal in memory: what the ceremony asks of it, and nothing else."""

    records: list[Record] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=lambda: ["00" * 32])

    def head_at(self, height):
        return self.heads[height] if height < len(self.heads) else None

    def details(self, kind):
        return [text for known, text in self.kept if known == kind]

    def memory(self, tatum_ids, references):
        by_id = {
            each: [r for r in self.records if r.tatum_id == each] for each in tatum_ids
        }
        by_coin = {
            each: [r for r in self.records if each in {c.reference for c in r.coins}]
            for each in references
        }
        return Memory(by_id, by_coin)

    def remember(self, review, records):
        self.records += records
        text = msgspec.json.encode(ceremony.detail(review)).decode()
        self.kept.append(("sign", text))
        self.heads.append(documents.next_head(self.heads[-1], digest(text)))


class Vault:
    """A signer that lives in memory: public values, secrets, history, a relay."""

    def __init__(self, network="testnet"):
        self.network = network
        self.history = RememberedHistory()
        self.secrets = {}
        self.public = Public(name="vault", key=keys.identity_public(SEED))
        self.relay = RelaySide(self.public.fingerprint(), network=network)
        sealed = documents.unseal_identity(self.relay.identity_file())
        self.public = pairs.with_peer(self.public, sealed, NOON)

    def add(self, entry, secret_text):
        self.public = self.public.with_entries({entry.signature_id: entry})
        self.secrets[entry.signature_id] = secret_text
        return entry

    def add_key(self, signature_id, name):
        text = wif(name, self.network)
        return self.add(key_entry(signature_id, text, self.network), text)

    def change(self, signature_id, **fields):
        """Change a stored entry, whatever that does to its truth."""
        entry = msgspec.structs.replace(self.public.entries[signature_id], **fields)
        entries = {**self.public.entries, signature_id: entry}
        self.public = msgspec.structs.replace(self.public, entries=entries)

    def open(self, data):
        return ceremony.open_batch(data, self.public)

    def check(self, data, now=NOON):
        ceremony.check_batch(self.open(data), self.public, self.history, now)

    def review(self, data, policy=None, now=NOON, replaces=()):
        sealed = self.open(data)
        rules = policy or Policy()
        return ceremony.review_batch(
            sealed, self.public, rules, self.history, now, replaces=replaces
        )

    def sign_review(self, review):
        """Sign what ``review`` allows, and remember it."""
        answers, records = ceremony.sign_items(review, self.public, self.secrets)
        self.history.remember(review, records)
        return answers

    def sign(self, *items, policy=None, now=NOON, replaces=()):
        data = self.relay.batch_file(*items)
        return self.sign_review(self.review(data, policy, now, replaces))

    def judged(self, *items, policy=None, now=NOON, replaces=()):
        """Return the reviews of ``items`` as one batch."""
        return self.review(self.relay.batch_file(*items), policy, now, replaces).items

    def code(self, item, policy=None, now=NOON):
        """Return why ``item`` is refused; empty when it is not."""
        (judged,) = self.judged(item, policy=policy, now=now)
        return judged.error.code if judged.error else ""

    def intent(self, item, policy=None):
        (judged,) = self.judged(item, policy=policy)
        return judged.reading.intent


def vault(network="testnet"):
    """Return a vault with a hot key, a spare one, a cold one and a wallet."""
    made = Vault(network)
    for signature_id, name in ((HOT, "hot"), (SPARE, "spare"), (COLD, "cold")):
        made.add_key(signature_id, name)
    made.add(wallet_entry(WALLET, MNEMONIC, network), MNEMONIC)
    return made


def payment(relay, name="payment", *, amount=100_000, fee=1_000, to=SOMEBODY, **more):
    """Return an item: one proven coin of the hot key, all of it to ``to``."""
    made = coin(name, p2wpkh("hot"), amount)
    return relay.item(name, [made], [(to, amount - fee)], [key_of(HOT)], **more)


@dataclass
class Home:
    """A signer's files, and what a test knows of them."""

    path: Path
    relay: RelaySide | None

    @property
    def storage(self):
        return self.path / "wallet.airgap"

    @property
    def journal(self):
        return self.path / "wallet.airgap.journal"

    @property
    def seal(self):
        return self.path / "wallet.airgap.seal"

    @property
    def password_file(self):
        return self.path / "password"

    def beside(self, suffix):
        return self.path / f"wallet.airgap.{suffix}"

    def open(self):
        return session.open_(self.storage, PASSWORD)

    def state(self):
        """Return the bytes of every file but the lock."""
        return {
            each.name: each.read_bytes()
            for each in sorted(self.path.iterdir())
            if each.suffix != ".lock"
        }

    def keep(self):
        """Return a copy of every file, to put some of them back later."""
        return self.state()

    def put_back(self, kept, *names):
        for name in names or kept:
            (self.path / name).write_bytes(kept[name])

    def copy(self, to):
        shutil.copytree(self.path, to)
        return Home(to, self.relay)


def build(folder, now):
    """Make a signer on disk with the entries of ``vault`` and a paired relay."""
    home = Home(folder, None)
    os.makedirs(folder, mode=0o700)
    home.password_file.write_bytes(PASSWORD + b"\n")
    os.chmod(home.password_file, 0o600)
    public = session.create(home.storage, PASSWORD, "vault", SEED, 64)
    home.relay = RelaySide(public.fingerprint(), now=now)
    filled = vault()
    with home.open() as opened:
        identity = documents.unseal_identity(home.relay.identity_file())
        public = pairs.with_peer(opened.public, identity, now)
        public = public.with_entries(dict(filled.public.entries))
        opened.save(public, Secret(opened.secrets().identity, filled.secrets))
        opened.log("pair", {"role": "relay"})
    return home


def head_of(height, head, sign=sign_as_signer):
    """Return a journal head under the signer's own signature."""
    return ceremony.signed_head(height, head, sign)


def code_of(fingerprint, groups=2):
    return envelope.code(fingerprint, groups)


__all__ = ["LEGAL", "RELAY"]
