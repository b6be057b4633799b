"""An edge: what the command lines of both programs have in common.

Result on stdout, everything else on stderr, questions on the terminal; options that
may stand before the command or after it; one place where errors become exits.
"""

import contextlib
import io
import json
import os
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click
from click.core import ParameterSource

from airgap_shared import files
from airgap_shared.errors import (
    AirgapError,
    FileError,
    RefusalError,
    UsageError,
)


@dataclass(slots=True)
class Invocation:
    """One run of a program: who it is, where its state lies, how it answers."""

    program: str
    home: Path = Path()
    as_json: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    """Further options that may stand before the command or after it."""

    def note(self, text: str) -> None:
        """Tell the person something that is not the result."""
        click.echo(f"{self.program}: {text}", err=True)

    def answer(self, value: object, text: str | None = None) -> None:
        """Write the result: ``text`` for people, ``value`` with ``--json``."""
        if self.as_json or text is None:
            click.echo(json.dumps(value, indent=None if self.as_json else 2))
        else:
            click.echo(text)

    def write(self, output: str, data: bytes) -> None:
        """Write a document to ``output``, ``-`` for stdout; never overwrites."""
        if output == "-":
            self.require_plain_stdout()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            files.write_new(Path(output), data)

    def require_plain_stdout(self) -> None:
        """Refuse ``-o -`` together with ``--json``: both are the result."""
        if self.as_json:
            raise UsageError(
                "usage.stdout_twice", "-o - and --json both claim stdout; choose one"
            )

    def check_output(self, output: str) -> None:
        """Refuse an output that cannot be written, before any work is done."""
        if output == "-":
            self.require_plain_stdout()
        else:
            files.require_absent(Path(output))


def invocation() -> Invocation:
    """Return the current run."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, Invocation)
    return found


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Store a common option, unless it was not given at this place.

    The root is read first, with the environment and the defaults; after it, only
    what was typed counts, so that the environment never overrules an option that
    stands before the command.
    """
    run = context.find_root().obj
    if run is None or parameter.name is None:
        return
    source = context.get_parameter_source(parameter.name)
    given = context.parent is None or source is ParameterSource.COMMANDLINE
    if parameter.name == "home":
        if given:
            run.home = Path(str(value)).expanduser()
    elif parameter.name == "as_json":
        run.as_json = run.as_json or bool(value)
    elif given or parameter.name not in run.options:
        run.options[parameter.name] = value


def common_option(*names: str, **attributes: Any) -> click.Option:
    """Return an option that may stand before the command or after it."""
    return click.Option(names, expose_value=False, callback=_keep, **attributes)


def home_options(program: str) -> list[click.Option]:
    """Return the options that every command of ``program`` takes."""
    variable = program.upper().replace("-", "_") + "_HOME"
    home = common_option(
        "--home",
        metavar="DIR",
        envvar=variable,
        default=f"~/.{program}",
        help=f"Folder that holds all state (or {variable}).",
    )
    as_json = common_option(
        "--json", "as_json", is_flag=True, help="Answer with one JSON document."
    )
    return [home, as_json]


class Program(click.Group):
    """A group whose commands all take its common options too."""

    def __init__(
        self, name: str, options: Callable[[], list[click.Option]], **attributes: Any
    ) -> None:
        """Make the group; ``options`` gives a fresh list for each command."""
        super().__init__(name, params=list(options()), **attributes)
        self._options = options

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add ``cmd`` with the common options at its end, unless it has them."""
        known = {parameter.name for parameter in cmd.params}
        cmd.params.extend(o for o in self._options() if o.name not in known)
        super().add_command(cmd, name)


def accepts(given: str, digest: str, groups: int) -> bool:
    """Whether ``given`` is the code of ``digest``, or a longer prefix of it."""
    typed = given.replace("-", "").replace(" ", "").lower()
    return len(typed) >= 4 * groups and digest.startswith(typed)


@contextlib.contextmanager
def terminal() -> Iterator[tuple[TextIO, TextIO] | None]:
    """Open the person's terminal: stdin if it is one, else /dev/tty, else nothing."""
    if sys.stdin is not None and sys.stdin.isatty():
        yield sys.stdin, sys.stderr
        return
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    with open(descriptor, "r+b", buffering=0) as raw:
        text = io.TextIOWrapper(raw, line_buffering=True)
        yield text, text


def ask(question: str) -> str | None:
    """Ask on the terminal; ``None`` when there is none."""
    with terminal() as person:
        if person is None:
            return None
        source, sink = person
        sink.write(question)
        sink.flush()
        line = source.readline()
    if not line:
        raise RefusalError("refusal.operator", "no answer was given")
    return line.rstrip("\n")


def ask_hidden(question: str) -> str | None:
    """Ask on the terminal without showing the answer; ``None`` when there is none."""
    with terminal() as person:
        if person is None:
            return None
        source, sink = person
        before = termios.tcgetattr(source)
        hidden = termios.tcgetattr(source)
        hidden[3] &= ~termios.ECHO
        try:
            # Before the question: what is typed after it must not be flushed away.
            termios.tcsetattr(source, termios.TCSAFLUSH, hidden)
            sink.write(question)
            sink.flush()
            line = source.readline()
        finally:
            termios.tcsetattr(source, termios.TCSAFLUSH, before)
            sink.write("\n")
    if not line:
        raise RefusalError("refusal.operator", "no answer was given")
    return line.rstrip("\n")


def confirm(run: Invocation, given: str | None, digest: str, groups: int) -> None:
    """Let a person accept ``digest`` by its code: typed, or given by ``--confirm``.

    Raises ``refusal.confirmation_required`` when nobody can be asked and
    ``refusal.confirmation_wrong`` when the code is another one.
    """
    code = "-".join(digest[4 * i : 4 * i + 4].upper() for i in range(groups))
    if given is None:
        given = ask(f"{run.program}: type the code to accept: ")
    if given is None:
        run.note(f"confirm: {code}")
        raise RefusalError(
            "refusal.confirmation_required",
            "a person must confirm this; nothing was changed",
            f"compare the code, then run the same command with --confirm {code}",
            confirm=code,
        )
    if not accepts(given, digest, groups):
        raise RefusalError(
            "refusal.confirmation_wrong",
            f"the code given is not {code}; nothing was changed",
            "compare both screens once more",
        )


def fail(program: str, error: AirgapError, *, as_json: bool) -> int:
    """Report ``error`` and return its exit status."""
    click.echo(f"{program}: error: {error.message}", err=True)
    if error.hint:
        click.echo(f"{program}: hint: {error.hint}", err=True)
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        if isinstance(error, RefusalError) and error.confirm:
            body["confirm"] = error.confirm
        click.echo(json.dumps({"error": body}))
    return error.status


def run(program: str, group: click.Group, arguments: list[str]) -> NoReturn:
    """Run ``group`` and leave with its exit status; the only place that exits."""
    sys.exit(_status(program, group, arguments))


def _status(program: str, group: click.Group, arguments: list[str]) -> int:
    obj = Invocation(program)
    as_json = "--json" in arguments
    try:
        result = group.main(
            arguments, prog_name=program, standalone_mode=False, obj=obj
        )
    except AirgapError as error:
        return fail(program, error, as_json=as_json)
    except click.ClickException as error:
        is_bare = isinstance(error, click.exceptions.NoArgsIsHelpError)
        text = "a command is missing" if is_bare else error.format_message()
        usage = UsageError("usage", text, f"{program} --help shows what there is")
        return fail(program, usage, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        stopped = RefusalError("refusal.operator", "stopped by the person")
        return fail(program, stopped, as_json=as_json)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        machine = FileError("file.machine", f"{error.strerror or error}{where}")
        return fail(program, machine, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the one place; a person sees no traceback
        bug = AirgapError(
            "bug",
            f"{type(error).__name__}: {error}",
            "this is our mistake; please report it with the command you ran",
        )
        return fail(program, bug, as_json=as_json)
    return result if isinstance(result, int) else 0
