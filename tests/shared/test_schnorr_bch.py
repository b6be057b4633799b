"""Bitcoin Cash's Schnorr signatures against vectors that others published.

The scheme is that of the first draft of bip-schnorr (2018), whose vectors Bitcoin
Cash's specification of 2019-05-15 took over; only the nonces differ, and nonces do not
matter to who verifies. Rows: public key, message, signature, whether it is valid.
"""

import pytest

from airgap_shared import secp256k1

DRAFT_OF_2018 = {
    "1: key one, message zero": (
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "00" * 32,
        (
            "787a848e71043d280c50470e8e1532b2dd5d20ee912a45dbdd2bd1dfbf187ef6"
            "7031a98831859dc34dffeedda86831842ccd0079e1f92af177f7f22cc1dced05"
        ),
    ),
    "2: digits of e and pi": (
        "02dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        (
            "2a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d"
            "1e51a22ccec35599b8f266912281f8365ffc2d035a230434a1a64dc59f7013fd"
        ),
    ),
    "3: a key of odd y": (
        "03fac2114c2fbb091527eb7c64ecb11f8021cb45e8e7809d3c0938e4b8c0e5f84b",
        "5e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
        (
            "00da9b08172a9b6f0466a2defd817f2d7ab437e0d253cb5395a963866b3574be"
            "00880371d01766935b92d2ab4cd5c8a2a5837ec57fed7660773a05f0de142380"
        ),
    ),
}
ROWS = [tuple(map(bytes.fromhex, row)) for row in DRAFT_OF_2018.values()]


@pytest.mark.parametrize(("key", "message", "signature"), ROWS, ids=DRAFT_OF_2018)
class TestPublished:
    def test_it_verifies(self, key, message, signature):
        assert secp256k1.verify_schnorr_bch(signature, message, key)

    def test_any_flipped_bit_does_not(self, key, message, signature):
        for at in range(0, 64, 7):
            changed = bytearray(signature)
            changed[at] ^= 1
            assert not secp256k1.verify_schnorr_bch(bytes(changed), message, key)
        assert not secp256k1.verify_schnorr_bch(signature, message[:-1] + b"\xff", key)

    def test_the_other_square_root_does_not(self, key, message, signature):
        negated = (secp256k1.ORDER - int.from_bytes(signature[32:], "big")).to_bytes(
            32, "big"
        )
        twin = signature[:32] + negated
        assert not secp256k1.verify_schnorr_bch(twin, message, key)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_another_length_is_no_signature(size):
    key, message, signature = ROWS[0]
    made = (signature + b"\x00")[:size]
    assert not secp256k1.verify_schnorr_bch(made, message, key)


def test_a_key_that_is_no_point_verifies_nothing():
    _, message, signature = ROWS[0]
    assert not secp256k1.verify_schnorr_bch(signature, message, b"\x02" + b"\xff" * 32)
