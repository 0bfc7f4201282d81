"""Every setting there is: its name, kind, default and meaning.

The text under an attribute becomes its comment in `config.example.toml`; `examples` gives what
stands there for a key that has no default.
"""

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field
from pydantic import model_validator as check_model

from idp.config.connectors import Connector, ConnectorKey
from idp.config.realms import Realm, RealmKey, default_realms
from idp.config.section import Section
from idp.config.values import (
    Address,
    DatabaseUrl,
    Duration,
    FilePath,
    Limit,
    ListenAddress,
    MailUrl,
    NetworkRange,
    PublicUrl,
    RateLimit,
    Sender,
    ServiceUrl,
)
from idp.errors import NotFound

_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_RESERVED_THREADS = 2


class Server(Section):
    """How the server is reached."""

    public_url: PublicUrl = Field(examples=["https://id.example.co.nz"])
    """The address that browsers and apps use. May carry a path prefix. All links in mails and
    all issuers begin with it. https; http only on a loopback host."""
    listen: ListenAddress = Address("127.0.0.1", 8080)
    """HOST:PORT the server listens on, normally behind a proxy that ends TLS."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes; about one per processor core."""
    threads: int = Field(default=16, ge=1, le=256)
    """Threads in each process."""
    request_timeout: Duration = Field(default=timedelta(seconds=20), ge=timedelta(seconds=1))
    """How long a request may take to arrive, and a second more for each 8 KiB of it."""
    trusted_proxies: tuple[NetworkRange, ...] = Field(default=(), strict=False)
    """Address ranges of the proxies in front, e.g. ["127.0.0.1/32"]. Only from there is
    X-Forwarded-For believed, and only to learn the client's address."""
    metrics_listen: ListenAddress | None = Field(default=None, examples=["127.0.0.1:9464"])
    """HOST:PORT for /metrics (Prometheus). Not served when absent; keep it off public ports."""

    @property
    def host(self) -> str:
        """Return the Host that requests must name: lower case, without the usual port."""
        parts = urlsplit(self.public_url)
        usual = {"https": 443, "http": 80}[parts.scheme]
        return parts.netloc.lower().removesuffix(f":{usual}")

    @property
    def origin(self) -> str:
        """Return the Origin that our own pages send (RFC 6454 6.2)."""
        return f"{urlsplit(self.public_url).scheme}://{self.host}"

    @property
    def path_prefix(self) -> str:
        """Return the path of `public_url`, empty or beginning with a slash."""
        return urlsplit(self.public_url).path


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: DatabaseUrl = Field(default="sqlite:///timetrak-idp.db", validate_default=True)
    """sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME. A relative FILE is in the
    folder of this configuration file."""


class Mail(Section):
    """How mail goes out."""

    url: MailUrl = Field(examples=["smtp://mail.example.co.nz:25"])
    """smtp://USER:PASSWORD@HOST:PORT (STARTTLS when the server offers it), smtps://…, or file:DIR
    (each message becomes an .eml file)."""
    sender: Sender = Field(examples=["TimeTrak <no-reply@example.co.nz>"])
    """The From of every message."""


class Secrets(Section):
    """What must be secret at rest."""

    key_file: FilePath = Field(default="secrets.key", validate_default=True)
    """The key file that `idp init` made (mode 0600). Encrypts signing keys; keep a copy of it apart
    from the database's backups. A relative path is in the folder of this configuration file."""


class Limits(Section):
    """Brakes against guessing and flooding: COUNT/DURATION, or "off"."""

    sign_in_per_account: RateLimit = Limit(10, _QUARTER)
    """Failed sign-ins to one account."""
    sign_in_per_address: RateLimit = Limit(100, _QUARTER)
    """Failed sign-ins from one network address (IPv6: from one /64)."""
    reset_per_account: RateLimit = Limit(3, _HOUR)
    """Reset mails to one account."""
    reset_per_address: RateLimit = Limit(20, _HOUR)
    """Reset requests from one network address."""
    code_tries: int = Field(default=5, ge=1, le=20)
    """Wrong typed codes that one reset request survives."""
    code_per_account: RateLimit = Limit(10, _DAY)
    """Wrong typed codes for one account."""


class Outbound(Section):
    """What the server may call by itself."""

    allow_private: tuple[NetworkRange, ...] = Field(default=(), strict=False)
    """Address ranges that may be reached although they are private, e.g. ["127.0.0.0/8"] on a
    test machine. Checked, but nothing uses it in this version: no address that a client names is
    called yet, not even its backchannel_logout_uri."""


class Breaches(Section):
    """Where passwords that leaked elsewhere are looked up, if a policy has the rule `breached`."""

    file: FilePath | None = Field(default=None, examples=["pwned-passwords.txt"])
    """For `source = "file"`: lines of SHA1:COUNT in the order of the hashes, as the downloader of
    Have I Been Pwned writes them. Needed before such a policy can be published. A relative path is
    in the folder of this configuration file."""
    url: ServiceUrl = "https://api.pwnedpasswords.com/range/"
    """For `source = "hibp"`: the address to which the first five digits of a password's SHA-1 are
    appended. Called only when a policy asks for it."""


class Log(Section):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe line that is written."""
    format: Literal["json", "text"] = "json"
    """"json" for machines, "text" for a terminal."""


class Hashing(Section):
    """The cost of one password hash (argon2id); old hashes move to it at the next sign-in."""

    memory_kib: int = Field(default=19456, ge=8, le=262144)
    """Memory of one hash, in KiB. Below 19456 is weaker than OWASP's advice."""
    time_cost: int = Field(default=2, ge=1, le=16)
    """Passes over that memory."""
    parallelism: int = Field(default=1, ge=1, le=8)
    """Lanes; more than 1 seldom helps a server."""
    max_concurrent: int = Field(default=2, ge=1, le=64)
    """Hashes at once in each process: memory in use is at most workers * this * memory_kib."""
    max_waiting: int | None = Field(default=None, ge=0, le=1024, examples=[12])
    """Requests that may queue for a hash in each process; the next one is told to try again. When
    absent: what leaves 2 of server.threads free for everything else."""

    @check_model(mode="after")
    def _has_memory_for_its_lanes(self) -> Self:
        if self.memory_kib < 8 * self.parallelism:
            reason = "memory_kib must be at least 8 times parallelism"
            raise ValueError(reason)
        return self


class Config(Section):
    """The whole configuration, checked and immutable."""

    server: Server
    database: DatabaseSettings = DatabaseSettings()
    mail: Mail
    secrets: Secrets = Secrets()
    realms: dict[RealmKey, Realm] = Field(default_factory=default_realms)
    limits: Limits = Limits()
    outbound: Outbound = Outbound()
    breaches: Breaches = Breaches()
    log: Log = Log()
    hashing: Hashing = Hashing()
    connectors: dict[ConnectorKey, Connector] = Field(default_factory=dict)

    @check_model(mode="after")
    def _has_the_realms_of_its_connectors(self) -> Self:
        for name, connector in self.connectors.items():
            if connector.realm not in self.realms:
                reason = f"connectors.{name}.realm names {connector.realm}, which is no realm"
                raise ValueError(reason)
        return self

    def connectors_of(self, realm: str) -> dict[str, Connector]:
        """Return the directories that own accounts of a realm, by name."""
        return {name: each for name, each in self.connectors.items() if each.realm == realm}

    def realm(self, name: str) -> Realm:
        """Return the settings of a realm.

        Raises:
            NotFound: there is no such realm.
        """
        found = self.realms.get(name)
        if found is None:
            raise NotFound("realm.not_found", realm=name)
        return found

    def issuer(self, realm: str) -> str:
        """Return the issuer identifier of a realm, which is also the base of its addresses."""
        return f"{self.server.public_url}/realms/{realm}"

    @property
    def hashing_waiters(self) -> int:
        """Return how many requests may queue for a hash in one process."""
        if self.hashing.max_waiting is not None:
            return self.hashing.max_waiting
        return max(0, self.server.threads - self.hashing.max_concurrent - _RESERVED_THREADS)
