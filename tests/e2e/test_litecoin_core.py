"""Litecoin Core itself takes, mines and finds what both programs make."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from airgap_shared import envelope
from airgap_shared.chains import lookup
from airgap_shared.documents import SignedBatch
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import Output
from tests.e2e.litecoin import Node, NodeLedger

LTC = lookup("LTC", "testnet")
SOMEBODY = script.address(script.p2pkh(b"\x07" * 20), LTC.bitcoin)
PROGRAM = shutil.which("litecoind")

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Litecoin Core is not installed (package litecoind)"
)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    assert PROGRAM is not None
    with Node(PROGRAM, tmp_path_factory.mktemp("litecoin") / "node") as running:
        yield running


def test_what_both_programs_make_is_accepted_mined_and_found(world, node):
    world.sandbox.tatum.ledgers["LTC"] = NodeLedger(node, lambda _event: None)
    command = ("generatemanagedprivatekeybatch", "LTC", "3", "--testnet")
    made = world.signer.try_(*command)
    keys = [json.loads(line) for line in made.stdout.splitlines()]
    world.signer.run("manifest", "-o", world.path("manifest LTC"))
    world.relay.run("manifest", world.path("manifest LTC"))
    pending = []
    for number, key in enumerate(keys):
        legacy = script.script_of_address(key["address"], LTC.bitcoin)
        segwit = script.address(script.p2wpkh(legacy[3:23]), LTC.bitcoin)
        # One legacy coin; one of segwit; one of each, spent together.
        addresses = [[key["address"]], [segwit], [key["address"], segwit]][number]
        for address in addresses:
            world.relay.run("sandbox-fund", "LTC", address, "1")
        sources = []
        for address in addresses:
            sources += ["--from", f"{address}={key['signatureId']}"]
        target = f"{SOMEBODY}={len(addresses) - 0.5}"
        asked = world.relay.run("transfer", "LTC", *sources, "--to", target)
        pending.append(asked["id"])
    signed = sign(world)
    for item in signed:
        refused(node, item)
    world.relay.run("broadcast")
    world.relay.run("sandbox-mine")
    for id_ in pending:
        shown = world.show(id_)
        assert shown["state"] == "COMPLETED"
        found = node.call("getrawtransaction", shown["txId"], 1)
        assert found["confirmations"] == 1
        assert len(found["vin"]) in (1, 2)


def sign(world):
    """Export, sign, take in; return the signed transactions."""
    world.sign(world.export())
    world.relay.run("import", world.path("signed"))
    data = Path(world.path("signed")).read_bytes()
    payload = envelope.unframe(data, SignedBatch.TYPE).payload
    batch = envelope.decode_json(bytes(payload), SignedBatch, "signed batch")
    return [transaction.decode(item.signed) for item in batch.items]


def refused(node, signed):
    """Neither another amount nor another signature is taken, but this one is."""
    output = signed.outputs[0]
    changed = Output(output.amount - 1, output.script), *signed.outputs[1:]
    for made, allowed in ((signed, True), (replace(signed, outputs=changed), False)):
        (said,) = node.call("testmempoolaccept", [made.encode().hex()])
        assert said["allowed"] is allowed, said
