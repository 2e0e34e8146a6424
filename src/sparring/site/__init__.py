"""The documentation site: the pages of docs/, and pages made from conf/ and from docstrings."""
