"""Commands on wallet entries, under the names that Tatum KMS users type.

Always answered in JSON.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from airgap_shared.commandline import invocation
from airgap_signer.cli.opening import chain_of, change_entries, opened

if TYPE_CHECKING:
    from airgap_shared.chains import Chain
    from airgap_signer.wallet import StoredEntry

_testnet = click.option("--testnet", is_flag=True, help="The chain's test network.")


@click.command(epilog="Example: airgap-signer generatewallet BTC --testnet")
@click.argument("chain")
@_testnet
def generatewallet(chain: str, *, testnet: bool) -> None:
    """Print a fresh mnemonic and its xpub; store nothing."""
    import os

    from airgap_signer import keys

    run = invocation()
    which = chain_of(chain, testnet=testnet)
    mnemonic = keys.fresh_mnemonic(os.urandom)
    run.answer({"mnemonic": mnemonic, "xpub": keys.xpub(mnemonic, which)})


@click.command(epilog="Example: airgap-signer generatemanagedwallet BTC --testnet")
@click.argument("chain")
@_testnet
def generatemanagedwallet(chain: str, *, testnet: bool) -> None:
    """Store a fresh mnemonic wallet; print its signature id and xpub."""
    import os

    from airgap_signer import keys

    which = chain_of(chain, testnet=testnet)
    _store_mnemonic(which, lambda: keys.fresh_mnemonic(os.urandom))


@click.command(epilog="Example: airgap-signer storemanagedwallet BTC --testnet")
@click.argument("chain")
@_testnet
def storemanagedwallet(chain: str, *, testnet: bool) -> None:
    """Ask for a mnemonic and store it; print its signature id and xpub."""
    from airgap_signer import keys, terminal

    which = chain_of(chain, testnet=testnet)
    _store_mnemonic(which, lambda: keys.check_mnemonic(terminal.secret("mnemonic")))


@click.command(epilog="Example: airgap-signer storemanagedprivatekey BTC --testnet")
@click.argument("chain")
@_testnet
def storemanagedprivatekey(chain: str, *, testnet: bool) -> None:
    """Ask for a private key and store it; print its signature id."""
    from airgap_signer import terminal

    run = invocation()
    which = chain_of(chain, testnet=testnet)
    with opened(run) as session:
        entry, text = _private_key(which, terminal.secret("private key"))
        session.add_entries([(entry, text)])
    run.answer({"signatureId": entry.signature_id})


@click.command(
    epilog="Example: airgap-signer generatemanagedprivatekeybatch BTC 100 --testnet"
)
@click.argument("chain")
@click.argument("count", type=click.IntRange(1, 25_000))
@_testnet
def generatemanagedprivatekeybatch(chain: str, count: int, *, testnet: bool) -> None:
    """Store COUNT fresh private keys in one durable write; print one a line."""
    import json
    import os
    import sys

    from airgap_signer import chains, keys

    run = invocation()
    which = chain_of(chain, testnet=testnet)
    family = chains.family(which)
    with opened(run) as session:
        hidden = not sys.stderr.isatty()
        with click.progressbar(
            range(count), label="making keys", file=sys.stderr, hidden=hidden
        ) as numbers:
            added = [
                _private_key(
                    which, family.secret_text(keys.fresh_secret(os.urandom), which)
                )
                for _ in numbers
            ]
        session.add_entries(added)
    for entry, _ in added:
        line = {"signatureId": entry.signature_id, "address": entry.address}
        click.echo(json.dumps(line))


@click.command(epilog="Example: airgap-signer getaddress ID 0")
@click.argument("signature_id", metavar="ID")
@click.argument("index", type=click.IntRange(0, 2**31 - 1))
def getaddress(signature_id: str, index: int) -> None:
    """Print the address of a wallet entry at an index."""
    import msgspec

    from airgap_shared.chains import lookup
    from airgap_shared.derivation import ExtendedKey
    from airgap_signer import chains

    run = invocation()
    with opened(run) as session:
        entry = session.public.usable(signature_id)
        address = entry.address
        if entry.kind == "mnemonic":
            chain = lookup(entry.chain, entry.network)
            key = ExtendedKey(entry.xpub).child(index)
            address = chains.family(chain).address(key, chain)
            if index > entry.highest:
                change_entries(session, [msgspec.structs.replace(entry, highest=index)])
    run.answer({"address": address})


@click.command(epilog="Example: airgap-signer getprivatekey ID 0 --confirm CODE")
@click.argument("signature_id", metavar="ID")
@click.argument("index", type=click.IntRange(0, 2**31 - 1))
@click.option("--confirm", metavar="CODE", help="Answer the question beforehand.")
def getprivatekey(signature_id: str, index: int, confirm: str | None) -> None:
    """Print a private key, after a warning and confirmation."""
    import hashlib

    import msgspec

    from airgap_shared.chains import lookup
    from airgap_signer import chains, keys, terminal

    run = invocation()
    with opened(run) as session:
        entry = session.public.usable(signature_id)
        if entry.kind == "mnemonic":
            run.note("with the xpub, this one key gives the whole wallet away")
        what = f"private key {signature_id} {index} {session.public.key}"
        digest = hashlib.sha256(what.encode()).hexdigest()
        terminal.confirm_secret(run, confirm, digest)
        chain = lookup(entry.chain, entry.network)
        text = session.secret_texts([signature_id])[signature_id]
        if entry.kind == "mnemonic":
            secret = keys.child_secret(text, chain, index)
            text = chains.family(chain).secret_text(secret, chain)
        session.log("expose", {"signatureId": signature_id, "index": index})
        change_entries(session, [msgspec.structs.replace(entry, exposed=True)])
    run.answer({"privateKey": text})


def _store_mnemonic(chain: "Chain", mnemonic: Callable[[], str]) -> None:
    import time

    from airgap_shared.derivation import ExtendedKey
    from airgap_signer import keys
    from airgap_signer.wallet import StoredEntry

    run = invocation()
    with opened(run) as session:
        text = mnemonic()
        xpub = keys.xpub(text, chain)
        entry = StoredEntry(
            signature_id=_fresh_id(),
            chain=chain.code,
            network=chain.network,
            kind="mnemonic",
            xpub=xpub,
            account=ExtendedKey(xpub).key.hex(),
            created=int(time.time()),
        )
        session.add_entries([(entry, text)])
    run.answer({"signatureId": entry.signature_id, "xpub": entry.xpub})


def _private_key(chain: "Chain", text: str) -> tuple["StoredEntry", str]:
    import time

    from airgap_shared import secp256k1
    from airgap_signer import chains
    from airgap_signer.wallet import StoredEntry

    family = chains.family(chain)
    key = secp256k1.public_key(family.secret(text, chain))
    entry = StoredEntry(
        signature_id=_fresh_id(),
        chain=chain.code,
        network=chain.network,
        kind="privateKey",
        public_key=key.hex(),
        address=family.address(key, chain),
        created=int(time.time()),
    )
    return entry, text


def _fresh_id() -> str:
    import uuid

    return str(uuid.uuid4())


COMMANDS = (
    generatewallet,
    generatemanagedwallet,
    storemanagedwallet,
    storemanagedprivatekey,
    generatemanagedprivatekeybatch,
    getaddress,
    getprivatekey,
)
