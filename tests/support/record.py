"""Figures that a campaign measures: printed, and kept where `IDP_RECORD` says, never asserted."""

import os
import sys
from pathlib import Path


def record(line: str) -> None:
    """Tell a measured figure."""
    sys.stderr.write(f"{line}\n")
    kept = os.environ.get("IDP_RECORD")
    if kept:
        with Path(kept).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
