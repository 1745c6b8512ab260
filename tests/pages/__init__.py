"""Tests of the pages: what they say, and how they look in a real browser."""
