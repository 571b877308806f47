"""The report: one self-contained HTML file from findings and history only."""

from jindan.report.page import build_report

__all__ = ["build_report"]
