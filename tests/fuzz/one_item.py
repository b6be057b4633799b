"""The signer's whole way with one item: read, judge, show, sign.

What passed the review must be signed without an error: an item that raises one while
it is signed would take its whole batch with it.
"""

from dataclasses import replace
from functools import cache

import msgspec

from airgap_shared import chains, secp256k1
from airgap_shared.documents import KeyReference
from airgap_shared.errors import AirgapError
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT
from airgap_signer import chains as families
from airgap_signer import items, memory, review
from tests.signer import world
from tests.simulators.relay_side import (
    SOMEBODY,
    MadeCoin,
    coin,
    container,
    key_of,
)
from tests.simulators.relay_side import spend as spend_of
from tests.vectors.authors import NOON

CODES = chains.CODES
NAMES = {"hot": world.HOT, "spare": world.SPARE, "cold": world.COLD}
KEYS = (("hot",), ("hot", "spare"), ("wallet",), ("wallet", "cold"), ())
"""The first byte of an input chooses the item's keys, and its chain."""

PROOFS = ("previous", "claim", "both", "nothing")


def id_of(name: str, code: str) -> str:
    """Return the entry of ``name`` on a chain; each chain has ids of its own."""
    return f"{CODES.index(code)}{NAMES[name][1:]}"


@cache
def vault() -> world.Vault:
    """A signer with the same keys on each chain's testnet, and a wallet on one."""
    made: world.Vault = world.vault()
    for code in CODES:
        chain = chains.lookup(code, "testnet")
        for name in NAMES:
            secret = world.secret_of(name)
            family = families.family(chain)
            key = secp256k1.public_key(secret)
            entry = world.key_entry(id_of(name, code), world.wif(name), chain=code)
            address = family.address(key, chain)
            entry = msgspec.structs.replace(entry, address=address)
            made.add(entry, family.secret_text(secret, chain))
    return made


def chosen(first: int) -> tuple[str, list[KeyReference]]:
    """Return the chain and the keys that a first byte stands for."""
    which, number = divmod(first, len(KEYS))
    code = CODES[which % len(CODES)]
    keys = [
        key_of(world.WALLET, 0) if name == "wallet" else key_of(id_of(name, code))
        for name in KEYS[number]
    ]
    return code, keys


@cache
def scripts() -> tuple[bytes, ...]:
    """Scripts that coins and payments are chosen from: ours, others', nobody's."""
    hot = secp256k1.public_key(world.secret_of("hot"))
    return (
        *RULES["BTC"].scripts_of_key(hot),
        world.p2wpkh("spare"),
        world.p2pkh("cold"),
        world.child_script(0),
        world.child_script(1),
        SOMEBODY,
        script.p2sh(bytes(20)),
        script.OP_RETURN + b"\x03abc",
        b"",
    )


def read(data: bytes) -> bool:
    """Take the bytes after the first one as an item's; tell whether it was signed."""
    signer = vault()
    code, keys = chosen(data[0] if data else 0)
    asked = signer.relay.item_of("fuzzed", data[1:], keys, chain=code)
    found = items.read(asked, "testnet", signer.public, {}, NOON)
    judged = items.judge(
        found, memory.Memory({}, {}), {}, world.ALLOW, is_replacement=False
    )
    shown = "".join(review._item(1, 1, judged))
    assert all(" " <= character <= "~" or character == "\n" for character in shown)
    if judged.error is not None:
        assert judged.error.code != "contract.unreadable", judged.error.message
        return False
    assert judged.reading is not None
    try:
        record = items.sign(asked, judged.reading, signer.public, signer.secrets)
    except AirgapError as error:
        raise AssertionError(f"passed the review, then {error.code}") from error
    signed = transaction.decode(record.signed)
    assert signed.tx_id() == record.tx_id
    assert record.fee == judged.reading.intent.fee > 0
    return True


class Choices:
    """Numbers from a fuzzer's bytes; zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def number(self, size: int = 1) -> int:
        return int.from_bytes(bytes(next(self._data, 0) for _ in range(size)), "big")

    def script(self) -> bytes:
        return scripts()[self.number() % len(scripts())]

    def amount(self) -> int:
        """Mostly what people pay, now and then the largest that there is."""
        number = self.number(3)
        return transaction.MAX_MONEY - number if number % 16 == 15 else number

    def coin(self, name: str) -> MadeCoin:
        pays, amount, kind = self.script(), self.amount(), self.number()
        claimed = Output(self.amount(), self.script()) if kind >= 128 else None
        proof, index = PROOFS[kind % 4], kind % 3
        made: MadeCoin = coin(
            name, pays, amount, index=index, proof=proof, claimed=claimed
        )
        return made


def spend(data: bytes) -> bool:
    """Take the bytes as choices, so that the item itself is always well formed."""
    choose = Choices(data)
    first = choose.number()
    coins = [choose.coin(str(number)) for number in range(1 + choose.number() % 3)]
    outputs = [
        (choose.script(), choose.amount()) for _ in range(1 + choose.number() % 4)
    ]
    version, sequence, lock_time = choose.number(), choose.number(4), choose.number(4)
    unsigned = spend_of(
        coins,
        outputs,
        version=2 + version if version >= 128 else 2,
        sequence=0xFFFFFFFF - sequence,
        lock_time=lock_time,
    )
    has_fork_id = (chosen(first)[0] == "BCH") != (version == 7)
    said = (replace(made.said(), has_fork_id=has_fork_id) for made in coins)
    return read(bytes([first]) + PSBT(unsigned, tuple(said)).encode())


def spendings() -> list[bytes]:
    """One coin of each script of the hot key, and one payment; then two coins; then
    one coin of the key's hash on each chain.
    """
    amount, paid = (100_000).to_bytes(3, "big"), (99_000).to_bytes(3, "big")
    somebody = bytes([scripts().index(SOMEBODY)])
    pays = b"\0" + somebody + paid
    p2pkh = bytes([scripts().index(world.p2pkh("hot"))])
    one = [b"\0\0" + bytes([kind]) + amount + b"\0" + pays for kind in range(5)]
    two = b"\1\1" + b"\0" + amount + b"\0" + b"\5" + amount + b"\2"
    # Dogecoin's nodes relay none below 100 base units a byte, and there is no segwit.
    anybody = bytes([scripts().index(script.p2sh(bytes(20)))])
    more, rest = (10_000_000).to_bytes(3, "big"), (9_970_000).to_bytes(3, "big")
    each = [
        bytes([len(KEYS) * which, 0]) + p2pkh + more + b"\0\0" + anybody + rest
        for which in range(len(CODES))
    ]
    return [*one, two + b"\1" + somebody + paid + b"\0" + paid, *each]


def containers() -> list[bytes]:
    """Items that are signed, each behind the number of its keys."""
    hot, child = world.p2wpkh("hot"), world.child_script(0)
    pays = [(SOMEBODY, 90_000)]
    both = [coin("g", child), coin("h", world.p2pkh("cold"))]
    made = [
        (0, [coin("a", hot)], [*pays, (hot, 9_000)]),
        (0, [coin("b", hot, proof="claim")], [(SOMEBODY, 99_000)]),
        (0, [coin("c", world.p2pkh("hot"), index=2, proof="both")], [(hot, 99_000)]),
        (1, [coin("d", hot), coin("e", world.p2pkh("spare"))], [(SOMEBODY, 195_000)]),
        (2, [coin("f", child)], [(SOMEBODY, 50_000), (child, 48_000)]),
        (3, both, [*pays, *pays, (SOMEBODY, 15_000)]),
    ]
    return [
        bytes([number]) + container(spend_of(coins, outputs), coins)
        for number, coins, outputs in made
    ]
