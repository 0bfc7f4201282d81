"""A person's own pages: the account at a glance, password, sessions, security."""

from idp.web.account import home, password, security, sessions, sign_in

ROUTES = (
    *sign_in.ROUTES,
    *home.ROUTES,
    *password.ROUTES,
    *sessions.ROUTES,
    *security.ROUTES,
)
