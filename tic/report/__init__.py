"""Reports of audits: one HTML page and a summary in Markdown."""

from tic.report.markdown import render_markdown
from tic.report.render import render_html, write_report

__all__ = ["render_html", "render_markdown", "write_report"]
