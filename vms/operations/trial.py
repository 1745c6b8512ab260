"""A small machine from a template in an RTP's own pool: whether the template works at all."""

from accounts.models import SshKey, User
from accounts.pools import personal_pool_for
from vms.models import Operation, Template, VirtualMachine
from vms.operations.create import request_create
from vms.operations.errors import Refusal
from vms.operations.names import NAME
from vms.operations.wishes import FromTemplate, Size
from vms.states import OperationKind

LEAST_CORES, LEAST_MEMORY_MIB = 1, 512


def request_test_clone(template: Template, *, by: User, address: str, key: str) -> Operation:
    """Asks the ordinary creation for test-TEMPLATE-N. Raises what `request_create` raises, and Refusal while one of
    this template is still being made for the same RTP."""
    pool = personal_pool_for(by)
    begun = Operation.objects.in_flight().filter(pool=pool, kind=OperationKind.CREATE, wish__template=template.pk)
    if begun.filter(vm__name__startswith=_stem(template)).exists():
        raise Refusal(f"A test clone of {template} is being made already.")
    keys = tuple(SshKey.objects.filter(user=by).values_list("public_key", flat=True))
    source = FromTemplate(template.pk, ssh_keys=keys if template.has_cloud_init else ())
    name = _free_name(template, by)
    return request_create(pool=pool, by=by, address=address, key=key, name=name, size=small(template), source=source)


def small(template: Template) -> Size:
    """The least it works with."""
    return Size(
        cores=template.least_cores or LEAST_CORES,
        memory_mib=template.least_memory_mib or LEAST_MEMORY_MIB,
        disk_gib=max(template.disk_gib, template.least_disk_gib or 0),
    )


def _stem(template: Template) -> str:
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in template.name.lower())
    stem = f"test-{plain.strip('-')[:50]}".rstrip("-")
    return stem if NAME.fullmatch(stem) else "test-template"


def _free_name(template: Template, by: User) -> str:
    stem = _stem(template)
    taken = set(
        VirtualMachine.objects.present()
        .filter(pool__owner=by, name__startswith=stem)
        .values_list("name", flat=True)
    )  # fmt: skip
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem}-{number}") not in taken)
