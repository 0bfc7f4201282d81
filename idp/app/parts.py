"""The parts of a process, put together from the configuration."""

from idp.adapters.breaches import BreachLists
from idp.adapters.common_passwords import CommonPasswordList
from idp.adapters.directories import DirectorySources
from idp.adapters.hashing import PasswordHasher
from idp.adapters.logs import log_event
from idp.adapters.mail import open_mailer
from idp.adapters.metrics import count_event
from idp.adapters.pauses import ThreadPause
from idp.adapters.secretbox import open_key_file
from idp.adapters.strength import ZxcvbnMeter
from idp.app.policy_rules import policy_rules
from idp.clock import SystemClock
from idp.config import Config
from idp.core.installation import follow_configuration
from idp.core.readiness import require_readiness
from idp.core.runtime import Runtime
from idp.store.session import Database


def assemble(config: Config) -> Runtime:
    """Return the parts of a process, connected; the database is not looked at yet.

    Raises:
        ConfigError: the key file is missing, corrupt or open to others; an installed policy rule
            or the settings of a directory cannot be used.
    """
    hashing = config.hashing
    clock = SystemClock()
    box = open_key_file(config.secrets.key_file)
    database = Database(config.database.url.reveal(), pool_size=config.server.threads)
    directories = DirectorySources(config.connectors, box, clock, database)
    directories.require_all()
    return Runtime(
        config=config,
        box=box,
        database=database,
        clock=clock,
        directories=directories,
        pause=ThreadPause(),
        hasher=PasswordHasher(
            memory_kib=hashing.memory_kib,
            time_cost=hashing.time_cost,
            parallelism=hashing.parallelism,
            max_concurrent=hashing.max_concurrent,
            max_waiting=config.hashing_waiters,
        ),
        common_passwords=common_passwords(),
        strength_meter=strength_meter(),
        breached_passwords=BreachLists(url=config.breaches.url, file=config.breaches.file),
        mailer=open_mailer(config.mail.url.reveal()),
        rules=policy_rules(),
        observers=(log_event, count_event),
    )


def common_passwords() -> CommonPasswordList:
    """Return the list of common passwords, which needs no configuration."""
    return CommonPasswordList()


def strength_meter() -> ZxcvbnMeter:
    """Return what measures passwords, which needs no configuration."""
    return ZxcvbnMeter()


def build_runtime(config: Config) -> Runtime:
    """Return the parts of a process that can serve, and follow what the configuration changed.

    Raises:
        ConfigError: what is missing or does not fit (key file, schema, realms, policy, keys), in
            one line that says how to mend it.
    """
    runtime = assemble(config)
    try:
        require_readiness(runtime)
        follow_configuration(runtime)
    except BaseException:
        runtime.database.close()
        raise
    return runtime
