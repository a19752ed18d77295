"""Tests of wsanalyze; the folders mirror the package."""
