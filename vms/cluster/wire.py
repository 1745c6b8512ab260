"""HTTPS to one Proxmox host, as an adapter below proxmoxer's session.

It keeps apart what a caller must know: Unreachable is raised while the request has not left this machine, LostAnswer
from then on. A change always gets a connection of its own: pveproxy drops an idle one after 5 s, and a request that
meets the drop could not be told from one whose answer was lost. Redirects are not followed, the environment's proxies
and CA bundles not used. An answer has to be complete within the read time-out, however slowly it drips.
"""

import http.client
import io
import json
import select
import socket
import ssl
import time
import weakref
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from vms.cluster.answers import LostAnswer
from vms.cluster.errors import CertificateRefused, Unreachable
from vms.cluster.tls import TlsTrust

IDLE_FOR_S = 3.0  # below pveproxy's 5 s
KEPT = 4


class TimedSocket:
    """A TLS socket that must be done by `deadline` (monotonic seconds). Closed by `end` alone."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self.tls, self.deadline = tls, 0.0

    def _arm(self) -> None:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.tls.settimeout(left_s)

    def sendall(self, data: bytes) -> None:
        """All of it, in time."""
        self._arm()
        self.tls.sendall(data)

    def receive(self, into: memoryview) -> int:
        """Some bytes, in time; 0 at the end."""
        self._arm()
        return self.tls.recv_into(into)

    def makefile(self, *_: object) -> io.BufferedReader:
        """What http.client reads from."""
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """http.client closes early, while an answer is still being read."""

    def end(self) -> None:
        """Close it."""
        self.tls.close()

    def has_gone_quiet(self) -> bool:
        """Whether nothing is waiting: an idle connection with something to read was closed by the other side."""
        try:
            waiting = select.poll()
            waiting.register(self.tls, select.POLLIN)
            return not waiting.poll(0)
        except (OSError, ValueError):
            return False


class _Incoming(io.RawIOBase):
    def __init__(self, source: TimedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int:
        return self._source.receive(memoryview(into))


class Wire(BaseAdapter):
    """One host. Safe for threads; not to be carried across a fork."""

    def __init__(self, trust: TlsTrust, *, most_answer_bytes: int) -> None:
        super().__init__()
        self._trust, self._most = trust, most_answer_bytes
        self._context = trust.context()
        self._idle: deque[tuple[float, TimedSocket]] = deque()
        self._end = weakref.finalize(self, _end_all, self._idle)

    def send(  # noqa: PLR0917 (the order is requests')
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send and read the whole answer. Unreachable: nothing left this machine. LostAnswer: it did.

        `timeout` is (seconds to connect, seconds until the answer is complete); the other arguments are of requests'
        interface and mean nothing here.
        """
        connect_s, answer_s = timeout
        is_read = request.method == "GET"
        link = (self._kept() if is_read else None) or self._open(request.url or "", connect_s)
        link.deadline = time.monotonic() + answer_s
        keep = False
        try:
            answer, keep = self._exchange(link, request)
            return answer
        except TimeoutError:
            raise LostAnswer(f"No answer within {answer_s:g} s.") from None
        except (OSError, http.client.HTTPException, zlib.error) as error:
            raise LostAnswer(f"The answer was cut off ({type(error).__name__}).", may_repeat=True) from None
        finally:
            self._put_away(link, keep=keep and is_read)

    def close(self) -> None:
        """Close what is idle."""
        _end_all(self._idle)

    def _kept(self) -> TimedSocket | None:
        """A connection that was used moments ago and is still open."""
        while True:
            try:
                used_at, link = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - used_at < IDLE_FOR_S and link.has_gone_quiet():
                return link
            link.end()

    def _put_away(self, link: TimedSocket, *, keep: bool) -> None:
        if keep and len(self._idle) < KEPT:
            self._idle.append((time.monotonic(), link))
        else:
            link.end()

    def _open(self, url: str, timeout_s: float) -> TimedSocket:
        """Connect, and have the host prove itself, before anything is said."""
        host, port = urlsplit(url).hostname or "", urlsplit(url).port or 8006
        plain = None
        try:
            plain = socket.create_connection((host, port), timeout=timeout_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self._context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(f"The certificate was refused: {error.verify_message}.") from None
        except TimeoutError:
            raise Unreachable(f"No connection within {timeout_s:g} s.") from None
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"No connection: {getattr(error, 'strerror', None) or type(error).__name__}.") from None
        finally:
            if plain is not None:
                plain.close()  # without effect once TLS has taken it over
        try:
            self._trust.check(tls.getpeercert(binary_form=True))
        except CertificateRefused:
            tls.close()
            raise
        return TimedSocket(tls)

    def _exchange(self, link: TimedSocket, request: PreparedRequest) -> tuple[Response, bool]:
        parts = urlsplit(request.url or "")
        talk = http.client.HTTPConnection(parts.hostname or "", parts.port)
        talk.sock = link  # it has what http.client uses of a socket
        last = {} if request.method == "GET" else {"Connection": "close"}
        talk.request(request.method or "", request.path_url, request.body, {**request.headers, **last})
        answer = talk.getresponse()
        body = self._body(answer)
        return _response(request, answer, body), not answer.will_close

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        if (answer.length or 0) > self._most:
            raise LostAnswer(f"The answer is larger than {self._most} bytes.")
        body = answer.read(self._most + 1)
        if len(body) > self._most:
            raise LostAnswer(f"The answer is larger than {self._most} bytes.")
        if answer.length:
            raise LostAnswer("The answer was cut off.", may_repeat=True)
        if answer.getheader("Content-Encoding", "").lower() != "gzip":
            return body
        unpack = zlib.decompressobj(31)
        body = unpack.decompress(body, self._most + 1)
        if len(body) > self._most or not unpack.eof:
            raise LostAnswer("The packed answer is larger than allowed or cut off.")
        return body


def _end_all(idle: "deque[tuple[float, TimedSocket]]") -> None:
    while idle:
        idle.pop()[1].end()


def _response(request: PreparedRequest, answer: http.client.HTTPResponse, body: bytes) -> Response:
    """The answer, tidied so that proxmoxer reads it without guessing; LostAnswer for what is no Proxmox answer.

    The whole message becomes the reason (Proxmox cuts that at the first newline, and http.client reads it as latin-1).
    """
    content = _json(body)
    if answer.status < 400 and (answer.status >= 300 or "data" not in content):
        what = "a redirect" if 300 <= answer.status < 400 else "something that is not Proxmox's JSON"
        raise LostAnswer(f"{answer.status} with {what}.", status=answer.status, may_repeat=answer.status < 300)
    response = Response()
    response.status_code, response.url, response.request = answer.status, request.url or "", request
    response.headers.update(answer.getheaders())
    response.encoding = "utf-8"
    message = content.get("message")
    response.reason = message.strip() if isinstance(message, str) and message.strip() else _utf8(answer.reason)
    errors = content.get("errors")
    fields = {str(k): str(v).strip() for k, v in errors.items()} if isinstance(errors, Mapping) else {}
    response.raw = io.BytesIO(body if answer.status < 400 else json.dumps({"errors": fields}).encode())
    return response


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _utf8(reason: str) -> str:
    try:
        return reason.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return reason.strip()
