"""The command that asks Tatum for a payment."""

from typing import TYPE_CHECKING

import click

from airgap_relay.cli import opening
from airgap_relay.cli.batches import chain_codes
from airgap_shared import amounts
from airgap_shared.commandline import invocation
from airgap_shared.errors import ContractError, UsageError
from airgap_shared.limits import MAX_INDEX

if TYPE_CHECKING:
    from airgap_shared.chains import Chain


@click.command(
    epilog="Example: airgap-relay transfer BTC --from tb1q...=SIGNATURE_ID:0 "
    "--to tb1q...=0.001 --fee 0.00001 --change tb1q..."
)
@click.argument("chain")
@click.option(
    "--from",
    "sources",
    metavar="ADDRESS=SIGNATURE_ID[:INDEX]",
    multiple=True,
    required=True,
    help="Whose coins, and which key signs; may be repeated.",
)
@click.option(
    "--to",
    "targets",
    metavar="ADDRESS=AMOUNT",
    multiple=True,
    required=True,
    help="Who is paid, in the unit people use; may be repeated.",
)
@click.option("--fee", metavar="AMOUNT", help="Fee; Tatum chooses when left out.")
@click.option("--change", metavar="ADDRESS", help="Where the rest goes.")
def transfer(
    chain: str,
    sources: tuple[str, ...],
    targets: tuple[str, ...],
    fee: str | None,
    change: str | None,
) -> None:
    """Ask Tatum to prepare a payment; it then waits to be signed."""
    from airgap_relay import config, tatum
    from airgap_shared import chains

    run = invocation()
    if (fee is None) != (change is None):
        raise UsageError("usage.options", "--fee and --change belong together")
    (code,) = chain_codes(chain)[:1]
    settings, _author = config.load(run.home)
    row = chains.lookup(code, settings.network)
    asked = tatum.Transfer(
        sources=tuple(_source(text, row) for text in sources),
        targets=tuple(_target(text, row) for text in targets),
        fee=None if fee is None else _amount(fee, row),
        change="" if change is None else _address(change, row),
    )
    id_ = opening.client(run).transfer(row, asked)
    run.answer({"id": id_}, f"pending transaction {id_}")


def _source(text: str, chain: "Chain") -> tuple[str, str, int | None]:
    address, name = _pair(text, "--from ADDRESS=SIGNATURE_ID[:INDEX]")
    signature_id, colon, index = name.partition(":")
    if not colon:
        return _address(address, chain), signature_id, None
    if not (index.isascii() and index.isdigit() and int(index[:11]) <= MAX_INDEX):
        raise UsageError("usage.index", f"{index[:20]!r} is no key index")
    return _address(address, chain), signature_id, int(index)


def _target(text: str, chain: "Chain") -> tuple[str, int]:
    address, amount = _pair(text, "--to ADDRESS=AMOUNT")
    return _address(address, chain), _amount(amount, chain)


def _pair(text: str, form: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not (left and sign and right):
        raise UsageError("usage.options", f"{text!r} is not of the form {form}")
    return left, right


def _address(text: str, chain: "Chain") -> str:
    from airgap_shared.formats.bitcoin import script

    try:
        script.script_of_address(text, chain.bitcoin)
    except ContractError as error:
        raise UsageError("usage.address", str(error)) from error
    return text


def _amount(text: str, chain: "Chain") -> int:
    try:
        return amounts.parse(text, chain.decimals)
    except ContractError as error:
        raise UsageError("usage.amount", str(error)) from error
