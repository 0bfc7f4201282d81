"""The settings of one directory: what we do with it, and what its connector is told."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, InstanceOf, StringConstraints, ValidationInfo, model_validator

from idp.config.realms import RealmKey
from idp.config.section import Section
from idp.config.values import Duration, Limit, RateLimit, Text

ConnectorKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]

_FILES = ("path", "ca_file")
"""Settings of connectors that name files; relative ones lie in the configuration's folder."""


class SourceSettings:
    """What a connector is told, a bind password among it; printed without any value.

    No dataclass: pydantic would write the fields of one into `model_dump`.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def reveal(self) -> dict[str, object]:
        """Return the settings with their values."""
        return dict(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceSettings) and other._values == self._values

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._values)))

    def __repr__(self) -> str:
        return f"SourceSettings({', '.join(sorted(self._values))})"


class Connector(Section):
    """A directory whose accounts sign in with their directory password. Off until it is here."""

    kind: Text = Field(examples=["ldap"])
    """What speaks to it: "ldap" or "csv"."""
    realm: RealmKey = "staff"
    """Whose accounts it owns."""
    enforce_policy: bool = False
    """Whether our password policy judges the directory's passwords too, when they are typed."""
    write_back: bool = False
    """Whether people may change their directory password on our pages."""
    change_password_at: Text | None = Field(
        default=None, examples=["https://passwords.example.co.nz"]
    )
    """Where people change their directory password when they cannot do it here: an address or a
    sentence, shown to those who have to."""
    just_in_time: bool = False
    """Whether somebody new may sign in before a run read them: the account is made once the
    directory let them in, and never before a first plan was applied."""
    changes_every: Duration = timedelta(minutes=5)
    """How often what changed is read; PT0S reads only when asked to."""
    sweep_every: Duration = timedelta(hours=1)
    """How often it is looked who is still there."""
    full_every: Duration = timedelta(days=1)
    """How often everything is read."""
    recheck: Duration = timedelta(minutes=10)
    """How old the last look at an account may be when an app gets a code or refreshes."""
    max_offline: Duration = timedelta(days=1)
    """How long refresh tokens and new codes go on while the directory does not answer."""
    sign_in_per_account: RateLimit = Limit(4, timedelta(minutes=15))
    """Failed sign-ins to one account of the realm; keep it below the directory's own lock-out."""
    most_gone_percent: int = Field(default=5, ge=1, le=100)
    """A run that would take more of the accounts away is held until an administrator releases it
    (20 accounts are always let through)."""
    most_gone: int = Field(default=500, ge=1)
    """Likewise, as a number of accounts."""
    erase_after: Duration = timedelta(days=30)
    """When the personal data of an account that left the directory is erased."""
    settings: InstanceOf[SourceSettings] = Field(default=SourceSettings({}), repr=False)

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - any TOML
        if not isinstance(value, Mapping):
            return value
        own = {name: found for name, found in value.items() if name in _OWN}
        rest = {name: found for name, found in value.items() if name not in _OWN}
        folder: Path | None = (info.context or {}).get("folder")
        for name in _FILES:
            file = rest.get(name)
            if folder is not None and isinstance(file, str) and file:
                rest[name] = str(folder / file)
        return {**own, "settings": SourceSettings(rest)}


_OWN = frozenset(Connector.model_fields) - {"settings"}
