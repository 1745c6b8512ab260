"""Which calls exist, and what a handler is given. Modules register their handlers when they are imported."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from devcluster.access import Rights
from devcluster.refusals import forbidden
from devcluster.schema import Rule
from devcluster.site import Site
from devcluster.state import Identity


@dataclass
class Call:
    """One request after authentication, permission and parameter checks. `params` holds path and body parameters
    as text, number or bool-as-int; `envelope` is put beside `data` in the answer."""

    site: Site
    who: Identity
    rights: Rights
    method: str
    path: str
    params: dict[str, Any]
    envelope: dict[str, Any] = field(default_factory=dict)

    @property
    def node(self) -> str:
        return str(self.params["node"])

    @property
    def vmid(self) -> int:
        return int(self.params["vmid"])

    def need(self, path: str, *privileges: str) -> None:
        """Any of the privileges on that path, or the 403 that names them."""
        if not self.rights.any(path, privileges):
            raise forbidden(path, privileges)


Handler = Callable[[Call], Awaitable[Any]]
# (path with {parameters}, any of these privileges)
Needs = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    handler: Handler
    rules: dict[str, Rule]
    needs: Needs | None = None
    protected: bool = False
    proxied: bool = True
    open_to_all: bool = False

    @property
    def on_node(self) -> bool:
        return self.proxied and self.template.startswith("/nodes/{node}")


class Calls:
    """The table of all calls, matched segment by segment."""

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], Route]] = []

    def on(
        self,
        method: str,
        template: str,
        rules: dict[str, Rule] | None = None,
        *,
        needs: Needs | None = None,
        protected: bool = False,
        proxied: bool = True,
        open_to_all: bool = False,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "$")
            route = Route(
                method,
                template,
                handler,
                rules or {},
                needs,
                protected,
                proxied,
                open_to_all,
            )
            self._routes.append((pattern, route))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for pattern, route in self._routes:
            if route.method == method and (found := pattern.match(path)):
                return route, found.groupdict()
        return None


CALLS = Calls()
