"""What is behind each code of check, in running text: for the verb help and the documentation."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from postwrap.resources import templates


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why there is a finding, and what its remedy does; sentences."""

    cause: str
    remedy: str


def explanations() -> dict[str, Explanation]:
    """Return the explanation of each code, as man/check-codes.toml has it."""
    text = (templates() / "man/check-codes.toml").read_text(encoding="utf-8")
    return {code: Explanation(**told) for code, told in tomllib.loads(text).items()}
