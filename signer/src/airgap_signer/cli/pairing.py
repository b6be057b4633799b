"""Commands that join the two halves: pair and manifest."""

import time
from pathlib import Path

import click

from airgap_shared.commandline import accepts, invocation
from airgap_shared.commandline import confirm as confirmed
from airgap_signer.cli.opening import opened

IDENTITY_GROUPS = 5


@click.command(epilog="Example: airgap-signer pair /media/stick/relay.json")
@click.argument("file", metavar="FILE")
@click.option(
    "--as",
    "role",
    type=click.Choice(["relay", "approver", "administrator"]),
    default="relay",
    show_default=True,
    help="What it is trusted for.",
)
@click.option("--confirm", metavar="CODE", help="The code on the other screen.")
def pair(file: str, role: str, confirm: str | None) -> None:
    """Trust an identity in one role, after comparing its whole code."""
    from airgap_shared import documents, envelope, files
    from airgap_signer import pairs

    run = invocation()
    sealed = documents.unseal_identity(files.read(Path(file)))
    pairs.check_role(sealed.document, role)
    code = envelope.code(sealed.fingerprint, IDENTITY_GROUPS)
    run.note(f"{sealed.document.role} {sealed.document.name!r} has the code {code}")
    run.note("compare it with the other machine's own screen")
    confirmed(run, confirm, sealed.fingerprint, IDENTITY_GROUPS)
    with opened(run) as session:
        now = int(time.time())
        public = pairs.with_peer(session.public, sealed, now)
        session.log("pair", {"role": role, "fingerprint": sealed.fingerprint})
        session.save(public)
    run.answer(
        {"role": role, "fingerprint": sealed.fingerprint, "code": code},
        f"paired {role} {code}",
    )


@click.command(epilog="Example: airgap-signer manifest -o /media/stick/manifest.json")
@click.option("-o", "output", metavar="FILE", required=True, help="Where to write it.")
def manifest(output: str) -> None:
    """Write the signed list of entries for the relay; nothing secret."""
    import msgspec

    from airgap_shared import documents
    from airgap_signer import ceremony, pairs

    run = invocation()
    run.check_output(output)
    with opened(run) as session:
        number = session.public.manifest + 1
        session.save(msgspec.structs.replace(session.public, manifest=number))
        tip = session.journal.tip()
        head = ceremony.signed_head(tip.height, tip.head, session.sign)
        document = pairs.manifest(session.public, head, int(time.time()))
        key = session.public.key
        run.write(output, documents.seal(document, key, session.sign))
    if output != "-":
        count = len(document.entries)
        run.answer(
            {"fingerprint": document.signer, "number": number, "entries": count},
            f"manifest {number} with {count} entries",
        )


@click.command(epilog="Example: airgap-signer unpair FINGERPRINT")
@click.argument("fingerprint")
def unpair(fingerprint: str) -> None:
    """Trust an identity no longer; its whole fingerprint or code names it."""
    from airgap_shared.errors import UsageError
    from airgap_signer import pairs

    run = invocation()
    with opened(run) as session:
        for gone in session.public.peers:
            if accepts(fingerprint, gone.fingerprint, IDENTITY_GROUPS):
                break
        else:
            raise UsageError("usage.no_peer", f"nobody is paired as {fingerprint}")
        session.log("unpair", {"role": gone.role, "fingerprint": gone.fingerprint})
        session.save(pairs.without_peer(session.public, gone))
    run.answer(
        {"role": gone.role, "fingerprint": gone.fingerprint},
        f"{gone.role} {gone.name} is not trusted any more",
    )


COMMANDS = (pair, unpair, manifest)
