"""TimeTrak IdP: one OpenID Connect authorization server for all TimeTrak apps.

The layers, from the outside in: entry points (`__main__`, `wsgi`, `demo`), the composition root
(`app`), delivery (`cli`, `web`, `api`, `oidc`, `jobs`, `adapters`), what delivery over HTTP shares
(`http`), use cases (`core`), rows (`store`), and the ground (`config`, `errors`, `clock`, `ids`).
"""
