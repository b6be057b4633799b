"""Commands around the machine and its storage, and the program itself."""

import json
import os
import stat

import pytest

from airgap_signer import selftest as tests
from tests.signer.cli.pseudo import PROGRAM, at_terminal, without_terminal
from tests.signer.world import HOT, PASSWORD, WALLET


def commands(group, path=()):
    """Return the words of every command of a group."""
    found = []
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            found += commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


COMMANDS = commands(PROGRAM)


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_bytes(PASSWORD + b"\n")
    os.chmod(path, 0o600)
    return path


@pytest.fixture
def new(tmp_path):
    return tmp_path / "new" / "home"


def init(run, new, password_file, *more):
    options = ["--home", new, "--password-file", password_file, "--json"]
    return run(*options, "init", "--kdf-memory", "64", *more)


class TestInit:
    def test_a_new_signer_shows_its_identity(self, run, new, password_file):
        done = init(run, new, password_file)
        assert done.status == 0
        assert stat.S_IMODE(new.stat().st_mode) == 0o700
        assert all(
            stat.S_IMODE(each.stat().st_mode) & 0o077 == 0 or each.suffix == ".identity"
            for each in new.iterdir()
        )
        assert (
            done.json["fingerprint"]
            .upper()
            .startswith(done.json["code"].replace("-", ""))
        )
        shown = run("--home", new, "identity", "--json").json
        assert shown == {
            "role": "signer",
            "fingerprint": done.json["fingerprint"],
            "code": done.json["code"],
        }

    def test_twice_is_refused_and_changes_nothing(self, run, new, password_file):
        init(run, new, password_file)
        before = {each.name: each.read_bytes() for each in new.iterdir()}
        done = init(run, new, password_file)
        assert (done.status, done.error["code"]) == (2, "file.exists")
        assert {each.name: each.read_bytes() for each in new.iterdir()} == before

    def test_another_path_is_another_storage(self, run, new, password_file, tmp_path):
        other = tmp_path / "elsewhere" / "second.wallet"
        done = init(run, new, password_file, "--path", other)
        assert done.json["storage"] == str(other)
        assert other.exists()
        assert not new.exists()

    @pytest.mark.parametrize("memory", ["63", "0", "4097", "-1", "x"])
    def test_too_little_or_too_much_memory_is_a_slip(
        self, run, new, password_file, memory
    ):
        options = ["--home", new, "--password-file", password_file, "--json"]
        done = run(*options, "init", "--kdf-memory", memory)
        assert (done.status, done.error["code"]) == (2, "usage")
        assert not new.exists()

    def test_a_password_is_asked_for_twice_and_never_shown(self, new):
        word = "a long and unusual pass phrase"
        seen = at_terminal(
            "--home",
            new,
            "init",
            "--kdf-memory",
            "64",
            answers=[(r"new password for .*: ", word), (r"once more: ", word)],
        )
        assert seen.status == 0
        assert word not in seen.screen
        again = at_terminal(
            "--home", new, "report", answers=[(r"password of .*: ", word)]
        )
        assert again.status == 0
        wrong = at_terminal(
            "--home", new, "report", answers=[(r"password of .*: ", word + "!")]
        )
        assert wrong.status == 5

    @pytest.mark.parametrize("typed", [["one", "two"], [""]])
    def test_two_passwords_that_differ_or_none_make_nothing(self, new, typed):
        prompts = [r"new password for .*: ", r"once more: "]
        answers = list(zip(prompts, typed, strict=False))
        seen = at_terminal("--home", new, "init", "--kdf-memory", "64", answers=answers)
        assert seen.status == 2
        assert not (new / "wallet.airgap").exists()


class TestPasswordFile:
    def report(self, run, home, file):
        return run("--home", home.path, "--password-file", file, "--json", "report")

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
    def test_one_that_others_can_read_is_refused(self, run, home, password_file, mode):
        os.chmod(password_file, mode)
        done = self.report(run, home, password_file)
        assert (done.status, done.error["code"]) == (2, "usage.password_file")
        assert "chmod 600" in done.error["hint"]

    @pytest.mark.parametrize(
        "data", [PASSWORD, PASSWORD + b"\n", PASSWORD + b"\r\n", PASSWORD + b"\nnote\n"]
    )
    def test_its_first_line_counts(self, run, home, password_file, data):
        password_file.write_bytes(data)
        assert self.report(run, home, password_file).status == 0

    @pytest.mark.parametrize(
        ("data", "status"),
        [(b"", 2), (b"\n", 2), (b"\n" + PASSWORD, 2), (b"wrong", 5), (b"x" * 1025, 4)],
    )
    def test_anything_else_opens_nothing(self, run, home, password_file, data, status):
        password_file.write_bytes(data)
        done = self.report(run, home, password_file)
        assert done.status == status
        assert "wrong\n" not in done.err

    def test_one_that_is_missing_or_no_file_is_named(self, run, home, tmp_path):
        assert self.report(run, home, tmp_path / "none").status == 2
        assert self.report(run, home, tmp_path).status == 9

    def test_one_on_the_storages_disk_is_warned_about(self, run, home, password_file):
        assert "storage's disk" in self.report(run, home, password_file).err

    def test_without_a_terminal_or_a_file_nothing_opens(self, run, home):
        done = run("--home", home.path, "--json", "report")
        assert (done.status, done.error["code"]) == (2, "usage.password")

    def test_no_environment_variable_holds_a_password(self, home, monkeypatch):
        for name in (
            "PASSWORD",
            "AIRGAP_SIGNER_PASSWORD",
            "AIRGAP_SIGNER_PASSWORD_FILE",
        ):
            monkeypatch.setenv(name, str(home.password_file))
        assert without_terminal("--home", home.path, "report").status == 2


class TestReport:
    def test_it_lists_entries_and_no_secret(self, signer, home):
        done = signer("report")
        assert set(done.json) == {"system", "wallets", "warnings"}
        assert done.json["wallets"][HOT]["type"] == "privateKey"
        assert done.json["warnings"] == []
        with home.open() as opened:
            for text in opened.secrets().keys.values():
                assert text.encode() not in done.out

    def test_it_may_be_asked_for_some(self, signer):
        assert set(signer("report", f"{WALLET},{HOT}").json["wallets"]) == {WALLET, HOT}
        done = signer("report", f"{HOT},none")
        assert (done.status, done.error["code"]) == (5, "storage.no_entry")

    def test_a_signer_without_a_relay_says_so(self, run, new, password_file):
        init(run, new, password_file)
        options = ["--home", new, "--password-file", password_file, "--json"]
        assert run(*options, "report").json["warnings"] == ["no relay is paired yet"]


class TestIdentity:
    def test_it_is_written_to_a_file_or_to_stdout(self, run, home, tmp_path):
        path = tmp_path / "identity.json"
        run("--home", home.path, "identity", "-o", path)
        assert run("--home", home.path, "identity", "-o", "-").out == path.read_bytes()
        assert run("--home", home.path, "identity", "-o", path).status == 2

    def test_without_a_signer_there_is_none(self, run, new):
        done = run("--home", new, "--json", "identity")
        assert (done.status, done.error["code"]) == (5, "storage.missing")


class TestChangePassword:
    def test_the_new_one_opens_and_the_old_one_does_not(self, signer, home, tmp_path):
        file = tmp_path / "new-password"
        file.write_bytes(b"battery staple\n")
        os.chmod(file, 0o600)
        done = signer("changepassword", "--new-password-file", file)
        assert done.status == 0
        assert "copies" in done.err
        assert signer("report").status == 5
        assert not home.beside("1").exists()
        home.password_file.write_bytes(b"battery staple\n")
        assert signer("report").status == 0

    def test_without_a_new_one_nothing_changes(self, signer, home):
        before = home.state()
        assert signer("changepassword").status == 2
        assert home.state() == before


class TestMachine:
    def test_selftest_names_its_checks_and_the_software(self, run):
        done = run("selftest", "--json")
        assert done.json["checks"] == [name for name, _ in tests.CHECKS]
        assert done.json["software"] == tests.software_digest()

    def test_checkconfig_looks_and_judges(self, run, home):
        done = run("--home", home.path, "checkconfig", "--json")
        names = [check["name"] for check in done.json["checks"]]
        assert {"network", "route", "swap", "core dumps", "folder"} < set(names)
        bad = [c["name"] for c in done.json["checks"] if not c["good"]]
        assert done.json["warnings"] == bad

    def test_a_folder_that_others_can_enter_is_bad(self, run, home):
        os.chmod(home.path, 0o755)
        done = run("--home", home.path, "checkconfig", "--json")
        assert "folder" in done.json["warnings"]


class TestProgram:
    @pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
    def test_every_command_explains_itself_with_an_example(self, run, path):
        done = run(*path, "--help")
        text = done.out.decode()
        assert done.status == 0
        assert f"Example: airgap-signer {' '.join(path)}" in text
        for option in ("--home", "--json", "--password-file", "--path"):
            assert text.count(f"\n  {option} ") == 1

    def test_the_program_lists_its_commands(self, run):
        text = run("--help").out.decode()
        assert all(f"  {path[0]} " in text for path in COMMANDS)

    @pytest.mark.parametrize(
        "arguments", [[], ["nonsense"], ["report", "--nonsense"], ["getaddress"]]
    )
    def test_a_slip_is_status_two(self, run, arguments):
        done = run("--json", *arguments)
        assert (done.status, done.error["code"]) == (2, "usage")

    @pytest.mark.parametrize(
        "path", ["report", "manifest", "audit verify", "policy show"]
    )
    def test_without_a_storage_every_command_says_what_to_do(
        self, run, new, password_file, path
    ):
        options = ["--home", new, "--password-file", password_file, "--json"]
        more = ["-o", new / "x"] if path == "manifest" else []
        done = run(*options, *path.split(), *more)
        assert (done.status, done.error["code"]) == (5, "storage.missing")
        assert "init" in done.error["hint"]
        assert not new.exists()

    def test_a_damaged_storage_is_never_a_traceback(self, signer, home):
        home.storage.write_bytes(home.storage.read_bytes()[:-1])
        done = signer("report")
        assert (done.status, done.error["code"]) == (5, "storage.damaged")

    @pytest.mark.parametrize("name", ["wallet.airgap.journal", "wallet.airgap.seal"])
    def test_a_missing_part_of_the_state_is_a_safety_stop(self, signer, home, name):
        (home.path / name).unlink()
        assert signer("report").status == 6

    def test_a_process_reports_as_json_too(self, home):
        seen = without_terminal("--home", home.path, "--json", "report")
        assert seen.status == 2
        assert json.loads(seen.out)["error"]["code"] == "usage.password"
