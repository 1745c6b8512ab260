"""Signing in, and who may do what."""

import hmac
import re
import uuid
from typing import Any

from devcluster.http import auth
from devcluster.http.calls import CALLS, Call
from devcluster.refusals import Refusal, bad_parameter, failed
from devcluster.report import Row
from devcluster.schema import BOOL, COUNT, STRING, Rule
from devcluster.state import AclEntry, Identity, Token, User

# What a web page may want to know at sign-in: for each part its path and the privileges it cares about.
CAPABILITIES = {
    "access": ("/access", r"User\.Modify|Group\.Allocate|Permissions\.Modify"),
    "dc": ("/", r"Sys\.Audit|Sys\.Modify|SDN\..*"),
    "mapping": ("/mapping", r"Mapping\..*|Permissions\.Modify"),
    "nodes": ("/nodes", r"Sys\..*|Permissions\.Modify"),
    "sdn": ("/sdn", r"SDN\..*|Permissions\.Modify"),
    "storage": ("/storage", r"Datastore\..*|Permissions\.Modify"),
    "vms": ("/vms", r"VM\..*|Permissions\.Modify"),
}
ACL_PATH = re.compile(r"/|/(?:access|nodes|pool|sdn|storage|vms|mapping)(?:/[\w.@-]+)*")
TICKET = {
    "username": STRING.required(),
    "password": STRING.required(),
    "realm": STRING,
    "otp": STRING,
    "path": STRING,
    "privs": STRING,
    "new-format": BOOL,
    "tfa-challenge": STRING,
}


@CALLS.on("GET", "/access/domains", open_to_all=True)
async def domains(call: Call) -> Any:
    return [
        {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
        {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
    ]


@CALLS.on("POST", "/access/ticket", TICKET, protected=True, open_to_all=True)
async def ticket(call: Call) -> Any:
    """A ticket for a password, or for a ticket that is still valid."""
    site, userid, password = call.site, str(call.params["username"]), str(call.params["password"])
    user = site.cluster.users.get(userid)
    if user is None or not user.enable or not _password_fits(call, user, password):
        raise Refusal(401, "authentication failure")
    rights = site.access.rights(Identity(userid))
    caps = {
        part: {name: 1 for name in rights.on(path) if re.fullmatch(pattern, name)}
        for part, (path, pattern) in CAPABILITIES.items()
    }
    return {
        "username": userid,
        "ticket": auth.make_ticket(site, userid),
        "CSRFPreventionToken": auth.make_csrf(site, userid),
        "cap": caps,
    }


def _password_fits(call: Call, user: User, password: str) -> bool:
    if password.startswith("PVE:"):
        try:
            return auth.identify_ticket(call.site, password).userid == user.userid
        except Refusal:
            return False
    return user.password is not None and hmac.compare_digest(password.encode(), user.password.encode())


@CALLS.on("GET", "/access/permissions", {"path": STRING, "userid": STRING})
async def permissions(call: Call) -> Any:
    """Value 0 still means held: the number is the propagate flag."""
    path = call.params.get("path")
    if path is not None:
        return {path: call.rights.on(path)}
    return call.site.access.tree(call.who)


@CALLS.on("GET", "/access/roles")
async def roles(call: Call) -> Any:
    return [
        {"roleid": name, "privs": ",".join(sorted(held)), "special": int(name.startswith(("PVE", "Admin", "NoAcc")))}
        for name, held in call.site.cluster.roles.items()
    ]


ROLE = {"roleid": STRING.required(), "privs": STRING}


@CALLS.on("POST", "/access/roles", ROLE, needs=("/access", ("Sys.Modify",)), protected=True)
async def add_role(call: Call) -> Any:
    name = call.params["roleid"]
    names = [one for one in re.split(r"[,;\s]+", call.params.get("privs", "")) if one]
    unknown = next((one for one in names if not call.site.access.known(one)), None)
    if unknown is not None:
        raise bad_parameter(privs=f"invalid format - invalid privilege '{unknown}'\n")
    if name in call.site.cluster.roles:
        raise failed(f"create role failed: role '{name}' already exists")
    call.site.cluster.roles[name] = frozenset(names)
    return None


@CALLS.on("GET", "/access/acl")
async def acl(call: Call) -> Any:
    visible = [one for one in call.site.cluster.acl if call.rights.any(one.path, ("Permissions.Modify", "Sys.Audit"))]
    return [
        {"path": one.path, "ugid": one.ugid, "roleid": one.roleid, "propagate": int(one.propagate)}
        | {"type": "token" if "!" in one.ugid else "user"}
        for one in visible
    ]


ACL = {
    "path": STRING.required(),
    "roles": STRING.required(),
    "users": STRING,
    "tokens": STRING,
    "groups": STRING,
    "propagate": BOOL,
    "delete": BOOL,
}


@CALLS.on("PUT", "/access/acl", ACL, protected=True)
async def set_acl(call: Call) -> Any:
    site, path = call.site, call.params["path"]
    if not ACL_PATH.fullmatch(path):
        raise bad_parameter(path=f"invalid ACL path '{path}'")
    ugids = re.split(r"[,;\s]+", f"{call.params.get('users', '')} {call.params.get('tokens', '')}".strip())
    for roleid in re.split(r"[,;\s]+", call.params["roles"]):
        if roleid not in site.cluster.roles:
            raise failed(f"ACL update failed: role '{roleid}' does not exist")
        if not _may_give(call, path, roleid):
            detail = f"Cannot add role '{roleid}' - requires 'Permissions.Modify' or superset of privileges."
            raise failed(f"ACL update failed: 400 Parameter verification failed.\nrole: {detail}")
        for ugid in ugids:
            _change_acl(call, path, ugid, roleid)
    return None


def _may_give(call: Call, path: str, roleid: str) -> bool:
    held = call.rights.on(path)
    return "Permissions.Modify" in held or call.site.cluster.roles[roleid] <= set(held)


def _change_acl(call: Call, path: str, ugid: str, roleid: str) -> None:
    cluster = call.site.cluster
    userid, _, tokenid = ugid.partition("!")
    user = cluster.users.get(userid)
    if user is None:
        raise failed(f"ACL update failed: user '{userid}' does not exist")
    if tokenid and tokenid not in user.tokens:
        raise failed(f"ACL update failed: no such token '{tokenid}' for user '{userid}'")
    cluster.acl = [one for one in cluster.acl if (one.path, one.ugid, one.roleid) != (path, ugid, roleid)]
    if not call.params.get("delete"):
        cluster.acl.append(AclEntry(path, ugid, roleid, bool(call.params.get("propagate", 1))))


@CALLS.on("GET", "/access/groups")
async def groups(call: Call) -> Any:
    return []


@CALLS.on("GET", "/access/users", {"full": BOOL, "enabled": BOOL})
async def users(call: Call) -> Any:
    """All for who may see users; else the caller's own entry, and nothing for a token."""
    everybody = call.site.cluster.users.values()
    if not call.rights.any("/access/groups", ("User.Modify", "Sys.Audit")):
        everybody_seen = [one for one in everybody if one.userid == call.who.userid and not call.who.tokenid]
    else:
        everybody_seen = list(everybody)
    rows = []
    for user in everybody_seen:
        row: Row = {"userid": user.userid, "enable": int(user.enable), "expire": 0}
        row |= {"realm-type": "pam" if user.userid.endswith("@pam") else "pve"}
        row |= {key: value for key, value in (("comment", user.comment), ("email", user.email)) if value}
        if call.params.get("full"):
            row |= {"groups": "", "tokens": [_token_row(one) for one in user.tokens.values()] or None}
        rows.append(row)
    return rows


def _token_row(token: Token) -> Row:
    row: Row = {"tokenid": token.tokenid, "privsep": int(token.privsep), "expire": token.expire}
    return row | ({"comment": token.comment} if token.comment else {})


USER = {
    "userid": STRING.required(),
    "password": Rule(min_length=8),
    "comment": STRING,
    "email": STRING,
    "enable": BOOL,
    "expire": COUNT,
}


@CALLS.on("POST", "/access/users", USER, protected=True)
async def add_user(call: Call) -> Any:
    userid = call.params["userid"]
    if not re.fullmatch(r"[^\s:/@]+@[A-Za-z][\w.-]+", userid):
        raise failed(f"value '{userid}' does not look like a valid user name")
    call.need(f"/access/realm/{userid.partition('@')[2]}", "Realm.AllocateUser")
    call.need("/access/groups", "User.Modify")
    if userid in call.site.cluster.users:
        raise failed(f"create user failed: user '{userid}' already exists")
    asked = call.params
    call.site.cluster.users[userid] = User(
        userid, asked.get("password"), bool(asked.get("enable", 1)), asked.get("comment"), asked.get("email")
    )
    return None


def _user(call: Call) -> User:
    user = call.site.cluster.users.get(str(call.params["userid"]))
    if user is None:
        raise failed(f"no such user ('{call.params['userid']}')")
    return user


@CALLS.on("GET", "/access/users/{userid}", needs=("/access/groups", ("User.Modify", "Sys.Audit")))
async def user_details(call: Call) -> Any:
    user = _user(call)
    row: Row = {"enable": int(user.enable), "expire": 0, "groups": []}
    row |= {key: value for key, value in (("comment", user.comment), ("email", user.email)) if value}
    return row | {"tokens": {one.tokenid: _token_row(one) for one in user.tokens.values()} or None}


@CALLS.on("GET", "/access/users/{userid}/token", needs=("/access/groups", ("User.Modify", "Sys.Audit")))
async def tokens(call: Call) -> Any:
    return [_token_row(token) for token in _user(call).tokens.values()]


TOKEN = {"privsep": BOOL, "comment": STRING, "expire": COUNT}
TOKEN_PATH = "/access/users/{userid}/token/{tokenid}"
MODIFY = ("/access/groups", ("User.Modify",))


@CALLS.on("POST", TOKEN_PATH, TOKEN, needs=MODIFY, protected=True)
async def add_token(call: Call) -> Any:
    """The secret is shown this once."""
    user, tokenid = _user(call), str(call.params["tokenid"])
    if tokenid in user.tokens:
        raise bad_parameter(tokenid="Token already exists.")
    token = Token(tokenid, str(uuid.uuid4()), bool(call.params.get("privsep", 1)), call.params.get("comment"))
    user.tokens[tokenid] = token
    info = {"privsep": str(int(token.privsep))} | ({"comment": token.comment} if token.comment else {})
    return {"full-tokenid": f"{user.userid}!{tokenid}", "value": token.value, "info": info}


@CALLS.on("DELETE", TOKEN_PATH, needs=MODIFY, protected=True)
async def delete_token(call: Call) -> Any:
    user, tokenid = _user(call), str(call.params["tokenid"])
    if tokenid not in user.tokens:
        raise failed(f"no such token '{tokenid}' for user '{user.userid}'")
    del user.tokens[tokenid]
    return None
