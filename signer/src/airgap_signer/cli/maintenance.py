"""Commands around the machine: init, identity, report, selftest."""

import click

from airgap_shared.commandline import invocation
from airgap_signer.cli.opening import opened, storage_path


@click.command(epilog="Example: airgap-signer init --password-file /media/key/password")
@click.option(
    "--kdf-memory",
    metavar="MIB",
    default=256,
    show_default=True,
    type=click.IntRange(64, 4096),
    help="Memory that one guess of the password costs.",
)
@click.option(
    "--name",
    default="airgap-signer",
    show_default=True,
    help="Name that the relay's people will see.",
)
def init(kdf_memory: int, name: str) -> None:
    """Create wallet storage, signer identity and an empty journal."""
    import os

    from airgap_shared import envelope, files
    from airgap_signer import session, terminal

    run = invocation()
    path = storage_path(run)
    files.require_absent(path)
    files.make_folder(path.parent)
    password = terminal.new_password(run, path)
    public = session.create(path, password, name, os.urandom(32), kdf_memory)
    code = envelope.code(public.fingerprint(), 5)
    run.answer(
        {"storage": str(path), "fingerprint": public.fingerprint(), "code": code},
        f"created {path}\nidentity {code}\nnext: airgap-signer identity -o signer.json",
    )


@click.command(epilog="Example: airgap-signer identity -o /media/stick/signer.json")
@click.option("-o", "output", metavar="FILE", help="Write the signed identity.")
def identity(output: str | None) -> None:
    """Show or write this signer's public identity."""
    from airgap_shared import documents, envelope, files
    from airgap_signer import storage

    run = invocation()
    path = storage_path(run)
    if not path.exists():
        raise storage.missing(path)
    data = files.read(storage.beside(path, "identity"))
    sealed = documents.unseal_identity(data)
    code = envelope.code(sealed.fingerprint, 5)
    if output:
        run.write(output, data)
    if output != "-":
        run.answer(
            {"role": "signer", "fingerprint": sealed.fingerprint, "code": code},
            f"signer {code}",
        )


@click.command(epilog="Example: airgap-signer report")
@click.argument("ids", required=False, metavar="[ID,...]")
def report(ids: str | None) -> None:
    """List what is stored; no secret is shown."""
    from airgap_shared.errors import StorageError

    run = invocation()
    with opened(run) as session:
        entries = session.public.entries
        wanted = ids.split(",") if ids else list(entries)
        unknown = [each for each in wanted if each not in entries]
        if unknown:
            raise StorageError("storage.no_entry", f"no entry {unknown[0]}")
        wallets = {}
        for each in wanted:
            entry = entries[each]
            warnings = ["retired"] if entry.retired else []
            warnings += ["a private key of it was shown"] if entry.exposed else []
            wallets[each] = {
                "type": entry.kind,
                "chain": entry.chain,
                "testnet": entry.network == "testnet",
                "warnings": warnings,
            }
        system = {
            "storage": str(session.path),
            "fingerprint": session.public.fingerprint(),
            "manifest": session.public.manifest,
            "journal": session.journal.tip().height,
        }
        paired = any(peer.role == "relay" for peer in session.public.peers)
        warnings = [] if paired else ["no relay is paired yet"]
    run.answer({"system": system, "wallets": wallets, "warnings": warnings})


@click.command(epilog="Example: airgap-signer selftest")
def selftest() -> None:
    """Ask this machine known answers, as before each signing."""
    from airgap_signer import selftest as tests

    run = invocation()
    tests.run()
    names = [name for name, _ in tests.CHECKS]
    digest = tests.software_digest()
    run.answer(
        {"result": "passed", "checks": names, "software": digest},
        f"passed: {', '.join(names)}\nsoftware {digest}",
    )


COMMANDS = (init, identity, report, selftest)
