"""One whole cycle for cron: poll, import, broadcast, export."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airgap_relay.cli import batches, opening
from airgap_shared import files
from airgap_shared.commandline import Invocation, invocation
from airgap_shared.errors import (
    ContractError,
    FileError,
    RefusalError,
    RemoteError,
)

if TYPE_CHECKING:
    from airgap_relay.service import Relay
    from airgap_relay.tatum import HTTPClient


@click.command(epilog="Example: airgap-relay run --outbox stick")
@click.option("--inbox", metavar="DIR", help="Signed batches (default HOME/inbox).")
@click.option("--outbox", metavar="DIR", help="Unsigned batches (HOME/outbox).")
def run(inbox: str | None, outbox: str | None) -> None:
    """Do one whole cycle: poll, import, broadcast, complete, export."""
    at = invocation()
    with opening.try_lock(at) as is_free:
        if not is_free:
            at.answer({"busy": True}, "another run is at work; nothing was done")
            return
        with opening.opened(at) as relay:
            source = Path(inbox) if inbox else at.home / "inbox"
            target = Path(outbox) if outbox else at.home / "outbox"
            value = _cycle(at, relay, source, target)
    at.answer(value, _text(value))


def _cycle(at: Invocation, relay: "Relay", inbox: Path, outbox: Path) -> dict[str, Any]:
    """Do every step, though Tatum be away; say so at the end when it was."""
    tatum = opening.client(at)
    failed: list[RemoteError] = []
    polled = _poll(relay, tatum, failed)
    imported = _import_all(at, relay, inbox)
    sent = _broadcast(relay, tatum, failed)
    exported = _export_all(at, relay, outbox)
    if failed:
        raise failed[0]
    batches.report(at, relay)
    return {
        "poll": polled,
        "imported": imported,
        "broadcast": sent,
        "exported": exported,
    }


def _poll(
    relay: "Relay", tatum: "HTTPClient", failed: list[RemoteError]
) -> dict[str, int] | None:
    from airgap_relay import service

    try:
        polled = service.poll(relay, tatum, batches.chain_codes(None))
    except RemoteError as error:
        failed.append(error)
        return None
    return {"seen": polled.seen, "new": polled.new}


def _broadcast(
    relay: "Relay", tatum: "HTTPClient", failed: list[RemoteError]
) -> dict[str, int] | None:
    from airgap_relay import service

    if any(error.code in service.AWAY for error in failed):
        return None
    try:
        sent = service.broadcast(relay, tatum)
    except RemoteError as error:
        failed.append(error)
        return None
    return batches.counts(sent)


def _import_all(at: Invocation, relay: "Relay", inbox: Path) -> list[dict[str, Any]]:
    """Take in every file of the inbox, each by itself."""
    files.make_folder(inbox)
    return [_import_one(at, relay, path) for path in _waiting(inbox)]


def _waiting(inbox: Path) -> Iterator[Path]:
    """Yield the files of ``inbox``; names with a dot in front are still being made."""
    for path in sorted(inbox.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path


def _import_one(at: Invocation, relay: "Relay", path: Path) -> dict[str, Any]:
    from airgap_relay import service

    try:
        taken = service.import_(relay, files.read(path))
    except (ContractError, RefusalError, FileError) as error:
        at.note(f"{path.name} is rejected: {error}")
        moved = _move(path, path.parent / "rejected")
        text = f"{error.code}\n{error.message}\n"
        files.write_new(moved.with_name(moved.name + ".error.txt"), text.encode())
        return {"file": path.name, "batch": None, "error": error.code}
    _move(path, path.parent / "done")
    told = {"signed": taken.signed, "refused": taken.refused}
    return {"file": path.name, "batch": taken.batch, "error": None} | told


def _move(path: Path, folder: Path) -> Path:
    """Move ``path`` into ``folder`` under a name that is free; return the new path."""
    files.make_folder(folder)
    target, number = folder / path.name, 1
    while target.exists() or target.with_name(target.name + ".error.txt").exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    path.rename(target)
    return target


def _export_all(at: Invocation, relay: "Relay", outbox: Path) -> list[dict[str, Any]]:
    """Export until nothing is left to sign."""
    from airgap_relay import service

    files.make_folder(outbox)
    written = []
    while (exported := service.export(relay)) is not None:
        batch = exported.batch
        path = outbox / f"batch-{batch.sequence}-{batch.id}.json"
        batches.write(at, str(path), exported)
        code = batches.code_of(exported)
        told = {"batch": batch.id, "code": code, "items": exported.items}
        written.append(told | {"file": str(path)})
    return written


def _text(value: dict[str, Any]) -> str:
    lines = []
    if value["poll"]:
        lines.append(f"{value['poll']['seen']} pending, {value['poll']['new']} new")
    lines += [f"{i['file']}: {i['error'] or 'taken in'}" for i in value["imported"]]
    if value["broadcast"]:
        pairs = value["broadcast"].items()
        lines.append(", ".join(f"{count} {name}" for name, count in pairs))
    lines += [
        f"{e['file']}: {e['items']} items, code {e['code']}" for e in value["exported"]
    ]
    return "\n".join(lines) or "nothing to do"
