"""What every table of the configuration is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
#: From a time of day to another.
SPAN = rf"{_CLOCK}-{_CLOCK}"


class Section(BaseModel):
    """A table of the configuration; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
