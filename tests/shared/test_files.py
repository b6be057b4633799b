"""Files are read once and whole, and written all at once or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from airgap_shared import files
from airgap_shared.errors import AirgapError


def refused(code, function, *arguments):
    with pytest.raises(AirgapError) as caught:
        function(*arguments)
    assert caught.value.code == code
    return caught.value


def failing(name, number):
    def fail(*_arguments, **_more):
        raise OSError(number, os.strerror(number), name)

    return fail


def test_a_regular_file_is_read_whole(tmp_path):
    (tmp_path / "document").write_bytes(b"\x00\xffbytes\n")
    assert files.read(tmp_path / "document") == b"\x00\xffbytes\n"


def test_a_file_of_exactly_the_limit_is_read(tmp_path):
    (tmp_path / "document").write_bytes(b"x" * 10)
    assert files.read(tmp_path / "document", 10) == b"x" * 10


def test_a_file_over_the_limit_is_refused(tmp_path):
    (tmp_path / "document").write_bytes(b"x" * 11)
    refused("contract.too_large", files.read, tmp_path / "document", 10)


def test_a_missing_file_is_a_usage_error(tmp_path):
    error = refused("file.missing", files.read, tmp_path / "nothing")
    assert error.status == 2


def test_a_folder_is_no_document_and_leaves_no_open_descriptor(tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    refused("file.not_regular", files.read, tmp_path)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused("file.not_regular", files.read, tmp_path / "pipe")


def test_a_device_is_refused():
    refused("file.not_regular", files.read, Path("/dev/zero"))


def test_a_symbolic_link_is_read_as_what_it_points_to(tmp_path):
    (tmp_path / "document").write_bytes(b"x")
    (tmp_path / "link").symlink_to("document")
    assert files.read(tmp_path / "link") == b"x"


def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    refused("file.unreadable", files.read, tmp_path / "loop")


def test_a_failing_medium_is_unreadable():
    # The kernel lets anybody open this file and fails the read at address 0.
    refused("file.unreadable", files.read, Path("/proc/self/mem"))


def test_a_new_file_holds_all_bytes_and_leaves_nothing_else(tmp_path):
    files.write_new(tmp_path / "out", b"bytes", 0o640)
    assert (tmp_path / "out").read_bytes() == b"bytes"
    assert os.listdir(tmp_path) == ["out"]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) & 0o077 == 0o040


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_that_exists_is_overwritten(tmp_path, kind):
    path = tmp_path / "out"
    if kind == "file":
        path.write_bytes(b"old")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    error = refused("file.exists", files.write_new, path, b"new")
    assert error.status == 2
    assert error.hint
    assert os.listdir(tmp_path) == ["out"]


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "no" / "out"
    error = refused("file.missing", files.write_new, path, b"x")
    assert str(tmp_path / "no") in error.message


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "out"

    def link(_source, target):
        target.write_bytes(b"theirs")
        raise FileExistsError(errno.EEXIST, "exists", str(target))

    monkeypatch.setattr(os, "link", link)
    refused("file.exists", files.write_new, path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["out"]


def test_a_name_that_vanished_again_is_reported_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing("out", errno.EEXIST))
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "out", b"ours")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_stick_without_hard_links_is_written_by_renaming(
    tmp_path, monkeypatch, number
):
    monkeypatch.setattr(os, "link", failing("out", number))
    files.write_new(tmp_path / "out", b"bytes")
    assert (tmp_path / "out").read_bytes() == b"bytes"
    assert os.listdir(tmp_path) == ["out"]


def test_renaming_does_not_overwrite_either(tmp_path, monkeypatch):
    path = tmp_path / "out"

    def link(_source, target):
        target.write_bytes(b"theirs")
        raise OSError(errno.EPERM, "no links here", str(target))

    monkeypatch.setattr(os, "link", link)
    refused("file.exists", files.write_new, path, b"ours")
    assert path.read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "file.unwritable"),
        (errno.ENOSPC, "file.disk_full"),
        (errno.EDQUOT, "file.disk_full"),
    ],
)
@pytest.mark.parametrize("function", ["link", "fsync", "open"])
def test_a_failure_at_any_step_leaves_nothing(
    tmp_path, monkeypatch, number, code, function
):
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing("out", number))
        refused(code, files.write_new, tmp_path / "out", b"bytes")
    assert os.listdir(tmp_path) == []


def test_replacing_puts_the_new_bytes_in_place(tmp_path):
    path = tmp_path / "state"
    files.replace(path, b"first")
    files.replace(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["state"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_replacement_keeps_the_old_bytes(tmp_path):
    path = tmp_path / "state"
    path.mkdir()
    refused("file.unwritable", files.replace, path, b"new")
    assert os.listdir(tmp_path) == ["state"]


def test_a_full_disk_keeps_the_old_bytes(tmp_path, monkeypatch):
    path = tmp_path / "state"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing("state", errno.ENOSPC))
        refused("file.disk_full", files.replace, path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["state"]


def test_a_folder_is_made_for_its_owner_alone(tmp_path):
    files.make_folder(tmp_path / "a" / "home")
    files.make_folder(tmp_path / "a" / "home")
    assert stat.S_IMODE((tmp_path / "a" / "home").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    refused("file.unwritable", files.make_folder, tmp_path / "file" / "home")
