"""Tests of the main job: a table in, a run folder out."""
