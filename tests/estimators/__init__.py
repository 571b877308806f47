"""Tests of the estimators room."""
