"""Tasks: lists, status and logs. The end of a task is the only proof of what happened."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.jobs import UPID, Job
from devcluster.refusals import bad_parameter, forbidden
from devcluster.report import Row
from devcluster.schema import BOOL, COUNT, INTEGER, STRING, VMID, Rule

PER_NODE = 25
LIST_RULES = {
    "start": COUNT,
    "limit": COUNT,
    "since": INTEGER,
    "until": INTEGER,
    "vmid": VMID,
    "typefilter": STRING,
    "userfilter": STRING,
    "errors": BOOL,
    "statusfilter": STRING,
    "source": Rule(enum=("archive", "active", "all")),
}


def row(job: Job) -> Row:
    found: Row = {
        "upid": job.upid,
        "node": job.node,
        "pid": job.pid,
        "pstart": job.pstart,
        "type": job.type,
        "id": job.id,
    }
    found |= {"starttime": job.starttime, "user": job.who.userid}
    if job.who.tokenid:
        found["tokenid"] = job.who.tokenid
    return found


def readable(call: Call, job: Job) -> bool:
    """Everybody reads their own tasks, and a person those of their tokens."""
    own = job.who == call.who or (call.who.tokenid is None and job.who.userid == call.who.userid)
    return own or call.rights.has(f"/nodes/{job.node}", "Sys.Audit")


@CALLS.on("GET", "/cluster/tasks")
async def cluster_tasks(call: Call) -> Any:
    """Running and recent ones of every node. A token without Sys.Audit on / sees nothing, not even its own."""
    auditor = call.rights.has("/", "Sys.Audit")
    if call.who.tokenid and not auditor:
        return []
    rows: list[Row] = []
    for node in call.site.cluster.nodes:
        jobs = [job for job in call.site.jobs.all() if job.node == node and (auditor or job.who == call.who)]
        newest = sorted(jobs, key=lambda job: (job.running, job.starttime, job.pid), reverse=True)
        rows += [_cluster_row(job) for job in newest[:PER_NODE]]
    latest = next((one for one in rows if one["saved"] == "1"), None)
    if latest is not None:
        latest["saved"] = 1
    return rows


def _cluster_row(job: Job) -> Row:
    found = row(job)
    if job.running:
        del found["pstart"]
        return found | {"saved": "0"}
    found.pop("pid")
    found.pop("pstart")
    return found | {"endtime": job.endtime, "status": job.exitstatus, "saved": "1"}


@CALLS.on("GET", "/nodes/{node}/tasks", LIST_RULES)
async def node_tasks(call: Call) -> Any:
    asked = call.params
    source = asked.get("source", "archive")
    jobs = [job for job in call.site.jobs.all() if job.node == call.node and readable(call, job)]
    jobs = [job for job in jobs if source == "all" or job.running == (source == "active")]
    jobs = [job for job in jobs if _wanted(asked, job)]
    jobs.sort(key=lambda job: (job.starttime, job.pid), reverse=True)
    start, limit = asked.get("start", 0), asked.get("limit", 50)
    if jobs or (call.site.settings.major >= 9 and source != "active"):
        call.envelope["total"] = len(jobs)
    return [_node_row(job) for job in (jobs[start : start + limit] if limit else jobs[start:])]


def _wanted(asked: dict[str, Any], job: Job) -> bool:
    if "vmid" in asked and job.id != str(asked["vmid"]):
        return False
    if "typefilter" in asked and job.type != asked["typefilter"]:
        return False
    if not asked.get("since", 0) <= job.starttime <= asked.get("until", job.starttime):
        return False
    if "userfilter" in asked and asked["userfilter"] not in job.who.userid:
        return False
    kind = _kind(job)
    if asked.get("errors") and kind == "ok":
        return False
    return "statusfilter" not in asked or kind in str(asked["statusfilter"]).split(",")


def _kind(job: Job) -> str:
    if job.exitstatus is None or job.exitstatus == "unexpected status":
        return "unknown"
    if job.exitstatus == "OK":
        return "ok"
    return "warning" if job.exitstatus.startswith("WARNINGS") else "error"


def _node_row(job: Job) -> Row:
    if job.running:
        return row(job) | {"status": "RUNNING"}
    return row(job) | {"endtime": job.endtime, "status": job.exitstatus}


def _job(call: Call) -> Job | None:
    """The task that is meant; raises for what is no UPID and for what the caller may not see."""
    upid = str(call.params["upid"])
    found = UPID.match(upid)
    if found is None:
        raise bad_parameter(upid="unable to parse worker upid")
    job = call.site.jobs.find(upid)
    own = found["user"] == call.who.authid
    if not own and not call.rights.has(f"/nodes/{call.node}", "Sys.Audit"):
        raise forbidden(f"/nodes/{call.node}", ("Sys.Audit",))
    return job if job is not None and job.node == call.node else None


@CALLS.on("GET", "/nodes/{node}/tasks/{upid}")
async def task_index(call: Call) -> Any:
    return [{"name": "log"}, {"name": "status"}]


@CALLS.on("GET", "/nodes/{node}/tasks/{upid}/status", protected=True)
async def task_status(call: Call) -> Any:
    job = _job(call)
    if job is None:
        raise bad_parameter(upid="no such task")
    if job.running:
        return row(job) | {"status": "running"}
    return row(job) | {"status": "stopped", "exitstatus": job.exitstatus}


@CALLS.on("GET", "/nodes/{node}/tasks/{upid}/log", {"start": COUNT, "limit": COUNT, "download": BOOL}, protected=True)
async def task_log(call: Call) -> Any:
    job = _job(call)
    if job is None:
        call.envelope["total"] = 1
        line = {"n": 1, "t": "unable to open file - No such file or directory"}
        return [line] if call.site.settings.major >= 9 else line
    start, limit = call.params.get("start", 0), call.params.get("limit", 50)
    call.envelope["total"] = len(job.log)
    lines = list(enumerate(job.log, 1))[start:]
    return [{"n": n, "t": text} for n, text in (lines[:limit] if limit else lines)]


@CALLS.on("DELETE", "/nodes/{node}/tasks/{upid}", protected=True)
async def stop_task(call: Call) -> Any:
    job = _job(call)
    if job is not None and job.running:
        await call.site.jobs.abort(job)
    return None
