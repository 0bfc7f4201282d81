"""The command line: parse, call one use case, print.

Owns the words of CONTRACT 2: `COMMANDS` names every group with the module that has it, loaded
when it is asked for, so that `idp --help` is quick. `base` is what commands share, `root` the
group they hang from, `output` and `refusals` how answers and refusals look. Hands off to
`idp.core`; what lies beside this package (adapters, jobs, the server) is lent by `idp.app`.
"""

from idp.cli.commands import COMMANDS, idp
from idp.cli.root import Entry

__all__ = ["COMMANDS", "Entry", "idp"]
