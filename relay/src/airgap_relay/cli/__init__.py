"""The command line of ``airgap-relay``: one file a group of commands.

Libraries for SQL, HTTP and keys are imported by the commands that need them, so that
help appears at once.
"""

import sys
from typing import NoReturn

import click

from airgap_relay.cli import batches, cycle, decisions, look, sandbox, setup, transfers
from airgap_shared import commandline
from airgap_shared.commandline import Program, common_option, home_options

NAME = "airgap-relay"


def _options() -> list[click.Option]:
    """Return what every command takes, fresh for each."""
    return [
        *home_options(NAME),
        common_option(
            "--api-url",
            metavar="URL",
            help="Address of Tatum's API (or TATUM_API_URL).",
        ),
        common_option(
            "--api-key-file",
            metavar="FILE",
            help="File with the API key, readable by you alone (or TATUM_API_KEY).",
        ),
        common_option(
            "--rate-limit",
            type=click.IntRange(1, 10_000),
            metavar="N",
            help="Requests a second at most.",
        ),
        common_option(
            "--timeout",
            type=click.IntRange(1, 600),
            metavar="SECONDS",
            help="How long an answer may be silent (default 30).",
        ),
    ]


PROGRAM = Program(
    NAME,
    _options,
    help="Online half of Airgap KMS: fetches what is to be signed, and sends it.",
    epilog="Example: airgap-relay --home relay init --network testnet",
)

COMMANDS: tuple[click.Command, ...] = (
    setup.init,
    setup.identity,
    setup.pair,
    setup.manifest,
    batches.poll,
    batches.export,
    batches.import_,
    batches.broadcast,
    cycle.run,
    look.status,
    look.show,
    decisions.retry,
    decisions.replace,
    decisions.cancel,
    decisions.resolve,
    decisions.receipt,
    transfers.transfer,
    sandbox.sandbox,
    sandbox.sandbox_fund,
    sandbox.sandbox_mine,
)
"""Every command, in the order of a first use."""

for _command in COMMANDS:
    PROGRAM.add_command(_command)


def main() -> NoReturn:
    """Run the program."""
    commandline.run(NAME, PROGRAM, sys.argv[1:])
