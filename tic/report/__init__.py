"""Reports of audits: one HTML page, a summary in Markdown, and the differences between two."""

from tic.report.diff import AuditDiff, diff_audits, format_diff
from tic.report.reading import load_audit
from tic.report.render import render_html, render_markdown, write_report

__all__ = [
    "AuditDiff",
    "diff_audits",
    "format_diff",
    "load_audit",
    "render_html",
    "render_markdown",
    "write_report",
]
