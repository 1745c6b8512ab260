"""How the API says no: a status, the reason phrase, and sometimes a body."""

from collections.abc import Iterable, Mapping

PARAMETERS = "Parameter verification failed."


class Refusal(Exception):
    """An answer that is not 200. The reason phrase is the message up to its first newline; 401 of the auth layer,
    501 of unknown methods and 59x have no body at all."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Mapping[str, str] | None = None,
        empty: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = dict(errors or {})
        self.empty = empty

    @property
    def reason(self) -> str:
        return self.message.split("\n", 1)[0]


def bad_parameter(**errors: str) -> Refusal:
    return bad_parameters({name.replace("__", "-"): text for name, text in errors.items()})


def bad_parameters(errors: Mapping[str, str]) -> Refusal:
    return Refusal(400, PARAMETERS, errors=errors)


def failed(message: str) -> Refusal:
    """What a handler dies with."""
    return Refusal(500, message)


def forbidden(path: str | None, privileges: Iterable[str] = ()) -> Refusal:
    detail = f" ({path}, {'|'.join(privileges)})" if path is not None else ""
    return Refusal(403, f"Permission check failed{detail}")


def not_implemented(method: str, path: str) -> Refusal:
    return Refusal(501, f"Method '{method} {path}' not implemented")


def unauthorised(reason: str) -> Refusal:
    return Refusal(401, reason, empty=True)


def no_config(node: str, vmid: int) -> str:
    return f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist"
