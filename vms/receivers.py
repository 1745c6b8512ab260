"""Listens to what lower apps say. Nothing yet: shutting down a departed member's machines comes with the directory."""
