"""A whole product under load: real processes, and many clients that act at the same moment."""

import base64
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from idp.app import assemble, start_quiet_log
from idp.config import load
from idp.core.client_admin import create_client
from idp.core.client_registration import Registration
from idp.core.codes import CodeGrant, issue_code
from idp.core.flow import gate_for_session
from idp.core.gate import Cleared, find_account
from idp.core.profiles import Profile
from idp.core.runtime import Runtime
from idp.core.sessions import begin_session, find_signed_in
from idp.core.users import NewUser, create_user
from idp.core.work import HOST, SYSTEM
from idp.ids import ClientId, RealmName, UserId
from tests.support.installation import Installation
from tests.support.ports import LOOPBACK
from tests.support.servers import IdpServer, start_idp
from tests.support.waiting import wait_until

STAFF = RealmName("staff")
PARALLEL = 16
PASSWORD = "a long enough pass phrase"
CALLBACK = "https://web.example/cb"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
SECRET = "s" * 40
"""What proves every client of a fleet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: 0 when the connection broke before an answer."""

    status: int
    body: dict[str, Any]

    @property
    def error(self) -> str | None:
        """Give the OAuth error."""
        return self.body.get("error")


NO_ANSWER = Reply(0, {})
_NUMBERS = itertools.count(1)


class Caller:
    """One client process with a connection of its own, kept open as long as the server lets it."""

    def __init__(self, port: int, client_id: str = "web") -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self._basic = base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()

    def token(self, **form: str) -> Reply:
        """Send a token request; a broken connection is `NO_ANSWER`, never repeated."""
        return self.post("/token", **form)

    def post(self, path: str, **form: str) -> Reply:
        """Post a form to the staff realm as the client."""
        headers = {
            "Authorization": f"Basic {self._basic}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.send("POST", f"/realms/{STAFF}{path}", urlencode(form), headers)

    def redeem(self, code: str) -> Reply:
        """Redeem a code."""
        return self.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )

    def refresh(self, token: str) -> Reply:
        """Refresh."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def send(self, method: str, path: str, body: str, headers: dict[str, str]) -> Reply:
        """Send one request and return what came back."""
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return NO_ANSWER
        if answer.will_close:
            self._connection.close()
        return Reply(answer.status, json.loads(text) if text.startswith(b"{") else {})

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass
class Fleet:
    """The running product, and what this process knows of its database."""

    installation: Installation
    server: IdpServer
    runtime: Runtime
    user_id: UserId

    def issue_codes(self, count: int) -> list[str]:
        """Issue codes to `web` under one session."""
        return issue_codes(self.runtime, self.user_id, count)

    def add_person(self) -> str:
        """Add somebody of whom no other test knows; return the login name."""
        name = f"person-{next(_NUMBERS)}"
        profile = Profile(username=name, email=f"{name}@example.com")
        create_user(self.runtime, STAFF, NewUser(profile=profile, password=PASSWORD), HOST)
        return name

    def mails_to(self, name: str) -> list[Path]:
        """Return the mails that went out to somebody."""
        found = (self.installation.folder / "mail").glob("*.eml")
        return [mail for mail in found if f"To: {name}@" in mail.read_text(errors="replace")]

    def refresh_tokens(self, count: int) -> list[str]:
        """Return refresh tokens of families of their own."""
        caller = Caller(self.installation.port)
        replies = [caller.redeem(code) for code in self.issue_codes(count)]
        caller.close()
        assert {reply.status for reply in replies} == {200}
        return [reply.body["refresh_token"] for reply in replies]

    def count(self, row: type[Any], *criteria: sa.ColumnElement[bool]) -> int:
        """Count rows of the staff realm."""
        with self.runtime.begin(STAFF, write=False) as uow:
            query = sa.select(sa.func.count()).select_from(row).where(*criteria)
            return int(uow.db.scalar(query) or 0)

    def everybody(self, calls: Sequence[Callable[[Caller], Reply]]) -> list[list[Reply]]:
        """Let `PARALLEL` callers do each call at the same moment; return the replies by call."""
        barrier = threading.Barrier(PARALLEL)
        replies: list[list[Reply]] = [[] for _ in calls]

        def act() -> None:
            caller = Caller(self.installation.port)
            for number, call in enumerate(calls):
                barrier.wait()
                replies[number].append(call(caller))
            caller.close()

        threads = [threading.Thread(target=act) for _ in range(PARALLEL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(len(found) == PARALLEL for found in replies)
        return replies

    def web_workers(self) -> list[int]:
        """Return the processes that answer requests."""
        return [
            worker for web in children_of(self.server.pid, " web ") for worker in children_of(web)
        ]


def children_of(pid: int, command: str = "") -> list[int]:
    """Return the processes that `pid` started whose command line holds `command`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            line = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if parent == pid and command in line:
            found.append(int(entry.name))
    return found


def kill(pid: int) -> None:
    """End a process of ours as `kill -9` does; it may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def issue_codes(runtime: Runtime, user_id: UserId, count: int, client_id: str = "web") -> list[str]:
    """Issue codes to a client under one new session of a person."""
    with runtime.begin(STAFF, actor=SYSTEM) as uow:
        account = find_account(uow, user_id)
        assert account is not None
        _, secret = begin_session(uow, user_id, epoch=account.epoch)
        uow.db.flush()
        signed_in = find_signed_in(uow, secret)
        assert signed_in is not None
        cleared = gate_for_session(signed_in.account, signed_in.session, uow.now)
        assert isinstance(cleared, Cleared)
        grant = CodeGrant(
            client_id=ClientId(client_id),
            redirect_uri=CALLBACK,
            scopes=("openid", "offline_access"),
            nonce=None,
            code_challenge=CHALLENGE,
            claims=None,
        )
        return [str(issue_code(uow, cleared, signed_in.session, grant)) for _ in range(count)]


def populate(runtime: Runtime) -> UserId:
    """Register `web` and one person; return the person's id."""
    new = NewUser(profile=Profile(username="ada", email="ada@example.com"), password=PASSWORD)
    person = create_user(runtime, STAFF, new, HOST)
    add_client(runtime, "web")
    return person.id


def add_client(runtime: Runtime, client_id: str) -> None:
    """Register a client for codes and refresh tokens, which `SECRET` proves."""
    with runtime.begin(STAFF, actor=HOST) as uow:
        create_client(
            uow,
            Registration(
                client_id=client_id,
                secret=SECRET,
                redirect_uris=(CALLBACK,),
                grant_types=("authorization_code", "refresh_token"),
                consent_required=False,
            ),
        )


@contextmanager
def running_fleet(installation: Installation) -> Iterator[Fleet]:
    """Set up an installation, start it, and give it with its people; end it afterwards."""
    installation.set_up()
    start_quiet_log()
    runtime = assemble(load(installation.config, {}))
    try:
        fleet = Fleet(installation, start(installation), runtime, populate(runtime))
        wait_until(lambda: len(fleet.web_workers()) > 0, what="the workers")
        yield fleet
        fleet.server.stop()
    finally:
        runtime.database.close()


def start(installation: Installation) -> IdpServer:
    """Start a set-up installation and return once it is ready."""
    server = start_idp("serve", "--config", str(installation.config), directory=installation.folder)
    server.wait_for(f"{installation.url}/readyz")
    return server
