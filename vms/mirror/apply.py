"""The only writer of observed columns: of one machine for an operation, of all for a reading."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import Pool
from quotas.locking import lock_pools
from vms import leasing
from vms.audits import about
from vms.cluster.errors import WrongMachine
from vms.cluster.types import GuestConfig, GuestStatus, NodeFacts
from vms.mirror.alarm import raise_alarm, tell_missing
from vms.mirror.columns import Columns, config_columns, power_columns, signature, status_columns
from vms.mirror.facts import Change, Difference, Kind, Reading
from vms.mirror.known import bound_pools
from vms.mirror.pools_seen import write_pools
from vms.models import MirrorRun, Node, Operation, VirtualMachine
from vms.signals import pool_changed, vm_gone
from vms.states import Lifecycle
from vms.units import mib

#: What is further ahead than this was written by a clock that was wrong; it must not stop the mirror until then.
CLOCK_JUMP = timedelta(minutes=10)


def apply_guest(vm: VirtualMachine, config: GuestConfig, status: GuestStatus | None, now: datetime) -> None:
    """Writes what was just read of one machine to its observed columns, inside the caller's transaction.

    `status` None leaves the power as it was. Changes no lifecycle, name or pool. WrongMachine, and nothing is written,
    when the settings are those of another machine than the row's. A row without a uuid takes the one found.
    """
    if vm.smbios_uuid is not None and config.uuid != str(vm.smbios_uuid):
        raise WrongMachine(str(vm.smbios_uuid), config.uuid)
    columns = config_columns(config, vm.hardware, vm.disk_gib, now) | _found(vm, config, now)
    columns |= status_columns(status) if status is not None else {"lock": config.lock[:40]}
    _write(vm, columns)


def _found(vm: VirtualMachine, config: GuestConfig, now: datetime) -> Columns:
    columns: Columns = {"node": config.node, "vmid": config.vmid, "missing_since": None, "missing_readings": 0}
    columns["last_seen"] = max(now, vm.last_seen) if vm.last_seen else now
    if vm.smbios_uuid is None and config.uuid:
        columns["smbios_uuid"] = config.uuid
    return columns


def _write(vm: VirtualMachine, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(vm, name, value)
    vm.save(update_fields=list(columns))


def apply_settings(
    configs: Mapping[int, GuestConfig], at: datetime, *, require_lock: Callable[[], None] = lambda: None
) -> int:
    """Writes settings read at `at`, by slot; how many rows took them.

    Where a slot holds another machine than its row, the row's settings count as unread, so that the next reading
    looks at it with everything it knows.
    """
    with transaction.atomic():
        require_lock()
        older = Q(config_read_at=None) | Q(config_read_at__lt=at)
        rows = VirtualMachine.objects.select_for_update(no_key=True).filter(older, lifecycle=Lifecycle.READY)
        written = 0
        for vm in rows.filter(vmid__in=list(configs)).order_by("pk"):
            config = configs[vm.vmid or 0]
            if vm.smbios_uuid is not None and config.uuid == str(vm.smbios_uuid):
                _write(vm, config_columns(config, vm.hardware, vm.disk_gib, at))
                written += 1
            else:
                _write(vm, {"config_read_at": None})
        return written


def came_too_late(reading: Reading) -> bool:
    """Whether a reading that began later was written before."""
    later = MirrorRun.objects.filter(answered=True, started_at__gt=reading.at)
    return later.filter(started_at__lte=reading.at + CLOCK_JUMP).exists()


def record(reading: Reading, found: Difference, *, require_lock: Callable[[], None] = lambda: None) -> MirrorRun | None:
    """Writes a reading and what it changed in one transaction; None when a newer reading was written before.

    `require_lock` is called first inside the transaction and raises when this worker should no longer write.
    """
    with transaction.atomic():
        require_lock()
        if came_too_late(reading):
            return None
        previous = MirrorRun.objects.filter(answered=True).first()
        written = _Writing(reading, found).write() if reading.is_usable else 0
        run = MirrorRun.objects.create(
            started_at=reading.at,
            finished_at=max(timezone.now(), reading.at),
            is_complete=reading.is_complete and not found.frozen,
            answered=reading.answered,
            silent_nodes=list(reading.silent_nodes),
            frozen=found.frozen,
            requests=reading.requests,
            seen=len(found.seen),
            changed=written,
            note=reading.note[:300],
        )
        raise_alarm(run, previous, alarm=reading.alarm, vanished=found.vanished)
        return run


class _Writing:
    """Writes the changes of one reading. What is no longer as it was compared is left for the next reading."""

    def __init__(self, reading: Reading, found: Difference) -> None:
        self.reading, self.found, self.at = reading, found, reading.at
        self.older = Q(last_seen=None) | Q(last_seen__lt=reading.at) | Q(last_seen__gt=reading.at + CLOCK_JUMP)
        self.pools = bound_pools()
        self.missing: list[str] = []

    def write(self) -> int:
        """How many changes were written."""
        plain, others = _split(self.found.changes)
        moves = [change for change in others if change.kind == Kind.MOVED_POOL]
        lock_pools(*{self.pools[change.poolid] for change in moves if change.poolid in self.pools})
        written = sum(self._write_alike(columns, changes) for columns, changes in plain)
        pks = [change.was.pk for change in others if change.was]
        rows = VirtualMachine.objects.select_for_update(of=("self",), no_key=True).select_related("pool")
        by_pk = {vm.pk: vm for vm in rows.filter(pk__in=pks).order_by("pk")} if pks else {}
        busy = set(Operation.objects.blocking().filter(vm__in=pks).values_list("vm_id", flat=True)) if pks else set()
        for change in others:
            vm = by_pk.get(change.was.pk) if change.was else None
            if change.kind == Kind.APPEARED:
                written += self._appear(change)
            elif vm is not None and self._still_holds(change, vm, vm.pk in busy):
                written += self._write_row(change, vm)
        tell_missing(self.missing)
        self._write_load()
        VirtualMachine.objects.filter(self.older, pk__in=self.found.seen).update(last_seen=self.at)
        write_nodes(self.reading.listing.nodes, self.reading.silent_nodes, self.at)
        write_pools(self.reading.listing, self.at)
        return written

    def _write_alike(self, columns: Columns, changes: list[Change]) -> int:
        """One query for all rows that change in the same way."""
        pks = [change.was.pk for change in changes if change.was]
        return VirtualMachine.objects.filter(self.older, pk__in=pks).present().update(**columns)

    def _write_load(self) -> None:
        rows = [(cpu_load, uptime_s, pk) for pk, cpu_load, uptime_s in self.found.load]
        if not rows:
            return
        table = connection.ops.quote_name(VirtualMachine._meta.db_table)
        with connection.cursor() as cursor:  # one prepared statement: a CASE over thousands of rows takes seconds
            cursor.executemany(f"UPDATE {table} SET cpu_load = %s, uptime_s = %s WHERE id = %s", rows)  # noqa: S608

    def _still_holds(self, change: Change, vm: VirtualMachine, is_busy: bool) -> bool:
        was = change.was
        if was is None or (vm.last_seen is not None and self.at <= vm.last_seen <= self.at + CLOCK_JUMP):
            return False
        same = (vm.vmid, str(vm.smbios_uuid or ""), vm.lifecycle) == (was.vmid, was.uuid, was.lifecycle)
        return same and (change.kind == Kind.CHANGED or not is_busy)

    def _write_row(self, change: Change, vm: VirtualMachine) -> int:
        act = {
            Kind.ABSENT: self._absent,
            Kind.REPLACED: self._replace,
            Kind.MOVED_POOL: self._move,
            Kind.LEFT_POOL: self._leave,
        }.get(change.kind, self._change)
        act(change, vm)
        return 1

    def _change(self, change: Change, vm: VirtualMachine) -> None:
        columns = dict(change.columns)
        if change.config is not None:
            columns |= self._settings(change, vm.hardware, vm.disk_gib)
            if vm.smbios_uuid is None and change.config.uuid:
                columns["smbios_uuid"] = change.config.uuid
        _write(vm, columns | {"last_seen": self.at})
        if change.kind == Kind.BACK:
            _audit(vm, "vm.back")

    def _settings(self, change: Change, hardware: Mapping[str, Any], disk_gib: int) -> Columns:
        if change.config is None:
            return {}
        columns = config_columns(change.config, hardware, disk_gib, self.at)
        listed = signature(change.guest) if change.guest else ""
        if listed:
            columns["hardware"]["listed"] = listed
        return columns

    def _absent(self, change: Change, vm: VirtualMachine) -> None:
        """Missing only after enough complete readings over long enough; frees nothing, changes no lifecycle."""
        columns: Columns = dict(change.columns)
        is_enough = columns["missing_readings"] >= settings.ABSENT_READINGS
        if is_enough and self.at - self._missed_since(vm) >= timedelta(seconds=settings.ABSENT_AFTER_S):
            columns["missing_since"] = self.at
            self.missing.append(vm.name)
            _audit(vm, "vm.missing", vmid=vm.vmid, node=vm.node)
            _send(vm_gone, vm.pk)
        _write(vm, columns)

    def _missed_since(self, vm: VirtualMachine) -> datetime:
        """The first complete reading after it was last seen."""
        complete = MirrorRun.objects.filter(is_complete=True, started_at__gt=vm.last_seen or self.at)
        return complete.order_by("started_at").values_list("started_at", flat=True).first() or self.at

    def _replace(self, change: Change, vm: VirtualMachine) -> None:
        """Another machine sits in the slot: the row leaves it and keeps its history, the new one inherits nothing."""
        self.missing.append(vm.name)
        _audit(vm, "vm.replaced", vmid=vm.vmid, node=vm.node, found=change.config.uuid if change.config else "")
        _write(vm, {"vmid": None, "missing_since": vm.missing_since or self.at})
        _send(vm_gone, vm.pk)
        self._appear(change)

    def _move(self, change: Change, vm: VirtualMachine) -> None:
        pool = Pool.objects.filter(proxmox_poolid=change.poolid).first()
        if pool is None or pool == vm.pool:
            return
        was = vm.pool.name if vm.pool else ""
        vm.pool = pool
        vm.save(update_fields=["pool"])
        _audit(vm, "vm.moved" if was else "vm.adopted", to=pool.name, was=was)
        _send(pool_changed, vm.pk)

    def _leave(self, change: Change, vm: VirtualMachine) -> None:
        _audit(vm, "vm.left_pool", proxmox_pool=change.poolid)

    def _appear(self, change: Change) -> int:
        """A machine nobody knew: adopted where it sits in a bound pool, else for RTPs to see."""
        guest, config = change.guest, change.config
        if guest is None or config is None or self._is_known(guest.vmid, config.uuid):
            return 0
        pool = Pool.objects.filter(proxmox_poolid=guest.poolid).first() if guest.poolid and config.uuid else None
        vm = VirtualMachine.objects.create(
            pool=pool,
            name=(config.name or guest.name or f"vm-{guest.vmid}")[:63],
            lifecycle=Lifecycle.READY,
            smbios_uuid=config.uuid or None,
            vmid=guest.vmid,
            source="made in Proxmox",
            node=guest.node,
            lock=guest.lock[:40],
            uptime_s=guest.uptime_s or None,
            cpu_load=guest.cpu_load,
            last_seen=self.at,
            seen_poolid=guest.poolid,
            seen_poolid_readings=1 if guest.poolid else 0,
            **power_columns(guest.power),
            **self._settings(change, {}, 0),
        )
        leasing.begin(vm, self.at)
        _audit(vm, "vm.appeared", vmid=guest.vmid, node=guest.node, proxmox_pool=guest.poolid)
        return 1

    def _is_known(self, vmid: int, uuid: str) -> bool:
        """Whether a row has the slot or the machine, or had it until after this reading began."""
        same = Q(vmid=vmid) | Q(smbios_uuid=uuid) if uuid else Q(vmid=vmid)
        if VirtualMachine.objects.present().filter(same).exists():
            return True
        return VirtualMachine.objects.filter(same, gone_at__gte=self.at).exists()


def _split(changes: Iterable[Change]) -> tuple[list[tuple[Columns, list[Change]]], list[Change]]:
    """Changes of plain columns, gathered by what they write; and those that need their row."""
    alike: dict[tuple[tuple[str, object], ...], list[Change]] = defaultdict(list)
    others = []
    for change in changes:
        if change.kind == Kind.CHANGED and change.config is None:
            alike[tuple(sorted(change.columns.items()))].append(change)
        else:
            others.append(change)
    return [(dict(columns), group) for columns, group in alike.items()], others


def write_nodes(nodes: Iterable[NodeFacts], silent: Iterable[str], at: datetime) -> None:
    """Nodes as listed; figures that were not told stay. A node that is no longer listed counts as silent."""
    silent_names = set(silent)
    rows = {row.name: row for row in Node.objects.select_for_update(no_key=True)}
    for facts in nodes:
        row = rows.setdefault(facts.name, Node(name=facts.name))
        row.is_online = facts.is_online and facts.name not in silent_names
        row.cpus = facts.cores if facts.cores is not None else row.cpus
        row.memory_mib = _mib(facts.memory_bytes, row.memory_mib)
        row.memory_used_mib = _mib(facts.used_memory_bytes, row.memory_used_mib)
        row.last_seen = at if row.is_online else row.last_seen
        row.save()
    Node.objects.filter(name__in=silent_names).exclude(name__in=[facts.name for facts in nodes]).update(is_online=False)


def _mib(size_bytes: int | None, before: int | None) -> int | None:
    return mib(size_bytes) if size_bytes is not None else before


def _audit(vm: VirtualMachine, verb: str, **detail: Any) -> None:
    audit.record(
        actor=None,
        by_name=audit.PROXMOX,
        verb=verb,
        pool=vm.pool,
        **about(vm),
        **detail,
    )


def _send(signal: Any, vm_id: int) -> None:
    transaction.on_commit(lambda: signal.send(sender=VirtualMachine, vm_id=vm_id))
