"""The demo: the whole product on this machine, with three sample TimeTrak apps that sign in to it.

`command` is `idp demo`. It prepares a folder (`seed`, from the accounts and apps in `samples`),
serves the sample apps (`app_site`, each a real `relying_party`) and the mail page (`mail_page`)
from its own process, and runs the same server and jobs as `idp serve` as children. `signpost`
tells people where everything is. Nothing here is used by the product.
"""
