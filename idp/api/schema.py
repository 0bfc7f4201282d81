"""The shapes of what comes in and goes out: strict, nothing unknown, nothing echoed."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MOST_PER_PAGE = 200
_LONGEST_CURSOR = 1024


class Body(BaseModel):
    """A request's JSON object: exact types, no unknown member."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class Nothing(Body):
    """An empty object, or no body at all."""


class Query(BaseModel):
    """A request's query: no unknown parameter."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PageQuery(Query):
    """How much of a list to give, and from where."""

    limit: Annotated[
        int, Field(ge=1, le=MOST_PER_PAGE, description="How many entries to give at most.")
    ] = 50
    cursor: Annotated[
        str | None,
        Field(max_length=_LONGEST_CURSOR, description="The `next_cursor` of the page before."),
    ] = None


class View(BaseModel):
    """An answer's JSON object, read from what the use case returns."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # beyond the calendar's first or last day
        reason = "must be a moment that has a date in UTC"
        raise ValueError(reason) from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in a request, with its zone."""

NextCursor = Annotated[
    str | None, Field(description="Asks for the next page; null on the last one.")
]
