"""What the documents for people say of the programs is true.

The commands that README and guides name exist with their options, links lead to files,
and the diagram of a transaction's life is the table that the relay works by.
"""

import re

import click
import pytest

from airgap_relay.cli import PROGRAM as RELAY
from airgap_relay.lifecycle import TRANSITIONS
from airgap_signer.cli import group
from tests.architecture.tree import ROOT, tracked_files

PROGRAMS = {"airgap-relay": RELAY, "airgap-signer": group()}

DOCUMENTS = sorted(path for path in tracked_files() if path.suffix == ".md")
MANUALS = [
    path
    for path in DOCUMENTS
    if path.name == "README.md" or path.parts[:2] == ("docs", "guides")
]

INVOCATION = re.compile(r"\b(airgap-(?:relay|signer)) +([^\n`|;&>)]+)")
"""A program and what follows it on the line, up to whatever ends a command."""

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
ARROW = re.compile(r"^ +\w+ --> \w+: .+$", re.MULTILINE)


def prose_and_commands(path):
    """The text of ``path``, commands that go over several lines joined."""
    return (ROOT / path).read_text().replace("\\\n", " ")


def code(text):
    """Every piece of ``text`` that is set as code."""
    yield from re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", outside)


def invocations(text):
    """Program and words of each command in the code of ``text``."""
    for piece in code(text):
        for program, rest in INVOCATION.findall(piece):
            yield program, rest.split()


def unknown(program, words):
    """What of ``words`` the help of ``program`` does not name."""
    command: click.Command = PROGRAMS[program]
    strange = []
    skip = False
    for word in words:
        options = {name: p for p in command.params for name in p.opts}
        if skip:
            skip = False
        elif word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            if name not in {*options, "--help"}:
                strange.append(word)
            else:
                skip = "=" not in word and not getattr(options.get(name), "is_flag", 1)
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return [*strange, word]
            command = command.commands[word]
    return strange


@pytest.mark.parametrize("path", MANUALS, ids=str)
def test_every_command_in_a_manual_is_in_the_programs_help(path):
    text = prose_and_commands(path)
    found = {
        f"{program} {' '.join(words)}": strange
        for program, words in invocations(text)
        if (strange := unknown(program, words))
    }
    assert found == {}


def test_the_tour_of_the_readme_names_commands_of_both_programs():
    tour = (ROOT / "README.md").read_text().partition("## A tour by hand")[2]
    programs = {program for program, _ in invocations(tour.partition("\n## ")[0])}
    assert programs == set(PROGRAMS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_relative_link_leads_to_a_file(path):
    text = re.sub(r"```.*?```", "", (ROOT / path).read_text(), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if "://" not in link]
    folder = (ROOT / path).parent
    assert [link for link in links if not (folder / link).exists()] == []


def diagram():
    """The arrows of the life cycle as the document draws them, in alphabetic order."""
    events: dict[tuple[str, str], list[str]] = {}
    for (old, event), new in TRANSITIONS.items():
        events.setdefault((old.value, new.value), []).append(event.value)
    return sorted(
        f"    {old} --> {new}: {', '.join(sorted(names))}"
        for (old, new), names in events.items()
    )


def test_the_diagram_of_a_transactions_life_is_the_relays_table():
    text = (ROOT / "docs" / "architecture.md").read_text()
    drawn = sorted(arrow.group() for arrow in ARROW.finditer(text))
    table = diagram()
    assert drawn == table, "docs/architecture.md should say:\n" + "\n".join(table)
