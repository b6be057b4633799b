"""A small program on the common frame, for tests of the frame itself.

Run as a script it is a process of its own, which tests give a terminal or none.
"""

import sys

import click

from airgap_shared import commandline
from airgap_shared.errors import ContractError

NAME = "airgap-sample"
DIGEST = "0123456789abcdef" * 4
"""What the person is asked to accept."""


def options():
    return [
        *commandline.home_options(NAME),
        commandline.common_option("--unsafe", is_flag=True),
        commandline.common_option("--thing", envvar="AIRGAP_SAMPLE_THING"),
    ]


group = commandline.Program(NAME, options)


@group.command()
def show():
    run = commandline.invocation()
    value = {"home": str(run.home), "json": run.as_json, **run.options}
    run.answer(value, f"home {run.home}")


@group.command("plain")
def plain_():
    commandline.invocation().answer({"answer": 42})


@group.command()
@click.option("-o", "--output", required=True)
def write(output):
    run = commandline.invocation()
    run.check_output(output)
    run.write(output, b"document \xff")


@group.command()
@click.argument("text", default="")
def ask(text):
    click.echo(f"answer: {commandline.ask('question? ')!r} {text}")


@group.command()
def hidden():
    click.echo(f"answer: {commandline.ask_hidden('secret? ')!r}")


@group.command()
@click.option("--confirm", "code")
def accept(code):
    run = commandline.invocation()
    commandline.confirm(run, code, DIGEST, 2)
    run.answer({"accepted": True}, "accepted")


@group.command()
def status():
    return 6


@group.command("fail")
@click.argument("how")
def fail_(how):
    match how:
        case "contract":
            raise ContractError("contract.malformed", "found\nthis", "do that")
        case "hintless":
            raise ContractError("contract.malformed", "found this")
        case "file":
            raise OSError(28, "No space left on device", "some/file")
        case "pipe":
            raise OSError(5, "Input/output error")
        case "nameless":
            raise OSError("no number")
        case "person":
            raise KeyboardInterrupt
        case "abort":
            raise click.Abort
        case _:
            raise ValueError("unexpected \x1b[2J")


inner = commandline.Program("inner", options)
group.add_command(inner)
inner.add_command(click.Command("show", callback=show.callback))

if __name__ == "__main__":
    commandline.run(NAME, group, sys.argv[1:])
