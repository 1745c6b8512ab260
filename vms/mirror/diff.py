"""Compares one reading with the known rows. Pure: no database, no clock, no network."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from vms.cluster.types import GuestConfig, GuestFacts
from vms.mirror.columns import Columns, power_columns, signature
from vms.mirror.facts import Change, Difference, Kind, Known, Reading
from vms.states import Lifecycle, Power

#: More than this many at once is no ordinary day; below, one in ten is.
MOST_VANISHING = 5
#: Readings in which a pool has to be shown before a move counts.
POOL_READINGS = 2
#: Smaller steps of load and uptime are not worth a write.
LOAD_STEP, UPTIME_STEP_S = 0.02, 60
#: How old a row of Proxmox's list can be.
LIST_LAG_S = 15
NO_LAG = timedelta(0)


def too_many(vanished: int, known: int) -> bool:
    """Whether so many vanished at once that nobody should believe it: over five, or over one in ten (and over one)."""
    return vanished > MOST_VANISHING or (vanished > 1 and vanished * 10 > known)


def looks_changed(guest: GuestFacts, known: Known | None, ended_s: int | None, at: datetime, lag: timedelta) -> bool:
    """Whether a machine's settings have to be read: new, back, or told by the list, its uptime or a task that ended."""
    if known is None or known.is_missing or known.missing_readings or known.read_at is None:
        return True
    if ended_s is not None and ended_s >= int(known.read_at.timestamp()):
        return True
    if guest.node != known.node or guest.lock != known.lock or guest.poolid not in {"", known.seen_poolid}:
        return True
    if signature(guest) not in {"", known.listed}:
        return True
    if guest.uptime_s and known.uptime_s and guest.uptime_s + LIST_LAG_S < known.uptime_s:
        return True  # it was started anew: what was pending is in force
    return known.power != Power.UNKNOWN and shown_power(guest, known, at, lag) != known.power


def shown_power(guest: GuestFacts, known: Known, at: datetime, lag: timedelta) -> str:
    """The list lags: what was asked of the machine itself less than `lag` ago is better."""
    asked_lately = known.read_at is not None and at - known.read_at < lag
    return known.power if asked_lately and known.power != Power.UNKNOWN else guest.power


def candidates(guests: Collection[int], known: Iterable[Known]) -> list[Known]:
    """Machines that the list leaves out and that are not marked as missing yet; those in hands of operations aside."""
    return [row for row in known if row.vmid and row.vmid not in guests and row.is_ours_to_judge and not row.is_missing]


def difference(
    reading: Reading, known: Collection[Known], bound: Collection[str], *, lag: timedelta = NO_LAG
) -> Difference:
    """All differences between a reading and the rows. `bound`: Proxmox pools that a row binds."""
    if not reading.is_usable:
        return Difference(vanished=len(candidates(frozenset(), known)))
    return _Comparison(reading, known, bound, lag).result()


class _Comparison:
    def __init__(self, reading: Reading, known: Collection[Known], bound: Collection[str], lag: timedelta) -> None:
        self.reading, self.known, self.bound, self.lag = reading, known, bound, lag
        self.offline = {node.name for node in reading.listing.nodes if not node.is_online} | set(reading.silent_nodes)
        self.by_vmid = {row.vmid: row for row in known if row.vmid}
        self.by_uuid = {row.uuid: row for row in known if row.uuid}
        self.listed = frozenset(guest.vmid for guest in reading.listing.guests)
        self.seen: list[int] = []

    def result(self) -> Difference:
        changes = [change for guest in self.reading.listing.guests for change in self._of(guest)]
        vanished = candidates(self.listed, self.known)
        lost = len(vanished) + sum(change.kind == Kind.REPLACED for change in changes)
        frozen = not self.reading.may_remove and too_many(lost, sum(not row.is_missing for row in self.known))
        if frozen:
            changes = [change for change in changes if change.kind != Kind.REPLACED]
        elif self.reading.is_complete:
            changes += [_absent(row) for row in vanished if row.vmid in self.reading.gone]
        return Difference(tuple(changes), tuple(self._load()), tuple(self.seen), lost, frozen)

    def _of(self, guest: GuestFacts) -> Iterable[Change]:
        row = self.by_vmid.get(guest.vmid)
        config = self.reading.configs.get(guest.vmid)
        if row is None:
            return self._without_row(guest, config)
        if config and row.uuid and config.uuid != row.uuid:
            return self._replaced(guest, row, config)
        if row.lifecycle == Lifecycle.CREATING:
            return []
        if guest.is_template or (config and config.is_template):
            no_longer = self.reading.is_complete and row.is_ours_to_judge and not row.is_missing
            return [_absent(row)] if no_longer else []
        return self._of_row(guest, row, config)

    def _replaced(self, guest: GuestFacts, row: Known, config: GuestConfig) -> list[Change]:
        """Another identity in the slot. One that lost its uuid proves nothing; nothing is written of either."""
        if not config.uuid or not row.is_ours_to_judge:
            return []
        return [Change(Kind.REPLACED, guest.vmid, row.name, row, guest, config, poolid=guest.poolid)]

    def _without_row(self, guest: GuestFacts, config: GuestConfig | None) -> Iterator[Change]:
        if guest.is_template or config is None or config.is_template:
            return
        row = self.by_uuid.get(config.uuid)
        if row is None:
            yield Change(Kind.APPEARED, guest.vmid, config.name, None, guest, config, poolid=guest.poolid)
        elif row.vmid not in self.listed and row.is_ours_to_judge:
            columns = {"vmid": guest.vmid, **self._columns(guest, row), **_found_again()}
            yield Change(Kind.BACK, guest.vmid, row.name, row, guest, config, columns)

    def _of_row(self, guest: GuestFacts, row: Known, config: GuestConfig | None) -> Iterator[Change]:
        """A row that was marked is only found again by its uuid, never by its slot."""
        columns = self._columns(guest, row)
        if row.is_missing or row.missing_readings:
            if config and config.uuid == row.uuid:
                self.seen.append(row.pk)
                kind = Kind.BACK if row.is_missing else Kind.CHANGED
                yield Change(kind, guest.vmid, row.name, row, guest, config, columns | _found_again())
            return
        if guest.node not in self.offline:
            self.seen.append(row.pk)
        pool = self._pool_columns(guest, row)
        if columns or config or pool:
            yield Change(Kind.CHANGED, guest.vmid, row.name, row, guest, config, columns | pool)
        is_new_there = pool.get("seen_poolid_readings") == POOL_READINGS
        is_there = row.seen_poolid_readings >= POOL_READINGS and guest.poolid == row.seen_poolid
        if is_new_there or (is_there and guest.poolid in self.bound):
            yield from self._moves(guest, row)

    def _columns(self, guest: GuestFacts, row: Known) -> Columns:
        """Observed columns that the list alone tells and that differ."""
        told: Columns = {"node": guest.node, "lock": guest.lock[:40]}
        power = self._power(guest, row)
        now = {"node": row.node, "lock": row.lock}
        columns = {name: value for name, value in told.items() if value != now[name]}
        if power != row.power:
            columns |= power_columns(power)
            columns |= {"uptime_s": None, "cpu_load": None} if power == Power.STOPPED else {}
        return columns

    def _power(self, guest: GuestFacts, row: Known) -> str:
        if guest.node in self.offline:
            return Power.UNKNOWN
        return shown_power(guest, row, self.reading.at, self.lag)

    def _pool_columns(self, guest: GuestFacts, row: Known) -> Columns:
        """The pool it was last seen in, and how often in a row; no pool shown is no information."""
        if not guest.poolid or not self.reading.is_complete:
            return {}
        if guest.poolid != row.seen_poolid:
            return {"seen_poolid": guest.poolid, "seen_poolid_readings": 1}
        if row.seen_poolid_readings < POOL_READINGS:
            return {"seen_poolid_readings": row.seen_poolid_readings + 1}
        return {}

    def _moves(self, guest: GuestFacts, row: Known) -> Iterator[Change]:
        if guest.poolid == row.poolid or not row.is_ours_to_judge or not row.uuid or not self.reading.is_complete:
            return
        if guest.poolid in self.bound:
            yield Change(Kind.MOVED_POOL, guest.vmid, row.name, row, guest, poolid=guest.poolid)
        elif row.poolid:
            yield Change(Kind.LEFT_POOL, guest.vmid, row.name, row, guest, poolid=guest.poolid)

    def _load(self) -> Iterator[tuple[int, float | None, int | None]]:
        for guest in self.reading.listing.guests:
            row = self.by_vmid.get(guest.vmid)
            if row is None or row.is_missing or guest.cpu_load is None or guest.uptime_s is None:
                continue
            if guest.power != Power.RUNNING or self._power(guest, row) != Power.RUNNING:
                continue
            load = round(guest.cpu_load, 3)
            is_small = row.cpu_load is not None and abs(load - row.cpu_load) < LOAD_STEP
            is_soon = row.uptime_s is not None and 0 <= guest.uptime_s - row.uptime_s < UPTIME_STEP_S
            if not (is_small and is_soon):
                yield row.pk, load, guest.uptime_s


def _found_again() -> Columns:
    return {"missing_since": None, "missing_readings": 0}


def _absent(row: Known) -> Change:
    return Change(Kind.ABSENT, row.vmid, row.name, row, columns={"missing_readings": row.missing_readings + 1})
