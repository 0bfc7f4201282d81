"""What all tables of settings have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of settings: unknown keys are refused, values are never converted silently."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )
