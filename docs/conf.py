"""The documentation site: Sphinx, Markdown by MyST, the theme Furo. Built by docs/build."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "generator")]

from postwrap import __version__  # noqa: E402 - found by the line above

project = "postwrap"
author = "The postwrap authors"
copyright = "the postwrap authors; MIT licence"  # noqa: A001 - Sphinx's own word
version = release = __version__

extensions = ["myst_parser", "docs.extension.reference"]
myst_enable_extensions = ["deflist", "attrs_block"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "extension"]
nitpicky = True

html_theme = "furo"
html_title = f"postwrap {__version__}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["zabbix-template.yaml"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": False}
