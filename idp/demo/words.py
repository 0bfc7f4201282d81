"""What the sample apps say when the server gives no tokens (CONTRACT 4 in plain words)."""

from collections.abc import Mapping

from idp.demo.relying_party import Refused
from idp.demo.visits import Notice

_REASONS: Mapping[str, tuple[str, str]] = {
    "account_disabled": (
        "This account is switched off",
        "An administrator made it inactive. Ask them to re-activate it.",
    ),
    "account_locked": ("This account is locked", "Ask an administrator to unlock it."),
    "credential_changed": (
        "The password was changed",
        "What was given out under the old password has ended. Sign in with the new one.",
    ),
    "session_ended": ("You were signed out", "Sign in again to go on."),
    "app_not_allowed": (
        "You may not use this app",
        "It is for members of certain groups. If you need it, ask an administrator.",
    ),
    "sign_in_required": (
        "Please sign in again",
        "The password rules changed. Your password is checked against them at sign-in.",
    ),
    "password_change_required": (
        "Time for a new password",
        "The rules changed, or an administrator asked for it. Then go on where you were.",
    ),
}
_ELSE = ("No new tokens", "The server refused. Sign in again to go on.")
_SIGN_IN = ("/sign-in", "Sign in again")


def notice_of(refused: Refused, *, follows_action: bool) -> Notice:
    """Return what to tell about a refused refresh, with the way out.

    Args:
        follows_action: the app opens the server's own address to change the password.
    """
    title, text = _REASONS.get(refused.reason or "", _ELSE)
    action = _SIGN_IN
    if follows_action and refused.action_uri is not None:
        action = (refused.action_uri, "Choose a new password")
    return Notice(kind="bad", title=title, text=text, code=code_of(refused), action=action)


def failed_sign_in(refused: Refused) -> Notice:
    """Return what to tell about a sign-in that gave no tokens."""
    text = refused.description or "Nothing was changed. Try again."
    return Notice(kind="bad", title="You are not signed in", text=text, code=code_of(refused))


def code_of(refused: Refused) -> str:
    """Return the machine's words, for developers who look on."""
    return " · ".join(filter(None, (refused.error, refused.reason)))
