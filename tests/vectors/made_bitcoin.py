"""Vectors of the PSBT, of the Bitcoin family's bytes, and of Tatum's JSON."""

import json
from dataclasses import replace
from typing import Any

from embit import base58, bech32, bip32

from airgap_shared import limits, secp256k1
from airgap_shared.formats import cashaddr, psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
    compact_size,
    with_length,
)
from tests.vectors.authors import XPUB
from tests.vectors.keys import scripts_of, secret, sign

Vector = dict[str, Any]

SECRET = secret("vectors")
KEY = secp256k1.public_key(SECRET)
HASH = bytes(range(20))
PREVIOUS = Transaction(
    1,
    (Input(OutPoint("aa" * 32, 0), 0xFFFFFFFF, b"\x51"),),
    (Output(70_000, scripts_of(KEY)["p2wpkh"]),),
    0,
)
UNSIGNED = Transaction(
    2,
    (Input(OutPoint(PREVIOUS.tx_id(), 0), 0xFFFFFFFD),),
    (Output(60_000, script.p2pkh(HASH)),),
    0,
)
COIN = PREVIOUS.outputs[0]
SIGNED = sign(UNSIGNED, [COIN], [SECRET])

GLOBAL = (b"\x00", UNSIGNED.encode())
PARENT = (b"\x00", PREVIOUS.encode())
CLAIM = (b"\x01", COIN.encode())
Field = tuple[bytes, bytes]


def psbt_vectors() -> list[Vector]:
    """Return the vectors of docs/spec/psbt.md."""
    whole = _container([GLOBAL], [PARENT, CLAIM], [])
    signed = replace(UNSIGNED, inputs=(replace(UNSIGNED.inputs[0], script_sig=b"\0"),))
    segwit = SIGNED.encode()
    empty = replace(UNSIGNED, outputs=())
    long_length = whole.replace(b"\xff\x01\x00", b"\xff\xfd\x01\x00\x00", 1)
    most = (2**63).to_bytes(8, "little") + COIN.encode()[8:]
    rows = [
        ("ok", "PSBT-1", "ok", whole),
        ("previous-alone", "PSBT-1", "ok", _container([GLOBAL], [PARENT], [])),
        ("claim-alone", "PSBT-1", "ok", _container([GLOBAL], [CLAIM], [])),
        ("nothing-claimed", "PSBT-1", "ok", _container([GLOBAL], [], [])),
        ("magic", "PSBT-1", "malformed", b"psbt\x00" + whole[5:]),
        ("truncated", "PSBT-2", "malformed", whole[:-1]),
        ("trailing", "PSBT-2", "malformed", whole + b"\0"),
        ("no-transaction", "PSBT-3", "malformed", _container([], [], [])),
        ("script-sig", "PSBT-4", "malformed", _of(signed.encode())),
        ("witness", "PSBT-4", "malformed", _of(segwit)),
        ("no-outputs", "PSBT-5", "unsupported", _of(empty.encode(), outputs=0)),
        (
            "global-field",
            "PSBT-6",
            "unsupported",
            _container([GLOBAL, _f(0xFB)], [], []),
        ),
        ("sighash", "PSBT-6", "unsupported", _container([GLOBAL], [_f(0x03)], [])),
        ("partial-signature", "PSBT-6", "unsupported", _input_field(b"\x02" + KEY)),
        ("typed-key", "PSBT-6", "unsupported", _input_field(b"\x01\x00")),
        ("output-field", "PSBT-6", "unsupported", _container([GLOBAL], [], [_f(0)])),
        ("key-twice", "PSBT-7", "malformed", _container([GLOBAL], [CLAIM, CLAIM], [])),
        ("order", "PSBT-8", "not_canonical", _container([GLOBAL], [CLAIM, PARENT], [])),
        ("long-length", "PSBT-9", "malformed", long_length),
        ("no-parent", "PSBT-10", "malformed", _input_field(b"\x00", b"\x01")),
        (
            "claim-trailing",
            "PSBT-11",
            "malformed",
            _input_field(b"\x01", CLAIM[1] + b"\0"),
        ),
        ("claim-amount", "PSBT-11", "malformed", _input_field(b"\x01", most)),
    ]
    vectors = [
        _hex(f"psbt-{name}", must, "psbt", _code("contract.psbt", expect), data)
        for name, must, expect, data in rows
    ]
    oversize = {"padded_to": limits.MAX_ITEM_BYTES + 1}
    code = "contract.psbt.malformed"
    return [*vectors, _hex("psbt-too-large", "PSBT-12", "psbt", code, whole) | oversize]


def bitcoin_vectors() -> list[Vector]:
    """Return the vectors of docs/spec/bitcoin.md."""
    return [
        *_transactions(),
        *_addresses(),
        *_cash_addresses(),
        *_signed(),
        *_coins(),
        *_words(),
        *_tatum(),
    ]


def _code(prefix: str, expect: str) -> str:
    return expect if expect == "ok" else f"{prefix}.{expect}"


def _hex(
    name: str, must: str, format_: str, expect: str, data: bytes, **more: object
) -> Vector:
    head = {"name": name, "must": must, "format": format_}
    return {**head, **more, "hex": data.hex(), "expect": expect}


def _text(
    name: str, must: str, format_: str, expect: str, text: str, **more: object
) -> Vector:
    head = {"name": name, "must": must, "format": format_}
    return {**head, **more, "text": text, "expect": expect}


def _container(*maps: list[Field]) -> bytes:
    parts = [psbt.MAGIC]
    for fields in maps:
        parts += (with_length(key) + with_length(value) for key, value in fields)
        parts.append(b"\x00")
    return b"".join(parts)


def _f(key: int) -> Field:
    return bytes([key]), b"\x01\x00\x00\x00"


def _of(unsigned: bytes, outputs: int = 1) -> bytes:
    return _container([(b"\x00", unsigned)], [], *([] for _ in range(outputs)))


def _input_field(key: bytes, value: bytes = b"\x00") -> bytes:
    return _container([GLOBAL], [(key, value)], [])


def _transactions() -> list[Vector]:
    plain, segwit = UNSIGNED.encode(), SIGNED.encode()
    head, rest = plain[:4], plain[4:]
    amount, most = (60_000).to_bytes(8, "little"), (2**63).to_bytes(8, "little")
    many = head + compact_size(limits.MAX_INPUTS + 1)
    rows = [
        ("ok", "BTC-1", "ok", plain),
        ("segwit-ok", "BTC-1", "ok", segwit),
        ("truncated", "BTC-1", "malformed", plain[:-1]),
        ("trailing", "BTC-1", "malformed", plain + b"\0"),
        ("long-count", "BTC-2", "malformed", head + b"\xfd\x01\x00" + rest[1:]),
        ("no-witness", "BTC-3", "malformed", _with_empty_witness(plain)),
        ("marker", "BTC-3", "malformed", segwit[:5] + b"\x02" + segwit[6:]),
        ("amount", "BTC-4", "malformed", plain.replace(amount, most)),
        ("too-many-inputs", "BTC-5", "malformed", many),
    ]
    vectors = [
        _hex(
            f"transaction-{name}",
            must,
            "transaction",
            _code("contract.bitcoin", expect),
            data,
        )
        for name, must, expect, data in rows
    ]
    code = "contract.bitcoin.malformed"
    large = _hex("transaction-too-large", "BTC-5", "transaction", code, plain)
    limit = 10 * limits.MAX_PREVIOUS_TRANSACTION_BYTES
    return [*vectors, large | {"padded_to": limit + 1}]


def _with_empty_witness(plain: bytes) -> bytes:
    marker = transaction.SEGWIT_MARKER
    return plain[:4] + marker + plain[4:-4] + b"\x00" + plain[-4:]


def _addresses() -> list[Vector]:
    main = {"chain": "BTC", "network": "mainnet"}
    good = bech32.encode("bc", 0, HASH)
    bech32m_v0 = bech32.bech32_encode(
        bech32.Encoding.BECH32M, "bc", [0, *bech32.convertbits(HASH, 8, 5)]
    )
    rows = [
        ("segwit", "BTC-6", "ok", good),
        ("p2pkh", "BTC-6", "ok", base58.encode_check(b"\x00" + HASH)),
        ("p2sh", "BTC-6", "ok", base58.encode_check(b"\x05" + HASH)),
        ("taproot", "BTC-6", "ok", bech32.encode("bc", 1, HASH + HASH[:12])),
        ("testnet-segwit", "BTC-6", "", bech32.encode("tb", 0, HASH)),
        ("testnet-p2pkh", "BTC-6", "", base58.encode_check(b"\x6f" + HASH)),
        ("litecoin", "BTC-6", "", base58.encode_check(b"\x30" + HASH)),
        ("changed", "BTC-7", "", good[:-1] + ("q" if good[-1] != "q" else "p")),
        ("mixed-case", "BTC-7", "", "BC" + good[2:]),
        ("bech32m-of-version-0", "BTC-7", "", bech32m_v0),
        ("short-hash", "BTC-7", "", base58.encode_check(b"\x00" + HASH[:-1])),
        ("version-2", "BTC-8", "", bech32.encode("bc", 2, HASH)),
        ("space", "BTC-7", "", f" {good}"),
    ]
    return [
        _text(
            f"address-{name}", must, "address", ok or "contract.address", text, **main
        )
        for name, must, ok, text in rows
    ]


def _cash_addresses() -> list[Vector]:
    main = {"chain": "BCH", "network": "mainnet"}
    key = cashaddr.encode("bitcoincash", 0, HASH)
    token = cashaddr.encode("bitcoincash", 16, HASH)
    rows = [
        ("key", "BTC-18", "ok", key),
        ("script", "BTC-18", "ok", cashaddr.encode("bitcoincash", 8, HASH)),
        ("testnet", "BTC-18", "", cashaddr.encode("bchtest", 0, HASH)),
        ("changed", "BTC-19", "", key[:-1] + ("q" if key[-1] != "q" else "p")),
        ("mixed-case", "BTC-19", "", key[:-1] + key[-1].upper()),
        ("other-kind", "BTC-20", "", token),
    ]
    return [
        _text(
            f"cashaddr-{name}", must, "address", ok or "contract.address", text, **main
        )
        for name, must, ok, text in rows
    ]


def _signed() -> list[Vector]:
    spent = SIGNED.inputs[0]
    signature, key = spent.witness
    none_type = replace(spent, witness=(signature[:-1] + b"\x02", key))
    high = replace(spent, witness=(_high_s(signature), key))
    more = replace(spent, script_sig=b"\x00")
    other = sign(replace(UNSIGNED, lock_time=1), [COIN], [SECRET])
    rich = Output(COIN.amount + 1, COIN.script)
    taproot = Output(COIN.amount, scripts_of(KEY)["p2tr"])
    rich_taproot = Output(COIN.amount + 1, taproot.script)
    schnorr = sign(UNSIGNED, [taproot], [SECRET])
    typed = replace(spent, witness=(schnorr.inputs[0].witness[0] + b"\x01",))
    rows = [
        ("ok", "BTC-10", "ok", COIN, SIGNED),
        ("taproot-ok", "BTC-10", "ok", taproot, schnorr),
        ("other-lock-time", "BTC-10", "changed", COIN, other),
        ("unsigned", "BTC-11", "signature", COIN, UNSIGNED),
        ("other-amount", "BTC-11", "signature", rich, SIGNED),
        (
            "other-key",
            "BTC-11",
            "signature",
            Output(70_000, script.p2wpkh(HASH)),
            SIGNED,
        ),
        ("other-taproot-amount", "BTC-11", "signature", rich_taproot, schnorr),
        ("high-s", "BTC-12", "signature", COIN, _with_input(high)),
        ("sighash-none", "BTC-13", "signature", COIN, _with_input(none_type)),
        ("taproot-sighash", "BTC-13", "signature", taproot, _with_input(typed)),
        ("more-bytes", "BTC-14", "signature", COIN, _with_input(more)),
    ]
    return [
        _hex(
            f"signed-{name}",
            must,
            "signed",
            _code("contract.signed", expect),
            signed.encode(),
            unsigned=UNSIGNED.encode().hex(),
            coins=[{"amount": coin.amount, "script": coin.script.hex()}],
        )
        for name, must, expect, coin, signed in rows
    ]


def _with_input(spent: Input) -> Transaction:
    return replace(SIGNED, inputs=(spent,))


def _high_s(signature: bytes) -> bytes:
    """Return the other signature that the equation allows, order - s."""
    size = signature[3]
    s = int.from_bytes(signature[6 + size : -1], "big")
    twin = (secp256k1.ORDER - s).to_bytes(33, "big")
    body = signature[2 : 4 + size] + b"\x02\x21" + twin
    return b"\x30" + bytes([len(body)]) + body + signature[-1:]


def _coins() -> list[Vector]:
    others = {"p2wsh": b"\x00\x20" + KEY[1:], "version-2": b"\x52\x20" + KEY[1:]}
    good = [
        _hex(f"coin-{kind}", "BTC-9", "coin", "ok", found)
        for kind, found in scripts_of(KEY).items()
    ]
    bad = [
        _hex(f"coin-{kind}", "BTC-9", "coin", "contract.bitcoin.script", found)
        for kind, found in (others | {"op-return": b"\x6a\x01\x00"}).items()
    ]
    return good + bad


def _words() -> list[Vector]:
    amounts = {
        "ok": "0.00012",
        "exponent": "1e-4",
        "sign": "-1",
        "leading-zero": "01",
        "too-precise": "0.000000001",
    }
    made = [
        _text(
            f"amount-{n}", "BTC-15", "amount", n if n == "ok" else "contract.amount", t
        )
        for n, t in amounts.items()
    ]
    private = bip32.HDKey.from_seed(SECRET).to_base58()
    return [
        *made,
        _text("chain-ok", "BTC-16", "chain", "ok", "BTC"),
        _text("chain-unknown", "BTC-16", "chain", "contract.chain", "FLOW"),
        _text("xpub-ok", "BTC-17", "xpub", "ok", XPUB),
        _text("xpub-checksum", "BTC-17", "xpub", "contract.xpub", XPUB[:-1] + "1"),
        _text("xpub-private", "BTC-17", "xpub", "contract.xpub", private),
    ]


def _tatum() -> list[Vector]:
    spent = {
        "prevTxId": PREVIOUS.tx_id(),
        "outputIndex": 0,
        "sequenceNumber": 0xFFFFFFFD,
        "script": "",
        "output": {"satoshis": COIN.amount, "script": COIN.script.hex()},
    }
    paid = UNSIGNED.outputs[0].script.hex()
    good = {
        "hash": UNSIGNED.tx_id(),
        "version": 2,
        "inputs": [spent],
        "outputs": [{"satoshis": 60_000, "script": paid}],
        "nLockTime": 0,
    }
    bare = {name: value for name, value in good.items() if name != "hash"}
    no_coin = {name: value for name, value in spent.items() if name != "output"}
    fraction = [{"satoshis": 0.5, "script": paid}]
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        ("ok", "TATUM-1", "ok", good),
        ("no-hash", "TATUM-2", "ok", bare),
        ("unknown-field", "TATUM-1", "ok", good | {"fee": 10_000}),
        ("fraction", "TATUM-1", "malformed", bare | {"outputs": fraction}),
        ("no-inputs", "TATUM-1", "malformed", bare | {"inputs": []}),
        ("hash", "TATUM-2", "hash", good | {"nLockTime": 1}),
        (
            "change",
            "TATUM-3",
            "change",
            good | {"changeIndex": 1, "changeScript": paid},
        ),
        ("signed", "TATUM-4", "signed", bare | {"inputs": [spent | {"script": "00"}]}),
        ("no-coin", "TATUM-5", "no_coin", bare | {"inputs": [no_coin]}),
    ]
    return [
        _text(
            f"tatum-{name}",
            must,
            "tatum",
            _code("contract.tatum", expect),
            json.dumps(fields, separators=(",", ":")),
        )
        for name, must, expect, fields in rows
    ]
