"""Names of channel-layer groups. What is sent to one only makes consoles look at their rights at once."""


def vm_group(vm_id: int) -> str:
    """All consoles of one machine."""
    return f"console.vm.{vm_id}"


def user_group(user_id: int) -> str:
    """All consoles of one person."""
    return f"console.user.{user_id}"
