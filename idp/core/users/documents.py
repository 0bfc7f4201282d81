"""A user as a JSON document: the import columns, and what only we know (DECISIONS 24)."""

from dataclasses import asdict

from idp.core.users.views import UserView


def user_document(user: UserView) -> dict[str, object]:
    """Return a user as a flat document; moments are aware, and nothing in it is secret."""
    password, directory = user.password, user.directory
    return {
        "id": user.id,
        "sub": user.sub,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "name": user.name,
        "phone_number": user.phone_number,
        "locale": user.locale,
        "zoneinfo": user.zoneinfo,
        "status": user.status.value,
        "groups": list(user.groups),
        "external_id": user.external_id,
        "claims": dict(user.claims),
        "roles": list(user.roles),
        "has_password": password is not None,
        "password_set_at": password.set_at if password else None,
        "password_set_by": password.set_by if password else None,
        "password_is_shared": password.is_shared if password else False,
        "must_change": any(each.must_change for each in (password, directory) if each),
        "temporary_until": password.temporary_until if password else None,
        "directory": asdict(directory) if directory else None,
        "locked_at": user.locked_at,
        "last_sign_in_at": user.last_sign_in_at,
        "version": user.version,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
