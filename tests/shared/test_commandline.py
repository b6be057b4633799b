"""What the command lines of both programs have in common."""

import io
import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import commandline
from tests.shared import sample_program

NAME = sample_program.NAME
DIGEST = sample_program.DIGEST
CODE = "0123-4567"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    monkeypatch.delenv("AIRGAP_SAMPLE_HOME", raising=False)
    monkeypatch.delenv("AIRGAP_SAMPLE_THING", raising=False)


@pytest.fixture
def run(capfdbinary, monkeypatch):
    """Run the sample in this process, without a terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    opened = os.open

    def open_(path, *arguments, **more):
        if path == "/dev/tty":
            raise OSError(6, "No such device or address", path)
        return opened(path, *arguments, **more)

    monkeypatch.setattr(os, "open", open_)

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            commandline.run(NAME, sample_program.group, list(arguments))
        out, err = capfdbinary.readouterr()
        return caught.value.code, out, err.decode()

    return run


def shown(run, *arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    return json.loads(out)


def error_of(run, *arguments):
    status, out, err = run(*arguments)
    assert "Traceback" not in err
    assert err.lstrip().startswith(f"{NAME}: ")
    return status, json.loads(out)["error"], err


class TestOptions:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["--home", "somewhere", "--json", "--unsafe", "show"],
            ["show", "--home", "somewhere", "--json", "--unsafe"],
            ["--json", "show", "--unsafe", "--home", "somewhere"],
            ["inner", "--unsafe", "show", "--json", "--home=somewhere"],
            [
                "--home",
                "elsewhere",
                "show",
                "--home",
                "somewhere",
                "--json",
                "--unsafe",
            ],
        ],
    )
    def test_common_options_stand_before_the_command_or_after_it(self, run, arguments):
        assert shown(run, *arguments) == {
            "home": "somewhere",
            "json": True,
            "unsafe": True,
            "thing": None,
        }

    def test_without_options_the_defaults_hold(self, run):
        value = shown(run, "show", "--json")
        assert value["home"] == str(Path.home() / f".{NAME}")
        assert value["unsafe"] is False

    def test_the_environment_names_the_home(self, run, monkeypatch):
        monkeypatch.setenv("AIRGAP_SAMPLE_HOME", "from-environment")
        assert shown(run, "show", "--json")["home"] == "from-environment"

    @pytest.mark.parametrize("before", [True, False])
    def test_a_typed_option_wins_over_the_environment(self, run, monkeypatch, before):
        monkeypatch.setenv("AIRGAP_SAMPLE_HOME", "from-environment")
        monkeypatch.setenv("AIRGAP_SAMPLE_THING", "from-environment")
        typed = ["--home", "typed", "--thing", "typed"]
        command = [*typed, "show"] if before else ["show", *typed]
        value = shown(run, *command, "--json")
        assert (value["home"], value["thing"]) == ("typed", "typed")

    def test_a_tilde_is_the_persons_home(self, run):
        value = shown(run, "--home", "~/state", "show", "--json")
        assert value["home"] == str(Path.home() / "state")

    def test_help_lists_the_common_options_of_every_command(self, run):
        for command in ([], ["show"], ["inner", "show"]):
            status, out, _ = run(*command, "--help")
            assert status == 0
            for option in (b"--home", b"--json", b"--unsafe", b"--thing"):
                assert out.count(option) == 1

    def test_a_command_used_without_the_frame_keeps_nothing(self):
        sample_program.group.make_context(NAME, ["show"])


class TestResults:
    def test_people_get_text_and_json_is_one_document(self, run):
        assert run("--home", "x", "show")[1] == b"home x\n"
        assert run("plain")[1] == b'{\n  "answer": 42\n}\n'
        assert run("plain", "--json")[1] == b'{"answer": 42}\n'

    def test_a_document_goes_to_a_new_file(self, run, tmp_path):
        path = tmp_path / "out"
        assert run("write", "-o", str(path)) == (0, b"", "")
        assert path.read_bytes() == b"document \xff"
        status, error, _ = error_of(run, "write", "-o", str(path), "--json")
        assert (status, error["code"]) == (2, "file.exists")

    def test_a_dash_is_stdout_byte_for_byte(self, run):
        assert run("write", "-o", "-") == (0, b"document \xff", "")

    def test_a_dash_and_json_cannot_share_stdout(self, run):
        status, error, _ = error_of(run, "write", "-o", "-", "--json")
        assert (status, error["code"]) == (2, "usage.stdout_twice")

    def test_a_command_may_return_its_exit_status(self, run):
        assert run("status")[0] == 6

    def test_notes_go_to_stderr(self, capsys):
        commandline.Invocation(NAME).note("by the way")
        assert capsys.readouterr() == ("", f"{NAME}: by the way\n")


class TestErrors:
    @pytest.mark.parametrize(
        ("how", "status", "code", "message"),
        [
            ("contract", 4, "contract.malformed", "found?this"),
            ("hintless", 4, "contract.malformed", "found this"),
            ("file", 9, "file.machine", "No space left on device: some/file"),
            ("pipe", 9, "file.machine", "Input/output error"),
            ("nameless", 9, "file.machine", "no number"),
            ("person", 3, "refusal.operator", "stopped by the person"),
            ("abort", 3, "refusal.operator", "stopped by the person"),
            ("bug", 1, "bug", "ValueError: unexpected ?[2J"),
        ],
    )
    def test_every_failure_is_an_exit_and_no_traceback(
        self, run, how, status, code, message
    ):
        found, error, err = error_of(run, "fail", how, "--json")
        assert found == status
        assert (error["code"], error["message"]) == (code, message)
        lines = [line for line in err.splitlines() if line]
        assert lines[0] == f"{NAME}: error: {message}"
        expected = [f"{NAME}: hint: {error['hint']}"] if error["hint"] else []
        assert lines[1:] == expected

    def test_without_json_nothing_but_stderr_speaks(self, run):
        status, out, err = run("fail", "contract")
        assert (status, out) == (4, b"")
        assert err == f"{NAME}: error: found?this\n{NAME}: hint: do that\n"

    @pytest.mark.parametrize(
        "arguments",
        [["nothing"], ["show", "--nothing"], ["fail"], ["write"], ["show", "x"]],
    )
    def test_a_wrong_command_is_a_usage_error(self, run, arguments):
        status, error, _ = error_of(run, *arguments, "--json")
        assert (status, error["code"]) == (2, "usage")

    def test_no_command_at_all_is_a_short_usage_error(self, run):
        status, out, err = run()
        assert (status, out) == (2, b"")
        assert "a command is missing" in err
        assert "?" not in err


class TestConfirmation:
    @pytest.mark.parametrize(
        "given_",
        [CODE, "0123 4567", "01234567", "0123-4567-89ab", DIGEST, DIGEST.upper()],
    )
    def test_the_code_or_a_longer_prefix_is_accepted(self, run, given_):
        assert commandline.accepts(given_, DIGEST, 2)
        assert run("accept", "--confirm", given_)[:2] == (0, b"accepted\n")

    @pytest.mark.parametrize(
        "given_",
        ["", "0123", "0123-456", "0123-4568", "0123-4567-89ac", DIGEST + "0", "-" * 20],
    )
    def test_anything_else_is_refused(self, run, given_):
        assert not commandline.accepts(given_, DIGEST, 2)
        status, error, _ = error_of(run, "accept", "--json", f"--confirm={given_}")
        assert (status, error["code"]) == (3, "refusal.confirmation_wrong")

    @given(st.text(max_size=80))
    def test_only_prefixes_of_the_digest_are_ever_accepted(self, text):
        if commandline.accepts(text, DIGEST, 2):
            plain = text.replace("-", "").replace(" ", "").lower()
            assert DIGEST.startswith(plain)
            assert len(plain) >= 8

    def test_without_a_terminal_the_code_is_told_and_nothing_done(self, run):
        status, error, err = error_of(run, "accept", "--json")
        assert status == 3
        assert error["code"] == "refusal.confirmation_required"
        assert error["confirm"] == CODE
        assert f"{NAME}: confirm: {CODE}\n" in err


SAMPLE = [sys.executable, "-m", "tests.shared.sample_program"]


def at_terminal(arguments, typed, **channels):
    """Run the sample in a session of its own; answer its question with ``typed``.

    Returns exit status, what the terminal showed, and stdout.
    """
    person, terminal = pty.openpty()
    # A new session takes the first terminal that it opens as its own.
    script = (
        "import os, sys; os.setsid(); os.close(os.open(sys.argv[1], os.O_RDWR)); "
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    command = [sys.executable, "-c", script, os.ttyname(terminal), *SAMPLE, *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=terminal if "stdin" in channels else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal if "stderr" in channels else subprocess.DEVNULL,
    ) as process:
        try:
            screen = read_until(person, b"? ", b"accept: ")
            os.write(person, typed)
            stdout = process.communicate(timeout=20)[0]
            screen += read_until(person)
        finally:
            process.kill()
            os.close(terminal)
            os.close(person)
    return process.returncode, screen.decode(), stdout.decode()


def read_until(person, *ends, seconds=20):
    """Return what the terminal shows until one of ``ends``, or all there is."""
    screen = b""
    while select.select([person], [], [], seconds if ends else 0)[0]:
        screen += os.read(person, 10_000)
        if ends and screen.endswith(ends):
            break
    return screen


class TestTerminal:
    def test_a_question_is_asked_on_stdin_when_it_is_a_terminal(self):
        status, shown, stdout = at_terminal(["ask"], b"yes\n", stdin=1, stderr=1)
        assert (status, stdout) == (0, "answer: 'yes' \n")
        assert "question? " in shown

    def test_a_question_reaches_the_person_though_stdin_is_a_file(self):
        status, shown, stdout = at_terminal(["ask"], b"yes\n")
        assert (status, stdout) == (0, "answer: 'yes' \n")
        assert "question? " in shown

    def test_without_any_terminal_there_is_no_answer(self):
        done = subprocess.run(
            [*SAMPLE, "ask"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            b"answer: None \n",
            b"",
        )

    def test_a_closed_terminal_is_no_consent(self):
        status, _, stdout = at_terminal(
            ["accept", "--json"], b"\x04", stdin=1, stderr=1
        )
        assert status == 3
        assert json.loads(stdout)["error"]["code"] == "refusal.operator"

    @pytest.mark.parametrize("channels", [{}, {"stdin": 1, "stderr": 1}])
    def test_a_hidden_answer_is_never_shown(self, channels):
        status, shown, stdout = at_terminal(["hidden"], b"hush\n", **channels)
        assert (status, stdout) == (0, "answer: 'hush'\n")
        assert shown.split() == ["secret?"]

    def test_a_closed_terminal_is_no_hidden_answer_either(self):
        status, _, stdout = at_terminal(["hidden", "--json"], b"\x04")
        assert status == 3
        assert json.loads(stdout)["error"]["code"] == "refusal.operator"

    def test_a_typed_code_is_accepted(self):
        status, shown, stdout = at_terminal(["accept"], f"{CODE}\n".encode())
        assert (status, stdout) == (0, "accepted\n")
        assert "type the code to accept" in shown

    def test_a_wrong_typed_code_is_refused(self):
        status, _, stdout = at_terminal(["accept", "--json"], b"ABCD-EF01\n")
        assert status == 3
        assert json.loads(stdout)["error"]["code"] == "refusal.confirmation_wrong"

    def test_the_interrupt_key_stops_without_a_traceback(self):
        status, shown, stdout = at_terminal(["ask"], b"\x03", stdin=1, stderr=1)
        assert (status, stdout) == (3, "")
        assert "Traceback" not in shown


class TestStandardInput:
    def test_a_missing_stdin_is_no_terminal(self, run, monkeypatch):
        monkeypatch.setattr(sys, "stdin", None)
        assert run("ask")[:2] == (0, b"answer: None \n")
        assert run("hidden")[:2] == (0, b"answer: None\n")

    def test_a_terminal_at_stdin_is_asked_itself(self, run, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
        status, out, err = run("ask")
        assert (status, out, err) == (0, b"answer: 'yes' \n", "question? ")
        monkeypatch.setattr(sys, "stdin", Terminal(""))
        assert run("ask")[0] == 3
