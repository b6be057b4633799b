"""Commands on the policy: policy show, set and explain."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airgap_shared.commandline import Program, invocation
from airgap_signer.cli.opening import opened, storage_path

if TYPE_CHECKING:
    from airgap_signer.policy import Policy


@click.command(epilog="Example: airgap-signer policy show")
def show() -> None:
    """Show the policy in force, from the public copy on this disk."""
    from airgap_signer import policy, session

    run = invocation()
    public = session.read_public_copy(storage_path(run))
    current = policy.parse(public.policy)
    run.answer(
        _fields(current), public.policy or "no policy file: the default caution holds"
    )


@click.command(epilog="Example: airgap-signer policy explain")
def explain() -> None:
    """Say the policy in force in sentences."""
    from airgap_signer import policy, session

    run = invocation()
    public = session.read_public_copy(storage_path(run))
    sentences = policy.explain(policy.parse(public.policy))
    run.answer({"sentences": sentences}, "\n".join(sentences))


@click.command("set", epilog="Example: airgap-signer policy set policy.toml")
@click.argument("file", metavar="FILE")
def set_(file: str) -> None:
    """Put a policy file in force; its version must be higher."""
    import hashlib

    import msgspec

    from airgap_shared import files
    from airgap_signer import policy

    run = invocation()
    text = policy.text_of(files.read(Path(file), policy.MAX_POLICY_BYTES))
    new = policy.parse(text)
    with opened(run) as session:
        policy.check_successor(new, policy.parse(session.public.policy))
        digest = hashlib.sha256(text.encode()).hexdigest()
        session.log("policy", {"version": new.version, "digest": digest})
        session.save(msgspec.structs.replace(session.public, policy=text))
    sentences = "\n".join(policy.explain(new))
    run.answer(_fields(new), f"policy {new.version} is in force\n{sentences}")


def _fields(policy: "Policy") -> dict[str, object]:
    import msgspec

    return dict(msgspec.structs.asdict(policy))


def group(options: Callable[[], list[click.Option]]) -> Program:
    """Return the group of commands on the policy."""
    program = Program("policy", options, help="Show, set and explain the policy.")
    for command in (show, set_, explain):
        program.add_command(command)
    return program
