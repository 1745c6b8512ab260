"""The one table of periodic jobs: name, task, period in seconds, reason for the period."""

from typing import Any


def beat_schedule(
    *, mirror_s: float, catalog_s: float, follow_s: float, sweep_s: float, mail_s: float, provider_s: float = 0,
    directory_s: float = 0, departure_s: float = 300, lease_s: float = 600,
    tasks_s: float = 60, leftovers_s: float = 6 * 3600, consoles_s: float = 15,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Celery's beat_schedule. A job that is still waiting when the next is due is dropped (`expires`).

    A period of 0 is a job that this house does not need.
    """
    jobs = (
        (
            "mirror the cluster",
            "vms.tasks.sync_cluster",
            mirror_s,
        ),  # a reading is shown plain up to 30 s of age
        ("read storages and templates", "vms.tasks.sync_catalog", catalog_s),  # listing a storage costs 0.6 s
        ("read pending changes", "vms.tasks.sweep_pending", mirror_s),  # a slice of everybody each time
        ("ask guest agents", "vms.tasks.ask_guests", 60.0),  # each guest is asked every five minutes at most
        ("follow operations", "vms.tasks.follow_operations", follow_s),  # a person is watching the page
        (
            "sweep operations",
            "vms.tasks.sweep_operations",
            sweep_s,
        ),  # finds what a dead worker or broker dropped
        ("remove closed pools", "vms.tasks.end_pools", 60.0),  # a lost answer is asked after
        ("close consoles left open", "consoles.tasks.close_abandoned", consoles_s),  # a crash leaves a visit open
        (
            "prune console grants",
            "consoles.tasks.prune_grants",
            3600.0,
        ),  # grants live 20 s, shares 8 h; both are kept a day
        ("read tasks begun in Proxmox", "vms.tasks.read_foreign_tasks", tasks_s),  # one request a node; only history
        ("read logs of tasks", "vms.tasks.read_task_logs", tasks_s),  # nodes throw logs away after days
        ("look for leftover disks", "vms.tasks.scan_storages", leftovers_s),  # listing a storage is slow
        ("send mail", "accounts.tasks.send_mail", mail_s),  # a row waits at most this long for its first try
        ("announce ending allowances", "quotas.tasks.announce_ending_allowances", 6 * 3600.0),  # by the day
        ("reseal factors", "accounts.tasks.reseal_factors", 3600.0),  # an earlier key may go after a day
        ("seal the audit trail", "accounts.tasks.seal_audit", 600.0),  # what is not sealed could still be changed
        ("forget what was spent", "accounts.tasks.forget_spent", 3600.0),  # codes and logout tokens past their end
        ("check the provider", "accounts.tasks.check_provider", provider_s),  # the sign-in page shows its state
        ("read the directory", "accounts.tasks.sync_directory", directory_s),  # who left is out within 15 minutes
        ("look at leases", "vms.tasks.look_at_leases", lease_s),  # acts once a day; a long gap is noticed
        (
            "shut down for who left",
            "vms.tasks.shut_down_departed",
            departure_s,
        ),  # days were given; minutes do not matter
    )
    return {
        name: {"task": task, "schedule": period_s, "options": {"expires": max(period_s, 1.0)}}
        for name, task, period_s in jobs
        if period_s
    }
