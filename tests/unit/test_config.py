"""Settings: what is taken, from where, and the one line that a wrong one gets."""

from pathlib import Path

import pytest

from sentinel import config
from sentinel.errors import ConfigError, Exit, SentinelError, UnreadableFile

FILE = """\
data_dir = "var"
language = "fr"

[keys]
master_file = "master.key"

[organisation]
siren = "000 000 000"

[collector]
host = "127.0.0.1"
port = 8440

[[sources]]
name = "www"
token = "one"

[[sources]]
name = "crm"
token_file = "crm.token"

[smtp]
host = ""

[notify]
email_to = ["oncall@example.org"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file that is right, with its secrets beside it."""
    (tmp_path / "master.key").write_text("ab" * 32 + "\n")
    (tmp_path / "crm.token").write_text("two\n")
    path = tmp_path / "sentinel.toml"
    path.write_text(FILE)
    return path


def test_a_right_file_is_read_with_its_secrets_and_anchored_paths(file: Path) -> None:
    settings = config.load(file, {})
    assert settings.data_dir == file.parent / "var"
    assert settings.organisation.siren == "000000000"
    assert settings.keys.master is not None
    assert settings.keys.master.get_secret_value() == "ab" * 32
    tokens = [s.token.get_secret_value() for s in settings.sources if s.token]
    assert tokens == ["one", "two"]
    assert "abab" not in repr(settings)


def test_the_environment_wins_and_splits_lists(file: Path) -> None:
    settings = config.load(
        file,
        {
            "SENTINEL_COLLECTOR__PORT": "9000",
            "SENTINEL_ORGANISATION__DPO__NAME": "Camille Exemple",
            "SENTINEL_NOTIFY__EMAIL_TO": "a@example.org, b@example.org",
            "SENTINEL_CONFIG": "ignored here",
            "OTHER": "x",
        },
    )
    assert settings.collector.port == 9000
    assert settings.organisation.dpo.name == "Camille Exemple"
    assert settings.notify.email_to == ["a@example.org", "b@example.org"]


def test_an_empty_list_in_the_environment_is_an_empty_list(file: Path) -> None:
    assert config.load(file, {"SENTINEL_NOTIFY__EMAIL_TO": ""}).notify.email_to == []


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    assert config.load(file, {}).language == "fr"


def test_without_a_file_the_defaults_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(None, {}).data_dir == tmp_path / "var"


WRONG = [
    ('language = "fr"', 'language = "de"', ":2", "'fr' or 'en'"),
    ('language = "fr"', 'langage = "fr"', ":2", "did you mean language?"),
    ('data_dir = "var"', 'data_dir = ""', ":1", "a folder of its own"),
    ('language = "fr"', 'timezone = "Europe/Nowhere"', ":2", "no such time zone"),
    ("port = 8440", 'port = "x"', ":12", "collector.port: a whole number is expected"),
    ("port = 8440", "port = 65536", ":12", "less than or equal to 65535"),
    ("port = 8440", "prot = 8440", ":12", "did you mean port?"),
    ('siren = "000 000 000"', 'siren = "12"', ":8", "nine digits"),
    ('siren = "000 000 000"', "siren = 123456789", ":8", "text in quotes"),
    ('host = "127.0.0.1"', 'host = "0.0.0.0"', ":10", "tls_certificate and tls_key"),
    ('host = "127.0.0.1"', 'tls_key = "x.pem"', ":10", "go together"),
    ('name = "crm"', 'name = "CRM"', ":19", "sources.1.name"),
    ('name = "crm"', 'name = "www"', ":14", "two sources are called 'www'"),
    ('token_file = "crm.token"', 'token = " "', ":20", "empty token"),
    ('token = "one"', 'token = "one"\ntoken_file = "crm.token"', ":17", "both set"),
    ('master_file = "master.key"', 'master = "zz"', ":5", "64 hex digits"),
    ('[smtp]\nhost = ""', '[smtp]\nhost = "mx.example.org"', ":22", "sender is needed"),
    ('[smtp]\nhost = ""', "[smtp]\nport = 0", ":23", "greater than or equal to 1"),
    ('["oncall@example.org"]', '"oncall@example.org"', ":26", "a list is expected"),
    ('["oncall@example.org"]', '["oncall"]', ":26", "an e-mail address"),
    ("[notify]", '[notify]\nwebhook_url = "ftp://example.org"', ":26", "a web address"),
    ("[organisation]", "[[organisation]]", ":7", "a table with settings"),
    ("[notify]", "[notifie]", ":25", "did you mean notify?"),
    ("[notify]", "[notify", ":25:8", "not TOML"),
]


@pytest.mark.parametrize(("right", "wrong", "place", "says"), WRONG)
def test_a_wrong_setting_is_named_with_its_line(
    file: Path, right: str, wrong: str, place: str, says: str
) -> None:
    assert right in FILE
    file.write_text(FILE.replace(right, wrong, 1))
    with pytest.raises(ConfigError) as raised:
        config.load(file, {})
    assert raised.value.where == f"{file}{place}"
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code is Exit.CONTENT


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SENTINEL_NOSUCH", "1", "two underscores"),
        ("SENTINEL_SMTP__NOSUCH", "1", "settings here: host, port"),
        ("SENTINEL_SMTP__PORT", "abc", "a whole number"),
        ("SENTINEL_SMTP", "x", "a table with settings inside"),
        ("SENTINEL_DATA_DIR", "", "a folder of its own"),
        ("SENTINEL_DATA_DIR__X", "1", "no settings inside"),
        ("SENTINEL_KEYS__MASTER", "ab", "both set"),
        ("SENTINEL_COLLECTOR__HOST", "0.0.0.0", "reachable from outside"),
    ],
)
def test_a_wrong_variable_is_named(file: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(file, {name: value})
    assert raised.value.where == name
    assert says in str(raised.value)


def test_a_missing_secret_names_the_file_and_the_setting(file: Path) -> None:
    (file.parent / "crm.token").unlink()
    with pytest.raises(UnreadableFile) as raised:
        config.load(file, {})
    assert raised.value.where == str(file.parent / "crm.token")
    assert f"sources.1.token_file in {file}:20" in raised.value.hint


def test_an_empty_secret_is_refused(file: Path) -> None:
    (file.parent / "master.key").write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        config.load(file, {})


def test_no_error_repeats_a_secret(file: Path) -> None:
    file.write_text(FILE.replace('master_file = "master.key"', 'master = "hunter2"'))
    with pytest.raises(ConfigError) as raised:
        config.load(file, {})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("make", ["missing", "folder", "bytes"])
def test_an_unreadable_file_is_input_output(tmp_path: Path, make: str) -> None:
    path = tmp_path / "sentinel.toml"
    if make == "folder":
        path.mkdir()
    if make == "bytes":
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(SentinelError) as raised:
        config.load(path, {})
    assert raised.value.exit_code is Exit.IO
    assert raised.value.where == str(path)
    assert ("sentinel init" in raised.value.hint) is (make == "missing")
