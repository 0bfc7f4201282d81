"""Waiting times in words."""

_MINUTE = 60
_HOUR = 3600


def in_words(seconds: int) -> str:
    """Return a wait for people, never shorter than it is: "a minute", "15 minutes", "2 hours"."""
    minutes, hours = -(-seconds // _MINUTE), -(-seconds // _HOUR)
    if minutes < _MINUTE:
        return "a minute" if minutes <= 1 else f"{minutes} minutes"
    return "an hour" if hours == 1 else f"{hours} hours"
