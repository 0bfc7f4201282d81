"""Versions as entity tags: nobody overwrites what somebody else changed meanwhile.

Spec: RFC 9110 8.8.3, 13.1.1; RFC 6585 3.
"""

import re
from typing import ClassVar

from idp.errors import IdpError, PreconditionFailed

_TAG = re.compile(r'"v(?P<version>[0-9]{1,9})"', re.ASCII)


class PreconditionRequired(IdpError):  # noqa: N818 - named for what happened, like its family
    """A change has to say, with `If-Match`, which version it was made of."""

    status: ClassVar[int] = 428
    default_code: ClassVar[str] = "precondition_required"


def etag_of(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"v{version}"'


def check_if_match(header: str | None, version: int) -> None:
    """Return when there is no `If-Match`, or when it names `version`.

    Raises:
        PreconditionFailed: it names another version, or none that was ever given out.
    """
    if header is None or header.strip() == "*":
        return
    tags = [tag.strip() for tag in header.split(",")]
    if etag_of(version) not in tags:
        raise PreconditionFailed(version=version)


def expected_version(header: str | None) -> int | None:
    """Return the version that `If-Match` names, or None for any version (`*`).

    Raises:
        PreconditionRequired: there is no `If-Match`.
        PreconditionFailed: it names no version that could ever be the present one.
    """
    if header is None:
        raise PreconditionRequired
    if header.strip() == "*":
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise PreconditionFailed
    return int(found["version"])
