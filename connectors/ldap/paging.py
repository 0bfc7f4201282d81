"""A long search in pages. It ends complete or it raises; there is no third way.

Spec: RFC 2696.
"""

from collections.abc import Iterator
from dataclasses import replace

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.messages import Found, Search
from connectors.ldap.results import Code, error_of
from connectors.ldap.session import LARGE, Session
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured, DirectoryUnavailable

_MOST_EMPTY_PAGES = 100
MOST_PAGES = 100_000
"""Of one search: tens of millions of entries, and an end to a server that pages for ever."""


def read_pages(
    session: Session, search: Search, *, size: int, timeout: float
) -> Iterator[tuple[Found, ...]]:
    """Yield the entries of each page. No other search may run on `session` meanwhile.

    Args:
        timeout: seconds that a page may take.

    Raises:
        DirectoryUnavailable: a page did not come, or broken; begin anew, cookies die with their
            connection.
        DirectoryMisconfigured: the server refuses the search, or does not page.
    """
    cookie, page, empty = b"", 0, 0
    while True:
        page += 1
        asked = replace(search, controls=(*search.controls, controls.paging(size, cookie)))
        answer = session.search(asked, Deadline(timeout), budget=LARGE)
        doing = f"page {page} of {search.base!r} at {session.server}"
        if answer.code != Code.SUCCESS:
            raise error_of(answer.code, answer.message, doing)
        empty = 0 if answer.entries else empty + 1
        has_end = empty <= _MOST_EMPTY_PAGES and page <= MOST_PAGES
        if controls.PAGING not in answer.controls or not has_end:
            reason = f"{doing}: the server does not page as it must, so the end cannot be told"
            raise DirectoryMisconfigured(reason)
        cookie = _read_cookie(answer.controls[controls.PAGING], doing)
        yield answer.entries
        if not cookie:
            return


def _read_cookie(value: bytes, doing: str) -> bytes:
    try:
        return controls.read_paging(value)
    except BerError as error:
        reason = f"{doing}: {error}"
        raise DirectoryUnavailable(reason) from error
