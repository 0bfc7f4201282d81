"""Realms: two populations, one code path."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import Base


class RealmRow(Base):
    """One realm and the version numbers that caches are keyed by (DECISIONS 27).

    `policy_by_group` says that the policy in force asks which groups a user is in. `wave_used`
    users were asked for another password by a wave in the hour that began at `wave_hour`.
    """

    __tablename__ = "realms"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(256))
    policy_version: Mapped[int] = mapped_column(default=1)
    keys_version: Mapped[int] = mapped_column(default=1)
    policy_by_group: Mapped[bool] = mapped_column(default=False)
    wave_hour: Mapped[datetime | None]
    wave_used: Mapped[int] = mapped_column(default=0)
    policy_managed_by: Mapped[str] = mapped_column(String(16), default="admin")
    created_at: Mapped[datetime]
