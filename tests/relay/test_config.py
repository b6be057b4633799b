"""Where the state lies, who the relay is, and where the API key may go."""

import pytest

from airgap_relay import config
from airgap_shared.errors import ContractError, FileError, UsageError

SECRET = "t-0123456789abcdef-secret"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("TATUM_API_KEY", raising=False)
    monkeypatch.delenv("TATUM_API_URL", raising=False)


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "relay"
    config.prepare_home(path)
    config.create(path, config.new("testnet", "", "relay"), b"\x01" * 32)
    return path


def code_of(call, *arguments):
    with pytest.raises(UsageError) as caught:
        call(*arguments)
    assert SECRET not in f"{caught.value!r}{caught.value.hint}"
    return caught.value.code


def test_a_home_keeps_its_identity(home):
    settings, author = config.load(home)
    assert settings.network == "testnet"
    assert author.document.role == "relay"
    assert config.load(home)[1].fingerprint == author.fingerprint
    assert (home / "identity.key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_home_is_made_once(home):
    assert code_of(config.prepare_home, home) == "usage.initialised"


def test_an_empty_folder_is_no_home(tmp_path):
    assert code_of(config.load, tmp_path) == "usage.not_initialised"


@pytest.mark.parametrize("text", ["", "{", '{"network":"moon"}', '{"a":1}', "[" * 9999])
def test_a_damaged_configuration_is_refused(home, text):
    (home / "config.json").write_text(text)
    assert code_of(config.load, home) == "usage.config"


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 32 + "0"])
def test_a_damaged_identity_is_refused(home, text):
    (home / "identity.key").write_text(text)
    assert code_of(config.load, home) == "usage.identity"


def test_an_identity_that_others_can_read_is_refused(home):
    (home / "identity.key").chmod(0o640)
    assert code_of(config.load, home) == "usage.identity"


def test_a_name_that_is_not_printable_is_refused():
    assert code_of(config.new, "testnet", "", "a\nb") == "usage.config"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.tatum.io",
        "https://api.tatum.io:8443/base",
        "http://127.0.0.1:8290",
        "http://127.9.9.9",
        "http://[::1]:8290",
    ],
)
def test_a_safe_address_is_taken(url):
    assert config.check_url(url + "/") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.tatum.io",
        "http://localhost:8290",
        "http://127.0.0.1.example.com",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://2130706433",
        "http://127.1",
        "ftp://127.0.0.1",
        "https://user:pass@api.tatum.io",
        "https://api.tatum.io?x=1",
        "https://api.tatum.io#x",
        "https://",
        "https://api.tatum.io:port",
        "https://[::1",
        "api.tatum.io",
        "https://api tatum.io",
        "",
    ],
)
def test_an_unsafe_address_is_refused(url):
    assert code_of(config.check_url, url) == "usage.api_url"


def test_the_option_goes_before_the_environment_and_the_configuration(monkeypatch):
    settings = config.new("testnet", "https://config.example", "relay")
    assert config.api_url(None, None) == config.DEFAULT_API_URL
    assert config.api_url(None, settings) == "https://config.example"
    monkeypatch.setenv("TATUM_API_URL", "https://environment.example")
    assert config.api_url(None, settings) == "https://environment.example"
    assert (
        config.api_url("https://option.example", settings) == "https://option.example"
    )


def key_file(tmp_path, text=SECRET + "\n", mode=0o600):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_the_key_file_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TATUM_API_KEY", "other")
    assert config.api_key(None) == "other"
    assert config.api_key(key_file(tmp_path)) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path, mode):
    path = key_file(tmp_path, mode=mode)
    assert code_of(config.api_key, path) == "usage.api_key_file"


@pytest.mark.parametrize("text", ["", "\n", SECRET + " x", SECRET + "é", SECRET * 30])
def test_a_key_that_is_none_is_refused_without_showing_it(tmp_path, text):
    with pytest.raises((UsageError, ContractError)) as caught:
        config.api_key(key_file(tmp_path, text))
    assert SECRET not in f"{caught.value!r}{caught.value.hint}"


def test_no_key_at_all_is_refused():
    assert code_of(config.api_key, None) == "usage.api_key"
    assert not config.has_api_key(None)


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(FileError) as caught:
        config.api_key(str(tmp_path / "none"))
    assert caught.value.code == "file.missing"
