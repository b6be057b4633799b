"""Transactions for property tests, and keys whose signatures they carry."""

import hashlib

from embit import ec
from hypothesis import strategies as st

from airgap_shared import secp256k1
from airgap_shared.formats.bitcoin import script, spending
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    Input,
    OutPoint,
    Output,
    Transaction,
)

uint32 = st.integers(0, 2**32 - 1)
amounts = st.integers(0, MAX_MONEY)
scripts = st.binary(max_size=80)
out_points = st.builds(
    OutPoint, st.binary(min_size=32, max_size=32).map(bytes.hex), uint32
)
outputs = st.builds(Output, amounts, scripts)
witnesses = st.lists(st.binary(max_size=80), max_size=4).map(tuple)
inputs = st.builds(Input, out_points, uint32, scripts, witnesses)
bare_inputs = st.builds(Input, out_points, uint32)


def _transactions(spent):
    return st.builds(
        Transaction,
        uint32,
        st.lists(spent, min_size=1, max_size=4).map(tuple),
        st.lists(outputs, min_size=1, max_size=4).map(tuple),
        uint32,
    )


transactions = _transactions(inputs)
"""Anything that the wire can carry."""
unsigned_transactions = _transactions(bare_inputs)
"""As a relay prepares them."""

secrets = st.integers(1, secp256k1.ORDER - 1).map(lambda n: n.to_bytes(32, "big"))


def secret(name):
    """Return a private key made from a name: never one for real use."""
    return hashlib.sha256(f"test key {name}".encode()).digest()


def scripts_of(key):
    """Return every output script that ``key`` spends, by its kind."""
    return dict(
        zip(
            ("p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2pk"),
            script.scripts_of_key(key),
            strict=True,
        )
    )


def sign(transaction, coins, secrets_):
    """Sign every input with embit: RFC 6979, low S, no grinding."""
    digests = spending.Digests(transaction)
    signed = []
    for index, (coin, secret_) in enumerate(zip(coins, secrets_, strict=True)):
        key = secp256k1.public_key(secret_)
        digest = spending.digest(digests, index, coin, key)
        signature = ec.PrivateKey(secret_).sign(digest, grind=False).serialize()
        spent = transaction.inputs[index]
        signed.append(spending.sign_input(spent, coin, key, signature))
    return Transaction(
        transaction.version, tuple(signed), transaction.outputs, transaction.lock_time
    )
