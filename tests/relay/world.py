"""A paired relay, a simulated Tatum and a fake signer, in one folder."""

import hashlib
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from airgap_relay import config, journal, service
from airgap_relay.service import Relay
from airgap_shared import secp256k1
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.simulators.signer import NOON, FakeSigner, secret
from tests.simulators.tatum import SimulatedTatum, never

HOT = secret("hot")
"""The private key that payments spend with, unless told otherwise."""
OWN = script.p2wpkh(script.hash160(secp256k1.public_key(HOT)))
KEY_ID = "742aad14-affc-4e95-a274-f8fb8ec486a3"
WALLET_ID = "11111111-2222-4333-8444-555555555555"
SOMEBODY = script.p2wpkh(b"\x07" * 20)


class SteppedJournal(journal.Journal):
    """A journal whose every write may be the last thing that the relay does."""

    def __init__(self, inner, step):
        super().__init__(inner._engine)
        self._step = step

    def add_items(self, items, at):
        return self._stepped(super().add_items, items, at)

    def apply(self, changes, at):
        return self._stepped(super().apply, changes, at)

    def add_batch(self, batch, changes):
        return self._stepped(super().add_batch, batch, changes)

    def answer_batch(self, *arguments):
        return self._stepped(super().answer_batch, *arguments)

    def _stepped(self, write, *arguments):
        self._step()
        result = write(*arguments)
        self._step()
        return result


@dataclass
class World:
    """Everything that a payment passes through."""

    home: Any
    tatum: SimulatedTatum
    signer: Any
    notes: list = field(default_factory=list)
    time: int = NOON
    numbers: Any = field(default_factory=count)
    relay: Any = None

    def open(self, step=never):
        """Start the relay, as after a crash."""
        self.close()
        _settings, author = config.load(self.home)
        memory = journal.open_(config.journal_path(self.home))
        self.tatum.step = step
        self.relay = Relay(
            journal=SteppedJournal(memory, step),
            author=author,
            network="testnet",
            now=lambda: self.time,
            random=self.random,
            note=self.notes.append,
        )
        return self.relay

    def close(self):
        if self.relay is not None:
            self.relay.journal.close()
            self.relay = None

    def random(self, size):
        return hashlib.sha256(f"random {next(self.numbers)}".encode()).digest()[:size]

    def pending_id(self, number):
        return hashlib.sha256(f"pending {number}".encode()).hexdigest()[:24]

    def coin(self, number, pays, amount=100_000):
        """Make a transaction that pays to a script, known to Tatum's network."""
        origin = OutPoint(hashlib.sha256(f"origin {number}".encode()).hexdigest(), 0)
        made = Transaction(
            2, (Input(origin, 0xFFFFFFFF, b"\x01\x51"),), (Output(amount, pays),), 0
        )
        self.tatum.add_transaction(made)
        return made

    def payment(self, number, parents=None, pays=SOMEBODY, change=0, **more):
        """Let Tatum list a payment that spends output 0 of each parent."""
        parents = parents or [self.coin(number, OWN)]
        total = sum(parent.outputs[0].amount for parent in parents)
        rest = (Output(change, OWN),) if change else ()
        unsigned = Transaction(
            2,
            tuple(Input(OutPoint(p.tx_id(), 0), 0xFFFFFFFF) for p in parents),
            (Output(total - 1_000 - change, pays), *rest),
            0,
        )
        coins = [parent.outputs[0] for parent in parents]
        pending = pending_json(self.pending_id(number), unsigned, coins) | more
        self.tatum.list_pending(pending)
        return unsigned, pending

    def poll(self):
        return service.poll(self.relay, self.tatum, ["BTC"])

    def export(self, **more):
        """Make a batch that must come about."""
        made = service.export(self.relay, **more)
        assert made is not None
        return made

    def answer(self, exported, **changes):
        author = self.relay.author.key
        return self.signer.answer(exported.batch.document, author, **changes)

    def item(self, number):
        """Return one payment as the journal has it."""
        return self.relay.journal.item(self.pending_id(number))

    def broadcast(self):
        return service.broadcast(self.relay, self.tatum)

    def import_(self, exported):
        return service.import_(self.relay, self.answer(exported))

    def replace(self, number, **wish):
        """Prepare another version, as a person who confirms it; return its txid."""
        plan = service.plan_replacement(
            self.relay, self.pending_id(number), service.Wish(**wish)
        )
        service.replace(self.relay, plan)
        return psbt.decode(plan.payload).unsigned.tx_id()

    def states(self):
        return {s.id: s.state.value for s in self.relay.journal.summaries()}

    def to_signed(self):
        """Bring everything that is listed to SIGNED."""
        self.poll()
        return service.import_(self.relay, self.answer(self.export()))


def pending_json(id_, unsigned, coins):
    """Return a pending transaction as Tatum lists it."""
    return {
        "id": id_,
        "chain": "BTC",
        "serializedTransaction": json.dumps(bitcore(unsigned, coins)),
        "hashes": [KEY_ID],
        "index": None,
        "withdrawalId": None,
        "withdrawalResponses": None,
    }


def bitcore(unsigned, coins):
    """Return a transaction as bitcore writes it."""
    return {
        "hash": unsigned.tx_id(),
        "version": unsigned.version,
        "inputs": [
            {
                "prevTxId": spent.out_point.tx_id,
                "outputIndex": spent.out_point.index,
                "sequenceNumber": spent.sequence,
                "script": "",
                "scriptString": "",
                "output": {"satoshis": coin.amount, "script": coin.script.hex()},
            }
            for spent, coin in zip(unsigned.inputs, coins, strict=True)
        ],
        "outputs": [
            {"satoshis": paid.amount, "script": paid.script.hex()}
            for paid in unsigned.outputs
        ],
        "nLockTime": unsigned.lock_time,
    }


def build(home):
    """Make a relay in ``home``, paired and with a manifest."""
    signer = FakeSigner()
    signer.add_private_key(KEY_ID, HOT)
    signer.add_wallet(WALLET_ID, secret("wallet seed"))
    config.prepare_home(home)
    journal.create(config.journal_path(home)).close()
    config.create(home, config.new("testnet", "", "relay"), secret("relay author"))
    world = World(home, SimulatedTatum(), signer)
    world.open()
    service.accept_signer(world.relay, service.read_signer(signer.identity_file()))
    service.accept_manifest(world.relay, signer.manifest())
    return world
