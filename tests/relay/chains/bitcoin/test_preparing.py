"""Tatum's JSON → PSBT → signed bytes → txid."""

import json
from dataclasses import replace

import pytest

from airgap_relay.chains.base import decode_pending
from airgap_relay.chains.bitcoin import BitcoinFamily
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.documents import Entry, KeyReference
from airgap_shared.errors import ContractError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.relay.world import KEY_ID, SOMEBODY, WALLET_ID, pending_json
from tests.simulators.signer import (
    FakeSigner,
    coins_of,
    secret,
    sign_transaction,
)

FAMILY = BitcoinFamily()
BTC = lookup("BTC", "testnet")
HOT = secp256k1.public_key(secret("hot"))
SIGNER = FakeSigner()
SIGNER.add_private_key(KEY_ID, secret("hot"))
SIGNER.add_wallet(WALLET_ID, secret("wallet seed"))
ENTRIES = {entry.signature_id: entry for entry in SIGNER.entries}
WALLET_KEY = secp256k1.public_key(SIGNER.secrets[WALLET_ID][3])


def parent(*outputs, lock_time=0):
    origin = Input(OutPoint("cd" * 32, 7), 0xFFFFFFFE, b"\x01\x51")
    return Transaction(1, (origin,), outputs, lock_time)


def spending_of(*parents, index=0):
    inputs = (Input(OutPoint(p.tx_id(), index), 0xFFFFFFFD) for p in parents)
    return Transaction(2, tuple(inputs), (Output(900, SOMEBODY),), 0)


def prepare(parents, *, coins=None, index=0, proofs=None, entries=ENTRIES, **more):
    coins = coins or [p.outputs[index] for p in parents]
    unsigned = spending_of(*parents, index=index)
    raw = json.dumps(pending_json("a" * 24, unsigned, coins) | more).encode()
    pending = decode_pending(raw)
    if proofs is None:
        proofs = {p.tx_id(): p.encode() for p in parents}
    return FAMILY.prepare(pending, proofs, entries, BTC)


def code_of(*arguments, **more):
    with pytest.raises(ContractError) as caught:
        prepare(*arguments, **more)
    return caught.value.code


SEGWIT = script.p2wpkh(script.hash160(HOT))
LEGACY = script.p2pkh(script.hash160(HOT))
TAPROOT = script.p2tr(secp256k1.taproot_output_key(HOT))
WALLET = script.p2wpkh(script.hash160(WALLET_KEY))


def test_a_segwit_input_has_its_proof_and_its_claim():
    made = parent(Output(1_000, SEGWIT))
    (stated,) = psbt.decode(prepare([made]).payload).inputs
    assert stated == psbt.PSBTInput(made, Output(1_000, SEGWIT))


def test_a_segwit_input_that_is_not_found_is_claimed():
    made = parent(Output(1_000, SEGWIT))
    (stated,) = psbt.decode(prepare([made], proofs={}).payload).inputs
    assert stated == psbt.PSBTInput(None, Output(1_000, SEGWIT))


def test_a_legacy_input_is_claimed_only_when_nothing_proves_it():
    made = parent(Output(1_000, LEGACY))
    (stated,) = psbt.decode(prepare([made]).payload).inputs
    assert stated == psbt.PSBTInput(made, None)
    (stated,) = psbt.decode(prepare([made], proofs={}).payload).inputs
    assert stated == psbt.PSBTInput(None, Output(1_000, LEGACY))


def test_a_taproot_input_is_claimed_for_its_signature_proves_all_amounts():
    made = parent(Output(1_000, TAPROOT))
    prepared = prepare([made])
    assert prepared == prepare([made], proofs={})
    (stated,) = psbt.decode(prepared.payload).inputs
    assert stated == psbt.PSBTInput(None, Output(1_000, TAPROOT))
    container = psbt.decode(prepared.payload)
    signed = sign_transaction(container.unsigned, coins_of(container), [secret("hot")])
    assert FAMILY.matches(prepared.payload, signed.encode(), BTC) == signed.tx_id()
    lie = replace(signed, outputs=(Output(800, SOMEBODY),))
    assert refused(prepared.payload, lie.encode()) == "contract.signed.changed"


@pytest.mark.parametrize("claim", [Output(999, SEGWIT), Output(1_000, LEGACY)])
def test_a_claim_that_the_previous_transaction_contradicts_is_refused(claim):
    made = parent(Output(1_000, SEGWIT))
    assert code_of([made], coins=[claim]) == "contract.tatum.amount"


def test_an_output_that_does_not_exist_is_refused():
    made = parent(Output(1_000, SEGWIT))
    found = code_of([made], coins=[Output(1_000, SEGWIT)], index=1)
    assert found == "contract.tatum.amount"


def test_a_previous_transaction_over_the_limit_is_refused():
    big = parent(Output(1_000, SEGWIT), Output(0, bytes(400_000)))
    assert code_of([big]) == "contract.tatum.too_large"


def test_needs_every_previous_transaction_once_but_not_taproots():
    made = parent(Output(1, SEGWIT), Output(2, LEGACY))
    other = parent(Output(3, b"\x51\x20" + b"\x01" * 32), lock_time=1)
    unsigned = Transaction(
        2,
        (
            Input(OutPoint(made.tx_id(), 0), 0),
            Input(OutPoint(made.tx_id(), 1), 0),
            Input(OutPoint(other.tx_id(), 0), 0),
        ),
        (Output(1, SOMEBODY),),
        0,
    )
    coins = [*made.outputs, *other.outputs]
    raw = json.dumps(pending_json("a" * 24, unsigned, coins)).encode()
    assert FAMILY.needs(decode_pending(raw)) == {made.tx_id()}


def test_keys_come_in_signing_order_once_and_none_too_many():
    coins = [Output(1, WALLET), Output(2, SEGWIT), Output(3, WALLET)]
    parents = [parent(coin, lock_time=i) for i, coin in enumerate(coins)]
    named = [{"id": WALLET_ID, "index": 5}, {"id": WALLET_ID, "index": 3}]
    made = prepare(parents, hashes=[KEY_ID, KEY_ID, "unknown"], signatures=named)
    assert made.keys == (
        KeyReference(signature_id=WALLET_ID, index=3),
        KeyReference(signature_id=KEY_ID),
    )


def test_a_wallet_is_found_by_its_index_even_when_hashes_name_it_too():
    named = [{"id": WALLET_ID, "index": 3}]
    made = prepare([parent(Output(1, WALLET))], hashes=[WALLET_ID], signatures=named)
    assert made.keys == (KeyReference(signature_id=WALLET_ID, index=3),)


def test_a_private_key_may_be_named_among_the_signatures():
    named = [{"id": KEY_ID, "index": None}]
    made = prepare([parent(Output(1, LEGACY))], hashes=None, signatures=named)
    assert made.keys == (KeyReference(signature_id=KEY_ID),)


@pytest.mark.parametrize(
    "names",
    [
        {"hashes": [WALLET_ID]},
        {"hashes": [], "signatures": [{"id": WALLET_ID, "index": None}]},
        {"hashes": [], "signatures": [{"id": WALLET_ID}]},
    ],
)
def test_a_wallet_without_an_index_is_refused(names):
    found = code_of([parent(Output(1, WALLET))], **names)
    assert found == "contract.tatum.key_index"


@pytest.mark.parametrize("hashes", [[], ["unknown"], None])
def test_an_input_without_a_key_is_refused(hashes):
    found = code_of([parent(Output(1, SEGWIT))], hashes=hashes)
    assert found == "contract.tatum.key_missing"


@pytest.mark.parametrize("change", [{"chain": "LTC"}, {"network": "mainnet"}])
def test_a_key_of_another_chain_or_network_is_refused(change):
    fields = {name: getattr(ENTRIES[KEY_ID], name) for name in Entry.__struct_fields__}
    entries = {KEY_ID: Entry(**fields | change)}
    found = code_of([parent(Output(1, SEGWIT))], entries=entries)
    assert found == "contract.tatum.key_chain"


def fields_of(made):
    """Return a transaction as the API tells it, field by field."""
    return {
        "hash": made.tx_id(),
        "version": made.version,
        "locktime": made.lock_time,
        "inputs": [
            {
                "prevout": {"hash": i.out_point.tx_id, "index": i.out_point.index},
                "script": i.script_sig.hex(),
                "sequence": i.sequence,
                "coin": None,
            }
            for i in made.inputs
        ],
        "outputs": [
            {"value": o.amount, "script": o.script.hex(), "address": None}
            for o in made.outputs
        ],
    }


def test_a_transaction_is_found_by_its_bytes_without_the_witness():
    bare = parent(Output(1_000, SEGWIT))
    witnessed = replace(bare, inputs=(replace(bare.inputs[0], witness=(b"\x01",)),))
    answer = json.dumps({"hex": witnessed.encode().hex()}).encode()
    assert FAMILY.find(answer, bare.tx_id()) == bare.encode()


def test_a_transaction_is_rebuilt_from_its_fields():
    made = parent(Output(1_000, SEGWIT), Output(2**40, LEGACY))
    assert FAMILY.find(json.dumps(fields_of(made)).encode(), made.tx_id()) == (
        made.encode()
    )


def test_a_node_answers_its_bytes_as_the_result():
    made = parent(Output(1_000, SEGWIT))
    answer = json.dumps({"result": made.encode().hex(), "error": None}).encode()
    assert FAMILY.find(answer, made.tx_id()) == made.encode()


def test_a_negative_version_is_the_same_four_bytes():
    made = replace(parent(Output(1_000, SEGWIT)), version=2**32 - 1)
    answer = json.dumps(fields_of(made) | {"version": -1}).encode()
    assert FAMILY.find(answer, made.tx_id()) == made.encode()


@pytest.mark.parametrize(
    "change",
    [
        {"locktime": 1},
        {"outputs": []},
        {"inputs": None},
        {"outputs": [{"value": "1000", "script": ""}]},
    ],
)
def test_what_hashes_to_another_id_proves_nothing(change):
    made = parent(Output(1_000, SEGWIT))
    answer = json.dumps(fields_of(made) | change).encode()
    assert FAMILY.find(answer, made.tx_id()) is None


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b'{"hex":"0"}', b"\xff"])
def test_an_answer_that_is_no_transaction_proves_nothing(raw):
    assert FAMILY.find(raw, "00" * 32) is None


def signed_one():
    made = prepare([parent(Output(1_000, SEGWIT))])
    container = psbt.decode(made.payload)
    signed = sign_transaction(container.unsigned, coins_of(container), [secret("hot")])
    return made.payload, signed


def refused(payload, signed):
    with pytest.raises(ContractError) as caught:
        FAMILY.matches(payload, signed, BTC)
    return caught.value.code


def test_another_output_is_not_what_was_asked():
    payload, signed = signed_one()
    stolen = replace(signed, outputs=(Output(900, LEGACY),))
    assert refused(payload, stolen.encode()) == "contract.signed.changed"


def test_a_signature_of_another_key_is_refused():
    payload, signed = signed_one()
    spent = signed.inputs[0]
    der, _key = spent.witness
    other = secp256k1.public_key(secret("other"))
    stolen = replace(signed, inputs=(replace(spent, witness=(der, other)),))
    assert refused(payload, stolen.encode()) == "contract.signed.signature"


def test_an_unsigned_answer_is_refused():
    payload, signed = signed_one()
    bare = transaction.decode(signed.encode()).unsigned()
    assert refused(payload, bare.encode()) == "contract.signed.signature"


def test_every_flipped_bit_is_refused():
    payload, signed = signed_one()
    data = signed.encode()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1
        assert refused(payload, bytes(flipped)).startswith("contract.signed.")


def test_every_truncation_is_refused():
    payload, signed = signed_one()
    data = signed.encode()
    for size in range(len(data)):
        assert refused(payload, data[:size]) == "contract.signed.malformed"
    assert refused(payload, data + b"\x00") == "contract.signed.malformed"


def test_people_see_amounts_addresses_and_the_fee():
    made = prepare([parent(Output(1_000, SEGWIT))])
    told = FAMILY.describe(made.payload, BTC)
    assert told["fee"] == "0.000001"
    assert told["inputs"][0]["proven"] is True
    assert told["outputs"] == [
        {
            "address": script.address(SOMEBODY, BTC.bitcoin),
            "script": SOMEBODY.hex(),
            "amount": "0.000009",
        }
    ]


def test_coins_are_the_outpoints():
    one = parent(Output(1, SEGWIT))
    assert FAMILY.coins(prepare([one]).payload) == {f"{one.tx_id()}:0"}
