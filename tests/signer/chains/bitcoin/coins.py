"""What one key spends, and how a stranger verifies it."""

from embit import ec as embit_ec
from embit.script import Script
from embit.transaction import Transaction as EmbitTransaction

from airgap_shared import secp256k1
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.spending import RULES
from tests.signer.world import (
    p2pkh,
    p2wpkh,
    secret_of,
)


def key(name):
    return secp256k1.public_key(secret_of(name))


def p2sh_p2wpkh(name):
    return script.p2sh(script.hash160(p2wpkh(name)))


def p2pk(name):
    return b"\x21" + key(name) + b"\xac"


KINDS = {
    "p2wpkh": p2wpkh,
    "p2pkh": p2pkh,
    "p2sh-p2wpkh": p2sh_p2wpkh,
    "p2pk": p2pk,
}


def signed_by_stranger(item, coins):
    """Verify with another implementation what the signer made of an item."""
    tx = EmbitTransaction.parse(item.signed)
    for index, made in enumerate(coins):
        spent, pays = tx.vin[index], made.output
        single = RULES["BTC"].spend_of(pays.script)
        witness = spent.witness.items
        if single.is_segwit:
            signature, public = witness
            code = script.p2pkh(script.hash160(public))
            message = tx.sighash_segwit(index, Script(code), pays.amount)
        else:
            pushed = _pushes(spent.script_sig.data)
            signature = pushed[0]
            public = pushed[1] if len(pushed) > 1 else pays.script[1:-1]
            message = tx.sighash_legacy(index, Script(pays.script))
        assert signature[-1] == 1
        verified = embit_ec.PublicKey.parse(public).verify(
            embit_ec.Signature.parse(signature[:-1]), message
        )
        assert verified


def _pushes(data):
    found = []
    while data:
        found.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return found
