"""What web, api and oidc share over HTTP.

`visit` is one request in one realm: its units of work, cookies, CSRF token and addresses. `headers`
puts the security headers on every answer, `errors` turns exceptions into pages or problem
documents, `guards` refuses what no view should see (foreign hosts, unknown realms), `forms` and
`csrf` what no form should be. `templating` is what pages are made with, `front` stands before
Flask, `probes` are the addresses for machines.
"""
