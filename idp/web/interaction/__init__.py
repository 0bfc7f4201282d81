"""The screens of an authorization request, one per prompt, each back to the dispatcher."""

from idp.web.interaction import change_password, consent, not_allowed, sign_in

ROUTES = (*sign_in.ROUTES, *change_password.ROUTES, *consent.ROUTES, *not_allowed.ROUTES)
