"""A person with one key at the sandbox's door: plain HTTP, and signatures."""

import json
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from embit.util import ctypes_secp256k1 as native

from airgap_shared import chains, secp256k1
from airgap_shared.formats import bitcore
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.digests import Digests
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
    decode,
)

TESTNET = chains.lookup("BTC", "testnet").bitcoin
WALLET = "742aad14-affc-4e95-a274-f8fb8ec486a3"
SECRET = b"\x11" * 32
KEY = secp256k1.public_key(SECRET)
KEY_HASH = scripts.hash160(KEY)
P2PKH = scripts.p2pkh(KEY_HASH)
P2WPKH = scripts.p2wpkh(KEY_HASH)
P2SH_P2WPKH = scripts.p2sh(scripts.hash160(P2WPKH))
STRANGER = scripts.p2wpkh(b"\x22" * 20)


def address(script: bytes) -> str:
    found = scripts.address(script, TESTNET)
    assert found is not None
    return found


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any


class Caller:
    """Calls one sandbox, a new connection each time."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self._place = urlsplit(url).netloc
        self._headers = {"x-api-key": api_key} if api_key else {}

    def call(self, method: str, path: str, body: object = None) -> Reply:
        connection = HTTPConnection(self._place, timeout=10)
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, self._headers)
            response = connection.getresponse()
            text = response.read()
            return Reply(response.status, json.loads(text) if text else None)
        finally:
            connection.close()

    def post(self, path: str, **body: object) -> Reply:
        return self.call("POST", path, body)

    def get(self, path: str) -> Reply:
        return self.call("GET", path)

    def fund(self, script: bytes, amount: str = "0.01") -> OutPoint:
        reply = self.post(
            "/sandbox/fund", chain="BTC", address=address(script), amount=amount
        )
        assert reply.status == 200, reply
        return OutPoint(reply.body["txId"], 0)

    def mine(self, count: int = 1) -> int:
        return int(self.post("/sandbox/mine", count=count).body["height"])

    def broadcast(self, transaction: Transaction, **more: object) -> Reply:
        raw = transaction.encode().hex()
        return self.post("/v3/bitcoin/broadcast", txData=raw, **more)

    def transfer(self, script: bytes, amount: float = 0.001, **more: object) -> Reply:
        sender = {"address": address(script), "signatureId": WALLET, **more}
        return self.post(
            "/v3/bitcoin/transaction",
            fromAddress=[sender],
            to=[{"address": address(STRANGER), "value": amount}],
        )

    def find(self, tx_id: str) -> Transaction:
        return decode(
            bytes.fromhex(self.get(f"/v3/bitcoin/transaction/{tx_id}").body["hex"])
        )


def spend(
    points: list[OutPoint],
    amount: int,
    *,
    to: bytes = STRANGER,
    sequence: int = 0xFFFFFFFD,
    lock_time: int = 0,
) -> Transaction:
    """An unsigned transaction with one output."""
    inputs = tuple(Input(point, sequence) for point in points)
    return Transaction(2, inputs, (Output(amount, to),), lock_time)


def sign(unsigned: Transaction, coins: list[Output]) -> Transaction:
    """The same, signed with the one key."""
    digests = Digests(unsigned)
    inputs = []
    for index, (spent, coin) in enumerate(zip(unsigned.inputs, coins, strict=True)):
        digest = RULES["BTC"].digest(digests, index, coin, KEY)
        signature = native.ecdsa_signature_serialize_der(
            native.ecdsa_sign(digest, SECRET)
        )
        inputs.append(RULES["BTC"].sign_input(spent, coin, KEY, signature))
    return replace(unsigned, inputs=tuple(inputs))


def sign_pending(pending: dict[str, Any]) -> Transaction:
    """What a KMS would send for a pending transaction."""
    found = bitcore.decode(pending["serializedTransaction"])
    return sign(found.unsigned, list(found.coins))
