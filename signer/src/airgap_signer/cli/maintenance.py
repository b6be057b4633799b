"""Commands around the machine and its storage, none on a single entry."""

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
    password = terminal.new_password(run, path, run.options.get("password_file"))
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
            warnings += ["its chain is not supported yet"] if entry.kept else []
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


@click.command(epilog="Example: airgap-signer checkconfig")
def checkconfig() -> None:
    """Show how this machine is set up; no secret is shown."""
    from airgap_signer import airgap

    run = invocation()
    seen = airgap.observe(storage_path(run).parent)
    checks = [{"name": o.name, "good": o.is_good, "found": o.found} for o in seen]
    lines = [f"{'good' if o.is_good else 'BAD':<5} {o.name}: {o.found}" for o in seen]
    warnings = [o.name for o in seen if not o.is_good]
    run.answer({"checks": checks, "warnings": warnings}, "\n".join(lines))


@click.command(epilog="Example: airgap-signer changepassword")
@click.option(
    "--new-password-file",
    metavar="FILE",
    help="Read the new password from the first line of FILE.",
)
def changepassword(new_password_file: str | None) -> None:
    """Take a new password and data key; destroy earlier generations."""
    from airgap_signer import terminal

    run = invocation()
    with opened(run) as session:
        new = terminal.new_password(run, session.path, new_password_file)
        session.change_password(new)
    run.note("copies that were made elsewhere still open with the old password")
    run.answer({"changed": True}, "the password is changed")


COMMANDS = (init, identity, report, selftest, checkconfig, changepassword)
