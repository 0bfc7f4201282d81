"""Writes `docs/openapi.json` anew: `python -m tests.support.openapi`."""

import json
import tempfile
from pathlib import Path

from idp.api import describe_api
from idp.clock import FakeClock
from tests.support import ROOT
from tests.support.world import make_runtime

DOCUMENT = ROOT / "docs" / "openapi.json"


def written_document() -> str:
    """Return the document as the file holds it."""
    with tempfile.TemporaryDirectory() as directory:
        runtime = make_runtime(f"sqlite:///{Path(directory) / 'none.db'}", FakeClock())
        document = describe_api(runtime)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(written_document())
