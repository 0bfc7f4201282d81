"""Users from a file: read row by row, written in batches, good rows kept whatever the others are.

Running the same file again changes nothing. A file brings a password only to an account that never
had one: it does not take people's own passwords away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice

from idp.core.events import Event, EventCode
from idp.core.import_files import BadRow, SourceRow
from idp.core.import_matching import Known, Match, match_rows
from idp.core.import_rows import ImportRow, read_row, words_of_error
from idp.core.import_writing import ReadyRow, Written, write_rows
from idp.core.passwords import PreparedPassword, prepare_hash, prepare_password
from idp.core.profiles import Problems
from idp.core.runtime import Runtime
from idp.core.users.creation import add_default_name, person_in
from idp.core.work import NO_TRACE, Actor, Trace
from idp.errors import Conflict, InvalidInput, NotFound, PasswordRejected
from idp.ids import RealmName, UserId, hash_token
from idp.store.groups import MembershipRow
from idp.store.statistics import MANY, refresh_statistics
from idp.store.users import CredentialRow, UserRow

BATCH = 500
"""How many rows are written in one transaction."""
_SAME_USER = "is the same user as on an earlier line"
_FILLED = (UserRow, CredentialRow, MembershipRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """What became of a file.

    Attributes:
        passwords_kept: rows with a password for somebody who has one, which stays.
        hashed: passwords in clear that were judged and hashed, in `hashing_time`.
    """

    created: int
    updated: int
    unchanged: int
    rejected: int
    passwords_kept: int
    new_groups: tuple[str, ...]
    hashed: int
    hashing_time: timedelta


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told while it goes on: of each refused row, and of the last line that is done."""

    rejected: Callable[[BadRow], None]
    done: Callable[[int], None]


def import_users(
    runtime: Runtime,
    realm: RealmName,
    rows: Iterable[SourceRow | BadRow],
    listener: Listener,
    *,
    actor: Actor,
    trace: Trace = NO_TRACE,
) -> ImportSummary:
    """Create and change users as a file says; see `import_files.UserFile` for `rows`.

    Stopped half way, everything done so far stands, and running it again does the rest.

    Raises:
        Unavailable: the database does not answer; the batch under way was not written.
    """
    threads = runtime.config.hashing.max_concurrent
    with ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:
        run = _Run(runtime, realm, actor, trace, listener, pool)
        for batch in _batches(rows):
            run.take(batch)
    summary = run.summary()
    if summary.created or summary.updated:
        with runtime.begin(realm, actor=actor, trace=trace) as uow:
            uow.record(Event(code=EventCode.USERS_IMPORTED, params=dict(run.counts)))
            if summary.created >= MANY:
                refresh_statistics(uow.db.connection(), _FILLED)
    return summary


def _batches(rows: Iterable[SourceRow | BadRow]) -> Iterator[list[SourceRow | BadRow]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        yield batch


@dataclass(slots=True)
class _Run:
    runtime: Runtime
    realm: RealmName
    actor: Actor
    trace: Trace
    listener: Listener
    pool: Executor
    counts: Counter[str] = field(default_factory=Counter)
    new_groups: list[str] = field(default_factory=list)
    hashing_time: timedelta = timedelta(0)
    seen: set[int] = field(default_factory=set)

    def take(self, batch: Sequence[SourceRow | BadRow]) -> None:
        now = self.runtime.clock.now()
        rows = []
        for source in batch:
            row = source if isinstance(source, BadRow) else read_row(source, now)
            if isinstance(row, BadRow):
                self._reject(row)
            elif self._is_new(*_marks_of(row)):
                rows.append(row)
            else:
                self._reject(row.refuse(_SAME_USER))
        if rows:
            self._write(self._prepare(rows))
        self.listener.done(batch[-1].line)

    def summary(self) -> ImportSummary:
        return ImportSummary(
            created=self.counts["created"],
            updated=self.counts["updated"],
            unchanged=self.counts["unchanged"],
            rejected=self.counts["rejected"],
            passwords_kept=self.counts["passwords_kept"],
            new_groups=tuple(sorted(set(self.new_groups))),
            hashed=self.counts["hashed"],
            hashing_time=self.hashing_time,
        )

    def _prepare(self, rows: Sequence[ImportRow]) -> list[ReadyRow]:
        """Match rows with users, and hash the passwords that are to be stored; holds no lock."""
        with self.runtime.begin(self.realm, write=False) as uow:
            matches = match_rows(uow, rows, to_write=False)
        matches = [self._once(match) for match in matches]
        begun = self.runtime.clock.now()
        ready = list(self.pool.map(self._ready, rows, matches))
        self.hashing_time += self.runtime.clock.now() - begun
        self.counts["hashed"] += sum(map(_was_hashed, ready))
        for bad in ready:
            if isinstance(bad, BadRow):
                self._reject(bad)
        return [one for one in ready if isinstance(one, ReadyRow)]

    def _once(self, match: Match) -> Match:
        if isinstance(match, Known) and not self._is_new(f"user {match.user.id}"):
            return _SAME_USER
        return match

    def _ready(self, row: ImportRow, match: Match) -> ReadyRow | BadRow:
        """Return the row with its password hashed; runs in several threads."""
        if isinstance(match, str):
            return row.refuse(match)
        try:
            prepared = None
            if match is None:
                prepared = self._prepare_password(row, _new_columns(self.realm, row))
            elif match.is_waiting:
                columns = _merged_columns(row, match)
                prepared = self._prepare_password(row, columns, UserId(match.user.id))
        except (InvalidInput, PasswordRejected) as error:
            return row.refuse(words_of_error(error))
        return ReadyRow(row, prepared)

    def _prepare_password(
        self, row: ImportRow, columns: dict[str, object], user_id: UserId | None = None
    ) -> PreparedPassword | None:
        if row.password_hash is not None:
            return prepare_hash(self.runtime, row.password_hash, set_at=row.password_set_at)
        if row.password is None:
            return None
        groups = () if user_id is None and row.groups is None else row.groups
        prepared = prepare_password(
            self.runtime, self.realm, person_in(columns), row.password, groups, user_id
        )
        return replace(prepared, set_at=row.password_set_at)

    def _write(self, ready: Sequence[ReadyRow]) -> None:
        """Write a batch at once; when something is in the way, row by row."""
        try:
            self._write_at_once(ready)
        except (Conflict, InvalidInput, NotFound) as error:
            if len(ready) == 1:
                self._reject(ready[0].row.refuse(words_of_error(error)))
                return
            for one in ready:
                self._write([one])

    def _write_at_once(self, ready: Sequence[ReadyRow]) -> None:
        if not ready:
            return
        with self.runtime.begin(self.realm, actor=self.actor, trace=self.trace) as uow:
            written: Written = write_rows(uow, ready)
            before = self.counts["created"]
            if before < MANY <= before + written.counts["created"]:
                refresh_statistics(uow.db.connection(), _FILLED)
        self.counts.update(written.counts)
        self.new_groups += written.new_groups

    def _is_new(self, *marks: str) -> bool:
        # Numbers instead of texts: a long file must not fill the memory.
        numbers = {int(hash_token(mark)[:16], 16) for mark in marks}
        is_new = not numbers & self.seen
        self.seen |= numbers
        return is_new

    def _reject(self, bad: BadRow) -> None:
        self.counts["rejected"] += 1
        self.listener.rejected(bad)


def _was_hashed(one: ReadyRow | BadRow) -> bool:
    return isinstance(one, ReadyRow) and one.prepared is not None and one.row.password is not None


def _marks_of(row: ImportRow) -> list[str]:
    marks = []
    if row.username_key is not None:
        marks.append(f"name {row.username_key}")
    elif row.email_key is not None:
        marks.append(f"email {row.email_key}")
    if row.external_id is not None:
        marks.append(f"id {row.external_id}")
    return marks


def _new_columns(realm: RealmName, row: ImportRow) -> dict[str, object]:
    columns, problems = dict(row.columns), Problems()
    add_default_name(realm, columns, problems)
    problems.refuse()
    return columns


def _merged_columns(row: ImportRow, match: Known) -> dict[str, object]:
    names = ("username", "email", "given_name", "family_name", "name")
    return {name: getattr(match.user, name) for name in names} | dict(row.columns)
