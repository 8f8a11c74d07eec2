"""Templates to artifacts: the Jinja2 environment and the quoting of each language.

Nothing here looks at the host: instances, commands and paths come in, artifacts go out, the same
bytes for the same input.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from postwrap import RELEASED, __version__
from postwrap.render import quoting
from postwrap.resources import templates

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> jinja2.Environment:
    """Return the environment of all templates; an undefined name in one is an error.

    Each language's quoting is a filter of its name: ``{{ instance.directory | sh }}``.
    """
    import jinja2  # takes time, and most verbs render nothing

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates()),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Jinja's own {# is in every shell script that counts: ${#words[@]}.
        comment_start_string="<#",
        comment_end_string="#>",
    )
    made.filters.update(quoting.FILTERS)
    made.globals["version"] = __version__
    made.globals["released"] = f"{datetime.fromtimestamp(RELEASED, UTC):%Y-%m-%d}"
    return made


def render(template: str, **values: Any) -> bytes:
    """Return what ``template`` (``wrappers/wrapper.sh.j2``) makes of ``values``."""
    text = environment().get_template(template).render(**values)
    return text.encode("utf-8", errors="surrogateescape")
