"""The sandbox, and the two things that nobody but a sandbox would do."""

import json
import signal
from pathlib import Path

import click

from airgap_relay.cli import opening
from airgap_shared import files
from airgap_shared.commandline import invocation

STOP = {signal.SIGTERM, signal.SIGINT}


@click.command(epilog="Example: airgap-relay sandbox --port 8290")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on loopback; 0, the default, is any that is free.",
)
@click.option(
    "--api-key-out",
    metavar="FILE",
    help="Also write the API key to a new file that is private.",
)
def sandbox(port: int, api_key_out: str | None) -> None:
    """Play Tatum on this machine, with a small chain behind it, until stopped.

    Prints its address and API key when it is ready. Its state lies in HOME/sandbox,
    so that it goes on where it stopped.
    """
    from airgap_relay.sandbox.server import Sandbox

    if api_key_out is not None:
        files.require_absent(Path(api_key_out))
    # Blocked here and so in all threads: a signal then only ends the wait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    with Sandbox(invocation().home / "sandbox", port) as running:
        if api_key_out is not None:
            key = f"{running.api_key}\n".encode()
            files.write_new(Path(api_key_out), key, mode=0o600)
        click.echo(json.dumps({"url": running.url, "apiKey": running.api_key}))
        signal.sigwait(STOP)


@click.command(epilog="Example: airgap-relay sandbox-fund BTC tb1q... 0.5")
@click.argument("chain")
@click.argument("address")
@click.argument("amount")
def sandbox_fund(chain: str, address: str, amount: str) -> None:
    """Let the sandbox pay AMOUNT to ADDRESS, in a block of its own."""
    run = invocation()
    answer = opening.client(run).sandbox_fund(chain.upper(), address, amount)
    run.answer(answer, f"funded by {answer['txId']}")


@click.command(epilog="Example: airgap-relay sandbox-mine --count 6")
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(1, 1000),
    default=1,
    help="How many blocks; the first takes everything that waits.",
)
def sandbox_mine(count: int) -> None:
    """Let the sandbox mine blocks."""
    run = invocation()
    answer = opening.client(run).sandbox_mine(count)
    run.answer(answer, f"height {answer['height']}")
