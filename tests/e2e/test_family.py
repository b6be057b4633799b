"""Litecoin, Dogecoin and Bitcoin Cash through both real programs and the sandbox."""

import json

import pytest

from airgap_shared import chains
from airgap_shared.formats.bitcoin import script

FUNDED, PAID = "60", "25"
SOMEBODY = script.p2pkh(b"\x07" * 20)


def stranger(code):
    """The address of somebody who is paid."""
    return script.address(SOMEBODY, chains.lookup(code, "testnet").bitcoin)


def new_keys(world, code, count=1):
    """Keys made offline, whose names the relay knows."""
    command = ("generatemanagedprivatekeybatch", code, str(count), "--testnet")
    made = world.signer.try_(*command)
    world.signer.run("manifest", "-o", world.path(f"manifest {code}"))
    world.relay.run("manifest", world.path(f"manifest {code}"))
    return [json.loads(line) for line in made.stdout.splitlines()]


def asked(world, code, keys, paid=PAID):
    """Ask Tatum for a payment from ``keys``; return its pending id."""
    sources = []
    for key in keys:
        sources += ["--from", f"{key['address']}={key['signatureId']}"]
    target = f"{stranger(code)}={paid}"
    return world.relay.run("transfer", code, *sources, "--to", target)["id"]


@pytest.mark.parametrize("code", ["LTC", "DOGE", "BCH"])
def test_a_payment_of_two_coins_completes(world, code):
    keys = new_keys(world, code, 2)
    for key in keys:
        # Bitcoin Cash's addresses are understood without their prefix too.
        address = key["address"].rpartition(":")[2]
        world.relay.run("sandbox-fund", code, address, FUNDED)
    pending = asked(world, code, keys, "100")
    batch = world.export()
    (item,) = world.relay.run("show", pending)["transactions"]
    assert all(coin["proven"] for coin in item["transaction"]["inputs"]), item
    world.sign(batch)
    world.relay.run("import", world.path("signed"))
    world.relay.run("broadcast")
    world.relay.run("sandbox-mine")
    shown = world.show(pending)
    assert shown["state"] == "COMPLETED"
    path = f"/v3/{chains.lookup(code, 'testnet').tatum_path}/transaction"
    found = world.tatum.get(f"{path}/{shown['txId']}").body
    outputs = found.get("outputs") or found["vout"]
    assert outputs[0]["value"] == (100 * 10**8 if "outputs" in found else 100)
    assert found.get("block") or found["confirmations"] == 1
