"""RFB (RFC 6143) without I/O: bytes in, bytes out. Ends the node's authentication, offers the browser none."""

from consoles.rfb.errors import BrowserBroke, NodeBroke, NoUsableSecurity, PasswordRefused, RfbError
from consoles.rfb.session import RfbSession

__all__ = ["BrowserBroke", "NoUsableSecurity", "NodeBroke", "PasswordRefused", "RfbError", "RfbSession"]
