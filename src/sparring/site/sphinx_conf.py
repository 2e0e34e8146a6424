"""Settings of Sphinx, which reads this file as `conf.py` of the folder that `sources.write_sources` makes."""

from typing import Any

from sparring.core.package import VERSION

project = "sparring"
release = version = VERSION
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []

html_theme = "furo"
html_title = f"sparring {VERSION}"
html_theme_options: dict[str, Any] = {"navigation_with_keys": True}
html_copy_source = html_show_sourcelink = html_show_copyright = False
highlight_language = "none"  # of indented blocks, which hold commands and tables alike

myst_heading_anchors = 4  # links to headings, as GitHub has them
suppress_warnings = ["myst.header"]  # a page of a study begins where its report does

default_role = "code"  # words in backticks in docstrings
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
add_module_names = False
napoleon_custom_sections = ["Shapes", "Settings"]
