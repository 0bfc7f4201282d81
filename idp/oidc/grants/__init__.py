"""The grant types there are: one module each, one line here.

A grant reads its parameters and proves, in one transaction of `idp.core`, an authorization; minting
is the server's work. A grant without a row in the matrix of the tests fails the build.
"""

from idp.oidc.grants.authorization_code import AuthorizationCodeGrant
from idp.oidc.grants.client_credentials import ClientCredentialsGrant
from idp.oidc.grants.refresh_token import RefreshTokenGrant

GRANTS = (AuthorizationCodeGrant, RefreshTokenGrant, ClientCredentialsGrant)
