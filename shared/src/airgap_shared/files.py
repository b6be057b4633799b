"""An edge: files are read once and whole, and written all at once or not at all."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from airgap_shared.errors import ContractError, FileError, MissingFileError
from airgap_shared.limits import MAX_DOCUMENT_BYTES


def read(path: Path, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a regular file, read once.

    Raises ``file.missing``, ``file.not_regular``, ``contract.too_large`` and
    ``file.unreadable``. Pipes and devices are refused without waiting for them.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MissingFileError("file.missing", f"{path} does not exist") from error
    except OSError as error:
        raise _failure("file.unreadable", path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileError("file.not_regular", f"{path} is not a regular file")
    with open(descriptor, "rb") as file:
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:
            raise _failure("file.unreadable", path, error) from error
    if len(data) > max_bytes:
        raise ContractError(
            "contract.too_large",
            f"{path} is larger than the {max_bytes} bytes that fit",
        )
    return data


def require_absent(path: Path) -> None:
    """Raise ``file.exists`` when something is at ``path`` already."""
    if os.path.lexists(path):
        raise MissingFileError(
            "file.exists",
            f"{path} exists already; nothing is overwritten",
            "choose another name or move the file away",
        )


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``data`` to a name that is free, durably and never half.

    Raises ``file.exists``, ``file.missing`` (no such folder), ``file.disk_full``
    and ``file.unwritable``.
    """
    require_absent(path)
    temporary = _write_temporary(path, data, mode)
    try:
        _link_or_rename(temporary, path)
        _sync_folder(path.parent)
    except FileExistsError:
        require_absent(path)
        raise
    except OSError as error:
        raise _failure("file.unwritable", path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put ``data`` in the place of what is at ``path``, durably and never half."""
    temporary = _write_temporary(path, data, mode)
    try:
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _failure("file.unwritable", path, error) from error


def make_folder(path: Path) -> None:
    """Make ``path`` and what is missing above it, readable by its owner alone."""
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _failure("file.unwritable", path, error) from error


def _write_temporary(path: Path, data: bytes, mode: int) -> Path:
    """Write and sync a temporary file beside ``path``, on the same file system."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError as error:
        raise MissingFileError(
            "file.missing", f"folder {path.parent} does not exist"
        ) from error
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _failure("file.unwritable", path, error) from error
    return temporary


def _link_or_rename(temporary: Path, path: Path) -> None:
    """Give ``temporary`` its name without replacing a file that came meanwhile.

    A hard link does that in one step; FAT, which most USB sticks carry, has none.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        require_absent(path)
        temporary.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(code: str, path: Path, error: OSError) -> FileError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FileError("file.disk_full", f"no space left for {path}")
    return FileError(code, f"{path}: {error.strerror}")
