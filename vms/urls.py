"""Paths of vms."""

from django.urls import path

from vms.views import actions, attention, changes, create, hardware, locks, pages, pools, snapshots

app_name = "vms"
urlpatterns = [
    path("", pages.vm_list, name="list"),
    path("vms/new/", create.create, name="create"),
    path("vms/<int:vm_id>/", pages.detail, name="detail"),
    path("vms/<int:vm_id>/hardware/", hardware.hardware, name="hardware"),
    path("vms/<int:vm_id>/settings/", hardware.settings, name="settings"),
    path("vms/<int:vm_id>/change/<slug:name>/", changes.change, name="change"),
    path("vms/<int:vm_id>/change/<slug:name>/uses/", changes.change_uses, name="change_uses"),
    path("vms/<int:vm_id>/apply/", changes.apply, name="apply"),
    path("vms/<int:vm_id>/snapshots/", snapshots.snapshots, name="snapshots"),
    path("vms/<int:vm_id>/snapshots/take/", snapshots.take, name="take_snapshot"),
    path("vms/<int:vm_id>/snapshots/<slug:snapshot>/roll-back/", snapshots.roll_back, name="roll_back"),
    path("vms/<int:vm_id>/snapshots/<slug:snapshot>/delete/", snapshots.drop, name="drop_snapshot"),
    path("vms/<int:vm_id>/activity/", pages.activity, name="activity"),
    path("vms/<int:vm_id>/operations/<int:operation_id>/", pages.operation, name="operation"),
    path("vms/<int:vm_id>/operations/<int:operation_id>/settle/", actions.settle_operation, name="settle"),
    path("vms/<int:vm_id>/actions/<slug:name>/", actions.action, name="action"),
    path("vms/<int:vm_id>/dismiss/", actions.dismiss, name="dismiss"),
    path("vms/<int:vm_id>/lock/", locks.lock, name="lock"),
    path("vms/<int:vm_id>/unlock/", locks.unlock, name="unlock"),
    path("pools/", pools.pools, name="pools"),
    path("pools/new/", pools.make_pool, name="make_pool"),
    path("pools/<int:pool_id>/", pools.pool, name="pool"),
    path("pools/<int:pool_id>/role/", pools.set_role, name="pool_role"),
    path("pools/<int:pool_id>/take-out/", pools.take_out, name="pool_take_out"),
    path("activity/", pages.history, name="history"),
    path("rtp/vms/", pages.rtp, name="rtp"),
    path("rtp/capacity/", pages.cluster_capacity, name="capacity"),
    path("rtp/attention/", attention.needs_you, name="attention"),
    path("rtp/attention/<int:job_id>/settle/", attention.settle_job, name="settle_job"),
    path("rtp/attention/machines/<int:vm_id>/gone/", attention.settle_gone, name="settle_gone"),
    path("rtp/jobs/", attention.jobs, name="jobs"),
    path("rtp/jobs/<int:job_id>/", attention.job, name="job"),
    path("rtp/jobs/<int:job_id>/log/", attention.read_log, name="read_log"),
]
