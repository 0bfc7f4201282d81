"""Passwords: what is made, what is recognised, and that nobody can make it expensive."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import pytest

from idp.adapters.hashing import MALLOC_ENVIRONMENT, PasswordHasher
from idp.adapters.legacy_hashes import HASH_FORMATS
from idp.errors import Unavailable
from idp.store.users import UNUSABLE
from tests.support.waiting import wait_until

PASSWORD = "Käse-brot 7"
SALT = b"sixteenBytesOfIt"


def cheap_hasher(*, max_concurrent: int = 2, max_waiting: int = 8) -> PasswordHasher:
    return PasswordHasher(
        memory_kib=64, time_cost=1, max_concurrent=max_concurrent, max_waiting=max_waiting
    )


@pytest.fixture
def hasher() -> PasswordHasher:
    """Give a hasher with cheap parameters."""
    return cheap_hasher()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def crypt64(raw: bytes) -> str:
    """Return base64 as libpass's own formats have it: `.` for `+`, no padding."""
    return b64(raw).rstrip("=").replace("+", ".")


def pbkdf2(digest: str, rounds: int, length: int) -> bytes:
    return hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), SALT, rounds, length)


def aspnet_v3(function: int, digest: str, rounds: int) -> str:
    head = b"\x01" + b"".join(n.to_bytes(4, "big") for n in (function, rounds, len(SALT)))
    return b64(head + SALT + pbkdf2(digest, rounds, 32))


def keycloak(algorithm: str, digest: str, rounds: int, *, as_text: bool) -> str:
    secret = {"value": b64(pbkdf2(digest, rounds, 64)), "salt": b64(SALT)}
    settings = {"hashIterations": rounds, "algorithm": algorithm, "additionalParameters": {}}
    return json.dumps(
        {
            "type": "password",
            "secretData": json.dumps(secret) if as_text else secret,
            "credentialData": json.dumps(settings) if as_text else settings,
        }
    )


SSHA = "{SSHA}" + b64(hashlib.sha1(PASSWORD.encode() + SALT).digest() + SALT)  # noqa: S324 - the format
SCRYPT = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=2**10, r=8, p=1, dklen=32)

# Each hash of PASSWORD; those spelled out were made by libxcrypt, bcrypt and libargon2.
LEGACY = {
    "bcrypt 2b": "$2b$04$k5ypVbEHTGpKflztjyLch.JfKtk/W80iwYvW26Sx69QF/pJJjqxHi",
    "bcrypt 2a": "$2a$04$abcdefghijklmnopqrstu.LHeIGVbVPTZ5MU2zT1FDSXtF8ZkSZi.",
    "bcrypt 2y, stray bits": "$2y$04$abcdefghijklmnopqrstuALHeIGVbVPTZ5MU2zT1FDSXtF8ZkSZi.",
    "pbkdf2_sha256": f"$pbkdf2-sha256$1000${crypt64(SALT)}${crypt64(pbkdf2('sha256', 1000, 32))}",
    "django": f"pbkdf2_sha256$1000${SALT.decode()}${b64(pbkdf2('sha256', 1000, 32))}",
    "scrypt": f"$scrypt$ln=10,r=8,p=1${b64(SALT).rstrip('=')}${b64(SCRYPT).rstrip('=')}",
    "sha512_crypt": (
        "$6$Xk2mQp9sLr4T$2YhXxHXXt7LkIixDOcnx62urxWq6R8/gcKWjQMc9nCby"
        "3n0G4StBe8QJ7xOweMMGnkC/O4MNgjgR1Fd3IXevJ1"
    ),
    "sha256_crypt": "$5$rounds=4000$Xk2mQp9sLr4T$7hpfbFMoG2vKZF5AaPENLCMdCQos5jbS6DuaBkNZQpA",
    "ldap_salted_sha1": SSHA,
    "aspnet_v2": b64(b"\0" + SALT + pbkdf2("sha1", 1000, 32)),
    "aspnet_v3 sha1": aspnet_v3(0, "sha1", 1000),
    "aspnet_v3 sha256": aspnet_v3(1, "sha256", 1000),
    "aspnet_v3 sha512": aspnet_v3(2, "sha512", 1000),
    "keycloak sha1": keycloak("pbkdf2", "sha1", 1000, as_text=True),
    "keycloak sha256": keycloak("pbkdf2-sha256", "sha256", 1000, as_text=True),
    "keycloak sha512": keycloak("pbkdf2-sha512", "sha512", 1000, as_text=False),
    "argon2i": "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ4Ynl0ZXMhIQ$ZZ+IoZm4PdEzGrGN6q5vCg",
    "argon2d": "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ4Ynl0ZXMhIQ$36ky2gnCQeX/7UtCxy50tw",
}

TAIL = "$c29tZXNhbHQ4Ynl0ZXMhIQ$ZZ+IoZm4PdEzGrGN6q5vCg"
UNAFFORDABLE = {
    "argon2id, 4 GiB": f"$argon2id$v=19$m=4194304,t=1,p=1{TAIL}",
    "argon2id, 1000 passes": f"$argon2id$v=19$m=64,t=1000,p=1{TAIL}",
    "argon2id, 16 passes over 256 MiB": f"$argon2id$v=19$m=262144,t=16,p=1{TAIL}",
    "argon2id, 200 lanes": f"$argon2id$v=19$m=2048,t=1,p=200{TAIL}",
    "bcrypt 15": LEGACY["bcrypt 2b"].replace("$04$", "$15$"),
    "bcrypt 31": LEGACY["bcrypt 2b"].replace("$04$", "$31$"),
    "pbkdf2": LEGACY["pbkdf2_sha256"].replace("$1000$", "$5000001$"),
    "django": LEGACY["django"].replace("$1000$", "$999999999$"),
    "scrypt, N": LEGACY["scrypt"].replace("ln=10", "ln=24"),
    "scrypt, N beyond all": LEGACY["scrypt"].replace("ln=10", "ln=99"),
    "scrypt, r": LEGACY["scrypt"].replace("r=8", "r=4096"),
    "scrypt, p": LEGACY["scrypt"].replace("p=1", "p=512"),
    "sha512_crypt": LEGACY["sha512_crypt"].replace("$6$", "$6$rounds=999999999$"),
    "aspnet": aspnet_v3(1, "sha256", 1000).replace(b64(b"\1\0\0\0\1\0"), b64(b"\1\0\0\0\1\xff")),
    "keycloak": LEGACY["keycloak sha256"].replace(": 1000", ": 2000000000"),
}

UNKNOWN = {
    "nothing": "",
    "unusable": UNUSABLE,
    "plain text": PASSWORD,
    "plain ASCII": "open sesame",
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "cut argon2id": f"$argon2id$v=19$m=64,t=1,p=1{TAIL}"[:-12],
    "argon2id with a bad salt length": (
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ4Ynl0ZXMhI$ZZ+IoZm4PdEzGrGN6q5vCg"
    ),
    "argon2id of too little memory": f"$argon2id$v=19$m=1,t=1,p=1{TAIL}",
    "cut bcrypt": LEGACY["bcrypt 2b"][:-1],
    "bcrypt with a bad cost": LEGACY["bcrypt 2b"].replace("$04$", "$4x$"),
    "bcrypt with a bad character": LEGACY["bcrypt 2b"].replace("k5yp", "k5!p"),
    "sha512_crypt without a digest": "$6$Xk2mQp9sLr4T",
    "scrypt with bad numbers": LEGACY["scrypt"].replace("ln=10", "ln=x"),
    "cut ssha": SSHA[:12],
    "aspnet of no version": b64(b"\x07" * 61),
    "aspnet of an unknown function": aspnet_v3(9, "sha1", 1000),
    "aspnet without a digest": b64(b"\1" + bytes(3) + b"\1" + bytes(8) + b"x"),
    "aspnet without a salt": b64(b"\0" * 60),
    "keycloak of an unknown algorithm": keycloak("bcrypt", "sha1", 1000, as_text=True),
    "keycloak without a secret": '{"credentialData": "{}"}',
    "keycloak with a list": '{"secretData": [], "credentialData": []}',
    "keycloak with text for a number": LEGACY["keycloak sha512"].replace(": 1000", ': "1000"'),
    "keycloak with bad base64": LEGACY["keycloak sha512"].replace('"value": "', '"value": "!'),
    "keycloak with a number for text": '{"secretData": {"salt": 1, "value": 1}, '
    '"credentialData": {"algorithm": "pbkdf2", "hashIterations": 1}}',
    "cut json": '{"secretData":',
    "very deep json": '{"a":' + "[" * 2000,
    "very long": "$6$" + "a" * 5000,
}


# What is made


def test_a_new_hash_is_argon2id_with_the_floor_that_owasp_names() -> None:
    made = PasswordHasher().hash(PASSWORD)

    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(made, PASSWORD)
    assert not PasswordHasher().needs_rehash(made)


def test_two_hashes_of_one_password_have_salts_of_their_own(hasher: PasswordHasher) -> None:
    first, second = hasher.hash(PASSWORD), hasher.hash(PASSWORD)

    assert first != second
    assert hasher.verify(first, PASSWORD)
    assert hasher.verify(second, PASSWORD)


@pytest.mark.parametrize("cut", [72, 128, 255])
def test_a_password_is_never_cut(hasher: PasswordHasher, cut: int) -> None:
    """Neither where bcrypt would nor at a round number (Y-03)."""
    stored = hasher.hash("z" * cut + "a")

    assert not hasher.verify(stored, "z" * cut + "b")
    assert not hasher.verify(stored, "z" * cut)


def test_a_hash_of_other_parameters_is_to_be_made_anew(hasher: PasswordHasher) -> None:
    stored = PasswordHasher(memory_kib=128, time_cost=1).hash(PASSWORD)

    assert hasher.verify(stored, PASSWORD)
    assert hasher.needs_rehash(stored)


# What is recognised


@pytest.mark.parametrize("stored", LEGACY.values(), ids=LEGACY)
def test_a_legacy_hash_is_imported_verified_and_then_replaced(
    hasher: PasswordHasher, stored: str
) -> None:
    assert hasher.accepts_import(stored)
    assert hasher.verify(stored, PASSWORD)
    assert not hasher.verify(stored, PASSWORD + "x")
    assert not hasher.verify(stored, "")
    assert hasher.needs_rehash(stored)


def test_every_registered_format_is_tested() -> None:
    recognised = {
        known.name for stored in LEGACY.values() for known in HASH_FORMATS if known.read(stored)
    }

    assert recognised == {known.name for known in HASH_FORMATS}


def test_a_password_that_bcrypt_would_cut_is_never_the_right_one(hasher: PasswordHasher) -> None:
    of_72_bytes = "$2b$04$abcdefghijklmnopqrstu.NEaYfaViH385zly/0NfgefSelbgcqwq"

    assert hasher.verify(of_72_bytes, "z" * 72)
    assert not hasher.verify(of_72_bytes, "z" * 73)


@pytest.mark.parametrize("odd", ["with\0nul", "lone \ud800 surrogate", "x" * 5000])
@pytest.mark.parametrize("name", ["bcrypt 2b", "sha512_crypt", "django", "aspnet_v2", "argon2i"])
def test_a_password_that_a_format_cannot_have_is_just_wrong(
    hasher: PasswordHasher, name: str, odd: str
) -> None:
    assert not hasher.verify(LEGACY[name], odd)


@pytest.mark.parametrize("stored", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_or_damaged_hash_never_verifies(hasher: PasswordHasher, stored: str) -> None:
    assert not hasher.accepts_import(stored)
    assert not hasher.verify(stored, PASSWORD)
    assert not hasher.verify(stored, stored)
    assert hasher.needs_rehash(stored)


# What it costs


@pytest.mark.parametrize("stored", UNAFFORDABLE.values(), ids=UNAFFORDABLE)
def test_an_absurd_hash_is_refused_before_it_costs_anything(stored: str) -> None:
    hasher = PasswordHasher()
    ordinary = cpu_seconds(lambda: hasher.verify_nothing(PASSWORD))

    assert not hasher.accepts_import(stored)
    assert cpu_seconds(lambda: hasher.verify(stored, PASSWORD)) < 20 * ordinary


def test_every_refusal_does_the_work_of_a_wrong_password() -> None:
    hasher = PasswordHasher()
    stored = hasher.hash(PASSWORD)
    wrong = cpu_seconds(lambda: hasher.verify(stored, "wrong"))
    refusals = {
        "no account": lambda: hasher.verify_nothing("wrong"),
        "no password": lambda: hasher.verify(UNUSABLE, "wrong"),
        "damaged": lambda: hasher.verify(stored[:-9], "wrong"),
        "absurd": lambda: hasher.verify(UNAFFORDABLE["argon2id, 4 GiB"], "wrong"),
        "cheap legacy": lambda: hasher.verify(SSHA, "wrong"),
        "cheap argon2": lambda: hasher.verify(LEGACY["argon2i"], "wrong"),
        "impossible": lambda: hasher.verify(stored, "\ud800"),
    }

    # Processor time of this thread, and a wide margin: without the work it would be a thousandth.
    assert {
        name: cpu_seconds(work) > wrong / 3 for name, work in refusals.items()
    } == dict.fromkeys(refusals, True)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the least processor time that this thread needed for `work` in three tries."""
    spent = []
    for _ in range(3):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
    return min(spent)


# How many at once


def test_the_surplus_is_turned_away_and_told_when_to_return() -> None:
    hasher = cheap_hasher(max_concurrent=2, max_waiting=0)
    stored = hasher.hash(PASSWORD)

    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(hasher._turn())
        for surplus in (
            lambda: hasher.hash(PASSWORD),
            lambda: hasher.verify(stored, PASSWORD),
            lambda: hasher.verify(UNUSABLE, PASSWORD),
            lambda: hasher.verify_nothing(PASSWORD),
        ):
            with pytest.raises(Unavailable) as refused:
                surplus()
            assert (refused.value.code, refused.value.retry_after) == ("hashing.busy", 2)

    assert hasher.verify(stored, PASSWORD)


def test_who_waits_gets_a_turn_when_one_is_free() -> None:
    hasher = cheap_hasher(max_concurrent=1, max_waiting=1)
    made: list[str] = []
    waiter = threading.Thread(target=lambda: made.append(hasher.hash(PASSWORD)))

    with hasher._turn():
        waiter.start()
        wait_until(lambda: hasher._places._value == 0, what="the waiter")
        assert not made
        with pytest.raises(Unavailable):
            hasher.hash(PASSWORD)
    waiter.join()

    assert hasher.verify(made[0], PASSWORD)


def test_a_flood_is_served_or_turned_away_and_leaves_nothing_behind() -> None:
    hasher = PasswordHasher(memory_kib=8192, time_cost=2, max_concurrent=2, max_waiting=3)
    stored = hasher.hash(PASSWORD)
    together = threading.Barrier(40)
    outcomes: list[bool | str] = []

    def sign_in() -> None:
        together.wait()
        try:
            outcomes.append(hasher.verify(stored, PASSWORD))
        except Unavailable as refused:
            outcomes.append(refused.code)

    threads = [threading.Thread(target=sign_in) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 40
    assert set(outcomes) <= {True, "hashing.busy"}
    assert outcomes.count(True) >= 5
    assert [hasher.verify(stored, PASSWORD) for _ in range(6)] == [True] * 6


def test_memory_that_cannot_be_had_is_no_wrong_password() -> None:
    script = """if True:
        import resource
        from idp.adapters.hashing import PasswordHasher
        from idp.errors import Unavailable

        hasher = PasswordHasher(memory_kib=262144, time_cost=1)
        stored = hasher.hash("x")
        limit = 150 * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for work in (hasher.hash, lambda password: hasher.verify(stored, password)):
            try:
                work("x")
            except Unavailable as refused:
                print(refused.code)
        """

    assert run_python(script).split() == ["hashing.failed"] * 2


def test_memory_grows_with_what_runs_at_once_not_with_the_threads() -> None:
    script = """if True:
        import threading
        from pathlib import Path
        from idp.adapters.hashing import PasswordHasher

        def peak_kib():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

        hasher = PasswordHasher(max_concurrent=2, max_waiting=16)
        before = peak_kib()
        threads = [threading.Thread(target=hasher.hash, args=("x",)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(peak_kib() - before)
        """

    assert int(run_python(script, MALLOC_ENVIRONMENT)) < 3 * 19456


def run_python(script: str, environ: Mapping[str, str] | None = None) -> str:
    """Run a script in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=dict(environ or {}, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    return done.stdout
