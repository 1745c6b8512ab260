"""A stand-in for a Proxmox VE cluster: its HTTP API, its tasks, its consoles and guests that really run.

Only tests and the demo start it. The portal never imports it, and it never imports the portal.
"""
