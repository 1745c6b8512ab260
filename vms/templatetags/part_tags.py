"""A machine's parts and notes for its pages."""

from django import template
from django.forms import BoundField, CheckboxInput
from django.utils.safestring import SafeString, mark_safe

from vms import parts
from vms.markdown import rendered
from vms.models import VirtualMachine

register = template.Library()
register.filter("disks_of", parts.disks)
register.filter("detached_of", parts.detached)
register.filter("drives_of", parts.drives)
register.filter("nics_of", parts.nics)
register.filter("waits_of", parts.waits)
register.filter("boot_of", parts.boot_list)
register.filter("display_of", parts.display_of)


@register.filter
def as_markdown(text: str) -> SafeString:
    """Notes as safe HTML."""
    return mark_safe(rendered(text))  # noqa: S308 (rendered() escapes HTML and passes an allow list)


@register.filter
def is_switch(field: BoundField) -> bool:
    """Whether the control is a tick."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def waiting_words(vm: VirtualMachine) -> str:
    """'2 changes wait for a restart'; empty where nothing waits."""
    count = len(parts.waits(vm))
    if not count:
        return ""
    return "1 change waits for a restart" if count == 1 else f"{count} changes wait for a restart"
