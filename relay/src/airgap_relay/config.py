"""An edge: where the relay's state lies, who it is, and how it reaches Tatum.

HOME/config.json    network, API address, name
HOME/identity.key   seed of the Ed25519 key, mode 0600
HOME/journal.db     everything else
"""

import ipaddress
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_shared import documents, files
from airgap_shared.chains import Network
from airgap_shared.documents import Identity
from airgap_shared.envelope import Sign
from airgap_shared.errors import UsageError

DEFAULT_API_URL = "https://api.tatum.io"
"""Tatum's public address."""

MAX_CONFIG_BYTES = 64 * 1024
"""A configuration file; ours has 100 bytes."""

MAX_API_KEY_BYTES = 512
"""An API key; Tatum's have 60 characters."""

SEED_BYTES = 32
"""Seed of an Ed25519 key (RFC 8032 §5.1.5)."""

_API_KEY = re.compile(r"[!-~]+\Z")


class Config(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="camel",
):
    """What was decided at ``init``."""

    network: Network
    api_url: str = ""
    name: str = "relay"


@dataclass(frozen=True, slots=True)
class Author:
    """This relay's identity, and its key behind a function."""

    document: Identity
    sign: Sign

    @property
    def key(self) -> str:
        """The public key, hex."""
        return self.document.key

    @property
    def fingerprint(self) -> str:
        """What the signer knows this relay by."""
        return documents.fingerprint(self.document)


def new(network: str, url: str, name: str) -> Config:
    """Return the configuration of a new relay; raises ``usage.config``."""
    fields = {"network": network, "apiUrl": url, "name": name}
    try:
        config = msgspec.convert(fields, Config)
        msgspec.convert({"role": "relay", "name": name, "key": "0" * 64}, Identity)
    except msgspec.ValidationError as error:
        raise UsageError("usage.config", f"cannot be configured: {error}") from error
    return config


def journal_path(home: Path) -> Path:
    """Return where the journal of ``home`` lies."""
    return home / "journal.db"


def is_initialised(home: Path) -> bool:
    """Whether ``home`` holds the state of a relay."""
    return (home / "config.json").exists()


def prepare_home(home: Path) -> None:
    """Make the folder of a new relay; raises ``usage.initialised``."""
    if is_initialised(home):
        raise UsageError("usage.initialised", f"{home} holds a relay already")
    files.make_folder(home)


def create(home: Path, config: Config, seed: bytes) -> Author:
    """Write configuration and identity of a new relay; the configuration last."""
    key_path = home / "identity.key"
    if not key_path.exists():  # An earlier attempt may have stopped half way.
        files.write_new(key_path, seed.hex().encode() + b"\n", 0o600)
    author = _author(home, config)
    text = msgspec.json.format(msgspec.json.encode(config), indent=2)
    files.write_new(home / "config.json", text + b"\n", 0o600)
    return author


def load(home: Path) -> tuple[Config, Author]:
    """Return configuration and identity of the relay in ``home``.

    Raises ``usage.not_initialised``, ``usage.config`` and ``usage.identity``.
    """
    config = load_settings(home)
    if config is None:
        raise UsageError(
            "usage.not_initialised",
            f"{home} holds no relay yet",
            "run airgap-relay init, or name the folder with --home",
        )
    return config, _author(home, config)


def load_settings(home: Path) -> Config | None:
    """Return the configuration in ``home``; ``None`` when there is none."""
    if not is_initialised(home):
        return None
    data = files.read(home / "config.json", MAX_CONFIG_BYTES)
    try:
        return msgspec.json.decode(data, type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("usage.config", f"config.json: {error}") from error


def _author(home: Path, config: Config) -> Author:
    path = home / "identity.key"
    _require_private(path, "usage.identity")
    text = files.read(path, 2 * SEED_BYTES + 2).strip()
    try:
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.decode()))
    except ValueError as error:
        raise UsageError(
            "usage.identity", f"{path} holds no key of {SEED_BYTES} bytes in hex"
        ) from error
    key = private.public_key().public_bytes_raw().hex()
    return Author(Identity(role="relay", name=config.name, key=key), private.sign)


def api_url(option: str | None, config: Config | None) -> str:
    """Return Tatum's address: option, TATUM_API_URL, configuration, or the public one.

    Raises ``usage.api_url``.
    """
    chosen = option or os.environ.get("TATUM_API_URL")
    if not chosen and config is not None:
        chosen = config.api_url
    return check_url(chosen or DEFAULT_API_URL)


def check_url(url: str) -> str:
    """Return ``url`` without a slash at its end when it is safe to use.

    Plain HTTP goes to a loopback address written as a number only: a name could be
    resolved to anywhere, and the API key would go there in the clear.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad_url("no address") from error
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _bad_url("only scheme, host, port and path are allowed")
    if not host or not url.isascii() or any(c.isspace() for c in url):
        raise _bad_url("no host name in it")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and _is_loopback_number(host)
    ):
        raise _bad_url("https is required, or http to a loopback number")
    return url.rstrip("/")


def api_key(key_file: str | None) -> str:
    """Return the API key from ``key_file``, else from TATUM_API_KEY.

    Raises ``usage.api_key``; the key is in no message.
    """
    if key_file is not None:
        path = Path(key_file)
        _require_private(path, "usage.api_key_file")
        raw = files.read(path, MAX_API_KEY_BYTES + 2)
        key = raw.split(b"\n", 1)[0].strip().decode("ascii", "replace")
    else:
        key = os.environ.get("TATUM_API_KEY", "").strip()
    if not key:
        raise UsageError(
            "usage.api_key",
            "no API key was given",
            "set TATUM_API_KEY or use --api-key-file FILE",
        )
    if not _API_KEY.match(key) or len(key) > MAX_API_KEY_BYTES:
        raise UsageError("usage.api_key", "the API key is no line of printable ASCII")
    return key


def has_api_key(key_file: str | None) -> bool:
    """Whether an API key was given at all."""
    return key_file is not None or bool(os.environ.get("TATUM_API_KEY", "").strip())


def _require_private(path: Path, code: str) -> None:
    """Refuse a secret that other users of this machine can read."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # Reading it says better what is wrong.
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            code,
            f"{path} has mode {stat.S_IMODE(mode):04o}, others can reach it",
            f"chmod 600 {path}",
        )


def _is_loopback_number(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_url(reason: str) -> UsageError:
    return UsageError("usage.api_url", f"the API address cannot be used: {reason}")
