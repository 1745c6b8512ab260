"""What can be wrong with a conversation, told by who is at fault.

RfbError
├── BrowserBroke       the browser sent what it may not
└── NodeBroke          the node sent what it may not
    ├── NoUsableSecurity   it offers no security type we speak, or refused with a reason
    └── PasswordRefused    the password was not, or no longer, the machine's one VNC password
"""


class RfbError(Exception):
    """The conversation cannot go on."""


class BrowserBroke(RfbError):
    """The browser broke the protocol or asked for what was not negotiated."""


class NodeBroke(RfbError):
    """The node broke the protocol."""


class NoUsableSecurity(NodeBroke):
    """The node offers neither VNC authentication nor none; `str()` holds its reason where it gave one."""


class PasswordRefused(NodeBroke):
    """Authentication failed: another viewer asked for a password in between. A new `vncproxy` gives a new one."""
