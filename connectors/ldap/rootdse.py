"""What a server tells of itself.

Spec: RFC 4512 5.1.
"""

from connectors.ldap.messages import Answer, Search
from connectors.ldap.results import Code, error_of
from connectors.ldap.session import SMALL, Session
from connectors.ldap.values import Attributes
from connectors.ldap.wire import Deadline


def ask(session: Session, search: Search, deadline: Deadline, *, budget: int = SMALL) -> Answer:
    """Return the answer to a search.

    Raises:
        DirectoryUnavailable: there is none, or not now.
        DirectoryMisconfigured: it is a refusal that an administrator must mend.
    """
    answer = session.search(search, deadline, budget=budget)
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"{search.base!r} at {session.server}")
    return answer


def read_entry(session: Session, dn: str, names: tuple[str, ...], deadline: Deadline) -> Attributes:
    """Return attributes of one entry, nothing when it is not shown; raises as `ask`."""
    answer = ask(session, Search(base=dn, scope="base", attributes=names), deadline)
    return answer.entries[0].attributes if answer.entries else {}


def read_root(session: Session, names: tuple[str, ...], deadline: Deadline) -> Attributes:
    """Return attributes of the root; raises as `ask`."""
    return read_entry(session, "", names, deadline)
