"""The configuration as an operator meets it: what is read, what is refused, what is said."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from connectors.ldap.settings import parse_settings
from idp.config import (
    Config,
    Connector,
    InvalidConfigError,
    Limit,
    Problem,
    default_path,
    load,
    render_example,
    render_initial,
)
from idp.errors import ConfigError, NotFound
from tests.support.certificates import Authority

ROOT = Path(__file__).parents[2]
SMALLEST = """\
[server]
public_url = "https://id.example.co.nz"
[mail]
url = "smtp://mail.example.co.nz"
sender = "TimeTrak <no-reply@example.co.nz>"
"""

CONNECTOR = "# [connectors.NAME]"

Load = Callable[..., Config]
FindProblems = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Give a way to load a configuration from its text."""

    def load_text(text: str = SMALLEST, environ: Mapping[str, str] | None = None) -> Config:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        return load(file, environ or {})

    return load_text


@pytest.fixture
def problems_of(load_text: Load) -> FindProblems:
    """Give a way to learn everything that is wrong with a text."""

    def problems_of(
        text: str = SMALLEST, environ: Mapping[str, str] | None = None
    ) -> tuple[Problem, ...]:
        with pytest.raises(InvalidConfigError) as refused:
            load_text(text, environ)
        return refused.value.problems

    return problems_of


def with_server(line: str) -> str:
    return SMALLEST.replace("[mail]", f"{line}\n[mail]")


def with_public_url(url: str) -> str:
    return SMALLEST.replace("https://id.example.co.nz", url)


# What is read


def test_three_keys_are_enough(load_text: Load, tmp_path: Path) -> None:
    config = load_text()

    assert config.issuer("staff") == "https://id.example.co.nz/realms/staff"
    assert {name: realm.display_name for name, realm in config.realms.items()} == {
        "staff": "TimeTrak",
        "portal": "TimeTrak Client Portal",
    }
    assert config.database.url.reveal() == f"sqlite:///{tmp_path}/timetrak-idp.db"
    assert config.secrets.key_file == tmp_path / "secrets.key"
    assert config.realm("portal").lifetimes.access_token == timedelta(minutes=5)
    assert config.realm("staff").policy_managed_by == "admin"
    assert config.limits.sign_in_per_account == Limit(10, timedelta(minutes=15))


def test_both_realms_are_there_without_a_file_too() -> None:
    config = Config.model_validate(tomllib.loads(SMALLEST))

    assert list(config.realms) == ["staff", "portal"]


def test_naming_one_realm_does_not_lose_the_other(load_text: Load) -> None:
    config = load_text(SMALLEST + '[realms.staff]\ndisplay_name = "Acme"\n')

    assert [config.realm(name).display_name for name in ("staff", "portal")] == [
        "Acme",
        "TimeTrak Client Portal",
    ]


def test_a_realm_that_does_not_exist_is_not_found(load_text: Load) -> None:
    with pytest.raises(NotFound):
        load_text().realm("hr")


def test_a_policy_is_kept_as_it_was_written(load_text: Load) -> None:
    config = load_text(SMALLEST + "[realms.staff.policy.rules]\nlength = {min = 8, max = 64}\n")

    assert config.realm("staff").policy == {"rules": {"length": {"min": 8, "max": 64}}}


def test_a_limit_can_be_switched_off(load_text: Load) -> None:
    assert load_text(SMALLEST + '[limits]\nreset_per_account = "off"\n').limits == (
        load_text().limits.model_copy(update={"reset_per_account": None})
    )


def test_the_public_url_gives_host_origin_and_prefix(load_text: Load) -> None:
    server = load_text(with_public_url("https://TimeTrak.example.co.nz:443/id/")).server

    assert server.public_url == "https://TimeTrak.example.co.nz:443/id"
    assert server.host == "timetrak.example.co.nz"
    assert server.origin == "https://timetrak.example.co.nz"
    assert server.path_prefix == "/id"


def test_requests_queue_for_hashes_only_as_far_as_threads_are_spare(load_text: Load) -> None:
    assert load_text(with_server("threads = 8")).hashing_waiters == 4
    assert load_text(with_server("threads = 1")).hashing_waiters == 0
    assert load_text(SMALLEST + "[hashing]\nmax_waiting = 7\n").hashing_waiters == 7


def test_lists_of_leaked_passwords_are_near_or_over_https(
    load_text: Load, problems_of: FindProblems, tmp_path: Path
) -> None:
    breaches = load_text(SMALLEST + '[breaches]\nfile = "leaked.txt"\n').breaches

    assert breaches.file == tmp_path / "leaked.txt"
    assert breaches.url == "https://api.pwnedpasswords.com/range/"
    for url in ("https://mirror.example/v3/range/", "http://127.0.0.1:9000/range/"):
        assert load_text(f'{SMALLEST}[breaches]\nurl = "{url}"\n').breaches.url == url
    for url in (
        "http://mirror.example/range/",
        "https://mirror.example/range",
        "https://ada:secret@mirror.example/range/",
        "https://mirror.example/range?prefix=/",
        "https:///range/",
        "ftp://127.0.0.1/range/",
        "https://[::1/range/",
    ):
        [problem] = problems_of(f'{SMALLEST}[breaches]\nurl = "{url}"\n')
        assert problem.key == "breaches.url"


def test_a_configuration_cannot_be_changed(load_text: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_text().server.workers = 9


# The environment


def test_the_environment_wins_over_the_file(load_text: Load) -> None:
    config = load_text(
        with_server("workers = 3"),
        {
            "IDP__SERVER__WORKERS": "5",
            "IDP__SERVER__LISTEN": "[::1]:9000",
            "IDP__OUTBOUND__ALLOW_PRIVATE": '["127.0.0.0/8"]',
            "IDP__REALMS__STAFF__DISPLAY_NAME": "Acme staff",
            "IDP__REALMS__STAFF__POLICY__RULES__LENGTH__MIN": "12",
            "IDP__REALMS__FIELD_CREW__LIFETIMES__CODE": "PT30S",
            "IDP_CONFIG": "not a setting",
            "HOME": "/nowhere",
        },
    )

    assert (config.server.workers, str(config.server.listen)) == (5, "[::1]:9000")
    assert config.outbound.allow_private == (ip_network("127.0.0.0/8"),)
    assert config.realm("staff").display_name == "Acme staff"
    assert config.realm("staff").policy == {"rules": {"length": {"min": 12}}}
    assert config.realm("field-crew").display_name == "Field-Crew"
    assert config.realm("field-crew").lifetimes.code == timedelta(seconds=30)


def test_a_line_break_in_a_variable_sets_nothing_else(problems_of: FindProblems) -> None:
    [problem] = problems_of(environ={"IDP__SERVER__WORKERS": "5\nthreads = 1"})

    assert problem.key == "server.workers"


def test_a_misspelt_variable_is_named(problems_of: FindProblems) -> None:
    problems = problems_of(
        environ={
            "IDP__SERVER__WORKRS": "5",
            "IDP__SERVR__WORKERS": "5",
            "IDP__LOG": '{level = "debug"}',
            "IDP__LOG__FORMAT": "xml",
            "IDP____WORKERS": "5",
        }
    )

    assert [str(problem) for problem in problems] == [
        "environment: IDP____WORKERS: is not of the form IDP__SECTION__KEY",
        'environment IDP__SERVER__WORKRS: server.workrs: unknown key; did you mean "workers"?',
        "environment IDP__LOG__FORMAT: log.format: must be 'json' or 'text'",
        'environment IDP__SERVR__WORKERS: servr: unknown key; did you mean "server"?',
    ]


def test_without_a_file_the_environment_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    config = load(
        None,
        {
            "IDP__SERVER__PUBLIC_URL": "http://localhost:8080",
            "IDP__MAIL__URL": "file:mail",
            "IDP__MAIL__SENDER": "a@example.com",
        },
    )

    assert config.server.public_url == "http://localhost:8080"


# The file


def test_the_file_is_the_named_one_else_that_of_the_environment_else_the_default() -> None:
    assert default_path({"IDP_CONFIG": "/etc/idp.toml"}) == Path("/etc/idp.toml")
    assert default_path({}) == Path("config.toml")


def test_the_process_environment_is_read_when_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "idp.toml"
    file.write_text(SMALLEST)
    monkeypatch.setenv("IDP_CONFIG", str(file))
    monkeypatch.setenv("IDP__SERVER__WORKERS", "7")

    assert load().server.workers == 7


@pytest.mark.parametrize("named", [True, False])
def test_a_missing_file_says_how_to_make_one(
    named: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=r"does not exist; `idp init` writes one"):
        load(tmp_path / "config.toml" if named else None, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"[server\n", "not valid TOML"), (b"a = '\xff'", "not UTF-8")],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=reason):
        load(file, {})


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


# What is refused


def test_all_problems_are_told_at_once(problems_of: FindProblems) -> None:
    problems = problems_of("""
        sever = 1
        [server]
        listn = "127.0.0.1:1"
        workers = "4"
        trusted_proxies = "127.0.0.1/32"
        [mail]
        url = "imap://mail"
        [realms.Staff]
        [realms.staff]
        lifetimes = {acess_token = "PT5M", code = "P1Y"}
        [realms.portal.policy]
        enforcment = "never"
        [realms.hr]
        policy_managed_by = "config"
        [limits]
        sign_in_per_account = "ten"
        reset_per_account = 3
        [outbound]
        allow_private = ["10.0.0.1/8"]
        [hashing]
        time_cost = 0
        [log]
        level = "trace"
        """)

    assert {problem.key: problem.reason for problem in problems} == {
        "sever": 'unknown key; did you mean "server"?',
        "server.public_url": "is required",
        "server.listn": 'unknown key; did you mean "listen"?',
        "server.workers": "must be a whole number",
        "server.trusted_proxies": 'must be a list such as ["a", "b"]',
        "mail.url": "must be smtp://HOST:PORT, smtps://HOST:PORT or file:DIR",
        "mail.sender": "is required",
        "realms.Staff": "must be lower-case letters, digits and dashes, a letter first",
        "realms.staff.lifetimes.acess_token": 'unknown key; did you mean "access_token"?',
        "realms.staff.lifetimes.code": (
            "must be a duration such as PT5M, PT8H or P14D (no years or months)"
        ),
        "realms.portal.policy.enforcment": (
            'is not a setting of a policy; did you mean "enforcement"?'
        ),
        "realms.hr": 'policy_managed_by = "config" needs a policy table',
        "limits.sign_in_per_account": 'must be COUNT/DURATION such as "10/PT15M", or "off"',
        "limits.reset_per_account": 'must be COUNT/DURATION such as "10/PT15M", or "off"',
        "outbound.allow_private.0": 'must be an address range such as "10.1.0.0/16"',
        "hashing.time_cost": "must be greater than or equal to 1",
        "log.level": "must be 'debug', 'info', 'warning' or 'error'",
    }
    assert all(problem.source.endswith("config.toml") for problem in problems)


def test_a_key_that_is_like_no_other_gets_the_valid_ones(problems_of: FindProblems) -> None:
    [problem] = problems_of(SMALLEST + "[log]\nqqq = 1\n")

    assert problem.reason == "unknown key; known here: format, level"


def test_what_is_wrong_with_a_directory_is_told(problems_of: FindProblems) -> None:
    problems = problems_of("""
        [connectors.Corp]
        kind = "ldap"
        [connectors.crm]
        realm = "hr-2"
        most_gone_percent = 0
        recheck = "ten minutes"
        """)
    found = {problem.key: problem.reason for problem in problems}

    assert "connectors.crm.kind" in found
    assert "connectors.crm.most_gone_percent" in found
    assert "connectors.crm.recheck" in found
    assert any(key.startswith("connectors.Corp") for key in found)


def test_a_directory_owns_accounts_of_a_realm_that_there_is(problems_of: FindProblems) -> None:
    [problem] = problems_of(SMALLEST + '[connectors.corp]\nkind = "ldap"\nrealm = "hr"\n')

    assert "connectors.corp.realm names hr, which is no realm" in str(problem)


def test_a_directory_is_configuration(load_text: Load, tmp_path: Path) -> None:
    table = '[connectors.crm]\nkind = "csv"\nrealm = "portal"\npath = "people.csv"\n'
    secret = 'bind_password = "hunter2"\n'
    config = load_text(SMALLEST + table + secret)

    [(name, connector)] = config.connectors_of("portal").items()
    assert config.connectors_of("staff") == {}
    assert (name, connector.kind, connector.write_back) == ("crm", "csv", False)
    assert connector.settings.reveal() == {
        "path": str(tmp_path / "people.csv"),
        "bind_password": "hunter2",
    }
    assert "hunter2" not in f"{config!r} {config.model_dump()}"


def test_an_empty_table_of_connectors_asks_for_nothing(load_text: Load) -> None:
    assert load_text(SMALLEST + "[connectors]\n") == load_text()


@pytest.mark.parametrize("text", ["realms = 1\n", "[realms]\nstaff = 1\n"])
def test_a_value_where_a_table_belongs_is_refused(problems_of: FindProblems, text: str) -> None:
    assert {problem.reason for problem in problems_of(text + SMALLEST)} == {"must be a table"}


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.co.nz",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "HTTPS://id.example.co.nz",
        "https://",
        "https://id.example.co.nz:port",
        "https://me@id.example.co.nz",
        "https://id.example.co.nz/?q=1",
        "https://id.example.co.nz/#top",
        "https://id.example.co.nz/a b",
        "https://idé.example.co.nz",
        "id.example.co.nz",
    ],
)
def test_a_public_url_that_is_not_safe_is_refused(problems_of: FindProblems, url: str) -> None:
    [problem] = problems_of(with_public_url(url))

    assert problem.key == "server.public_url"


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080", "http://127.0.0.1:8080/id", "http://[::1]:1", "http://a.localhost"],
)
def test_http_is_accepted_on_loopback_only(load_text: Load, url: str) -> None:
    assert load_text(with_public_url(url)).server.public_url == url


@pytest.mark.parametrize(
    "line",
    [
        'listen = "8080"',
        'listen = "localhost"',
        'listen = "localhost:port"',
        'listen = "localhost:99999"',
        "listen = 8080",
        "threads = true",
        "workers = 0",
        'trusted_proxies = ["proxy"]',
    ],
)
def test_a_bad_server_setting_is_refused(problems_of: FindProblems, line: str) -> None:
    [problem] = problems_of(with_server(line))

    assert problem.key.startswith(f"server.{line.split(maxsplit=1)[0]}")


@pytest.mark.parametrize(
    "lines",
    [
        '[database]\nurl = "mysql://h/db"',
        '[database]\nurl = "sqlite:///:memory:"',
        "[database]\nurl = 5",
        '[secrets]\nkey_file = ""',
        '[limits]\nsign_in_per_account = "10/PT0S"',
        '[limits]\nsign_in_per_account = "0/PT5M"',
        "[hashing]\nmemory_kib = 32\nparallelism = 8",
        '[realms.staff.lifetimes]\nsession_idle = "P8D"',
        '[realms.staff.lifetimes]\naccess_token = "PT2H"',
        '[realms.staff.lifetimes]\nreset_link = "PT0S"',
        '[realms.staff]\ndisplay_name = ""',
    ],
)
def test_a_bad_value_is_refused(problems_of: FindProblems, lines: str) -> None:
    [problem] = problems_of(SMALLEST + lines)

    section = lines[1 : lines.index("]")]
    assert problem.key.startswith(section)


@pytest.mark.parametrize("sender", ["", "TimeTrak", "a@b\\r\\nBcc: c@d", "@b", "a@"])
def test_a_sender_that_is_no_address_is_refused(problems_of: FindProblems, sender: str) -> None:
    [problem] = problems_of(SMALLEST.replace("TimeTrak <no-reply@example.co.nz>", sender))

    assert problem.key == "mail.sender"


# Secrets


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://idp:s3cret@db/idp",
        "postgresql+psycopg://idp:s3cret@x@db/idp",
        "postgresql+psycopg://db/idp?user=idp&password=s3cret",
        "postgresql+psycopg://db/idp?sslpassword=s3cret&x=1",
    ],
)
def test_a_password_in_a_url_is_never_printed(load_text: Load, url: str) -> None:
    config = load_text(f'{SMALLEST}[database]\nurl = "{url}"\n')

    assert config.database.url.reveal() == url
    for printed in (str(config.database.url), repr(config), str(config), config.model_dump()):
        assert "s3cret" not in str(printed)


@pytest.mark.parametrize(
    "lines",
    [
        '[database]\nurl = "postgresql://u:hunter2@db/x"',
        '[database]\nurl = "postgresql+psycopg://u:hunter2/@db/x"',
        '[database]\nulr = "postgresql+psycopg://u:hunter2@db/x"',
        '[database]\nurl = ["postgresql+psycopg://u:hunter2@db/x"]',
    ],
)
def test_a_refused_value_is_not_repeated(load_text: Load, lines: str) -> None:
    with pytest.raises(InvalidConfigError) as refused:
        load_text(f"{SMALLEST}{lines}\n")

    error: BaseException | None = refused.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


# The files that are written


def test_the_example_in_the_repository_is_the_generated_one() -> None:
    assert (ROOT / "config.example.toml").read_text(encoding="utf-8") == render_example()


def test_the_example_can_be_used_as_it_is(load_text: Load) -> None:
    assert load_text(render_example()).server.public_url == "https://id.example.co.nz"


def test_every_default_in_the_example_is_the_one_in_force(load_text: Load) -> None:
    lines = [
        line.removeprefix("# ") if is_assignment(line) else line
        for line in render_example().partition(CONNECTOR)[0].splitlines()
    ]
    uncommented = load_text("\n".join(lines))

    assert uncommented.server.metrics_listen is not None
    server = uncommented.server.model_copy(update={"metrics_listen": None})
    hashing = uncommented.hashing.model_copy(update={"max_waiting": None})
    breaches = uncommented.breaches.model_copy(update={"file": None})
    sections = {"server": server, "hashing": hashing, "breaches": breaches}
    assert (
        uncommented.model_copy(update=sections).model_dump()
        == load_text(render_example()).model_dump()
    )


def test_every_setting_of_a_directory_is_in_the_example(load_text: Load, tmp_path: Path) -> None:
    _, _, block = render_example().partition(CONNECTOR)
    lines = [line.removeprefix("# ") for line in block.splitlines() if is_assignment(line)]
    connector = load_text("\n".join((SMALLEST, "[connectors.corp]", *lines))).connectors["corp"]
    own = connector.model_copy(update={"change_password_at": None, "settings": None})
    settings = Asked(connector.settings.reveal())
    settings["ca_file"] = str(Authority(tmp_path).ca_file)

    assert own == Connector(kind="ldap").model_copy(update={"settings": None})
    everything = parse_settings(settings)
    assert settings.asked == set(settings)
    needed = ("url", "ca_file", "bind_dn", "bind_password", "base", "group_base")
    least = parse_settings({name: settings[name] for name in needed})
    tls = everything.connecting.tls
    assert replace(least, connecting=replace(least.connecting, tls=tls)) == everything


class Asked(dict[str, object]):
    """Settings that remember which of them were asked for."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: object = None) -> object:
        """Return a setting."""
        self.asked.add(key)
        return super().get(key, default)


def is_assignment(line: str) -> bool:
    try:
        names = set(tomllib.loads(line.removeprefix("# ")))
    except tomllib.TOMLDecodeError:
        return False
    return bool(names) and not names & {"length", "differs_from_current", "blocklist", "realms"}


def test_the_initial_file_holds_what_was_asked_for(load_text: Load) -> None:
    text = render_initial(
        "http://localhost:8080",
        mail_url="file:mail",
        mail_sender='"T" <t@example.com>',
        database_url="postgresql+psycopg://idp@db/idp",
        key_file="keys/idp.key",
    )
    config = load_text(text)

    assert config.server.public_url == "http://localhost:8080"
    assert config.mail.sender == '"T" <t@example.com>'
    assert config.database.url.reveal() == "postgresql+psycopg://idp@db/idp"
    assert config.secrets.key_file.name == "idp.key"
    assert "[realms.staff.lifetimes]" in text
