"""Commands of a relay's first day: init, identity, pair, manifest."""

import secrets

import click

from airgap_relay.cli import opening
from airgap_shared.commandline import confirm, invocation


@click.command(epilog="Example: airgap-relay init --network testnet")
@click.option(
    "--network",
    type=click.Choice(["mainnet", "testnet"]),
    default="mainnet",
    show_default=True,
    help="Network of all transactions; the API key must be for the same.",
)
@click.option("--name", default="relay", help="Name in the identity, for people.")
def init(network: str, name: str) -> None:
    """Create this relay's state and identity."""
    from airgap_relay import config, journal
    from airgap_shared import envelope

    run = invocation()
    url = run.options.get("api_url")
    settings = config.new(network, config.check_url(url) if url else "", name)
    config.prepare_home(run.home)
    journal.create(config.journal_path(run.home)).close()
    author = config.create(run.home, settings, secrets.token_bytes(config.SEED_BYTES))
    code = envelope.code(author.fingerprint, 5)
    value = {"fingerprint": author.fingerprint, "code": code, "network": network}
    run.answer(value, f"relay for {network} in {run.home}\nidentity {code}")


@click.command(epilog="Example: airgap-relay identity -o relay.json")
@click.option("-o", "--output", metavar="FILE", help="Write the identity document.")
def identity(output: str | None) -> None:
    """Show this relay's public identity, or write it for the signer."""
    from airgap_relay import config
    from airgap_shared import documents, envelope

    run = invocation()
    if output is not None:
        run.check_output(output)
    _settings, author = config.load(run.home)
    if output is not None:
        run.write(output, documents.seal(author.document, author.key, author.sign))
    code = envelope.code(author.fingerprint, 5)
    value = {"role": "relay", "fingerprint": author.fingerprint, "code": code}
    if output == "-":
        run.note(f"relay {code}")
    else:
        run.answer(value, f"relay {code}")


@click.command(epilog="Example: airgap-relay pair signer.json")
@click.argument("file")
@click.option("--confirm", "given", metavar="CODE", help="The code, when no terminal.")
def pair(file: str, given: str | None) -> None:
    """Trust the signer whose identity is in FILE."""
    from airgap_relay import service
    from airgap_shared import envelope

    run = invocation()
    data = opening.read_input(file)
    with opening.opened(run) as relay:
        found = service.read_signer(data)
        code = envelope.code(found.fingerprint, 5)
        run.note(f"signer {found.document.name!r} has the code {code}")
        run.note("compare it with the code on the signer's own screen")
        if not service.is_paired(relay, found):
            confirm(run, given, found.fingerprint, 5)
            service.accept_signer(relay, found)
    value = {"role": "signer", "fingerprint": found.fingerprint, "code": code}
    run.answer(value, f"paired with signer {code}")


@click.command(epilog="Example: airgap-relay manifest manifest.json")
@click.argument("file")
def manifest(file: str) -> None:
    """Take in the signer's list of wallet entries."""
    from airgap_relay import service

    run = invocation()
    data = opening.read_input(file)
    with opening.opened(run) as relay:
        taken = service.accept_manifest(relay, data)
    count = len(taken.entries)
    value = {"number": taken.number, "entries": count}
    run.answer(value, f"manifest {taken.number} with {count} wallet entries")
