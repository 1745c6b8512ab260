"""Launchers: they install and start the other parts and import none of them. Standard library only."""
