"""The command line of airgap-signer: thin edges, one file a group of commands."""

import sys

import click

from airgap_shared.commandline import Program, common_option, home_options, run
from airgap_signer.cli import (
    audits,
    entries,
    maintenance,
    migration,
    pairing,
    policies,
    signing,
    wallets,
)

PROGRAM = "airgap-signer"


def _options() -> list[click.Option]:
    return [
        *home_options(PROGRAM),
        common_option(
            "--path", metavar="FILE", help="Wallet storage file, if another."
        ),
        common_option(
            "--password-file",
            metavar="FILE",
            help="Read the password from the first line of FILE.",
        ),
        common_option(
            "--unsafe-connected",
            is_flag=True,
            help="Expose keys on a connected machine, for drills.",
        ),
        common_option(
            "--unsafe-to-pipe",
            is_flag=True,
            help="Write a secret to something that is not a terminal.",
        ),
    ]


def group() -> click.Group:
    """Return the program with all its commands."""
    program = Program(
        PROGRAM,
        _options,
        help="The offline half of Airgap KMS: it holds the keys, shows what a batch "
        "really does, and signs it.",
        epilog="Example: airgap-signer review batch.json",
    )
    for command in (
        *maintenance.COMMANDS,
        *wallets.COMMANDS,
        *entries.COMMANDS,
        *migration.COMMANDS,
        *pairing.COMMANDS,
        *signing.COMMANDS,
    ):
        program.add_command(command)
    program.add_command(policies.group(_options))
    program.add_command(audits.group(_options))
    return program


def main() -> None:
    """Run the program; never returns."""
    run(PROGRAM, group(), sys.argv[1:])
