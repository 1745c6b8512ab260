"""QEMU's machine protocol over its unix socket: one command at a time, events to whoever asked."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ANSWER_S = 20.0
LINE_BYTES = 1 << 20

OnEvent = Callable[[str, dict[str, Any]], None]


class QmpError(Exception):
    """QEMU refused, or is gone; the text is its own."""


class Qmp:
    """Made by `Qmp.open`. Commands of several callers queue up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: OnEvent) -> None:
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, path: Path, on_event: OnEvent) -> "Qmp":
        """Raises OSError while QEMU does not listen yet."""
        reader, writer = await asyncio.open_unix_connection(str(path), limit=LINE_BYTES)
        await reader.readline()  # the greeting
        qmp = cls(reader, writer, on_event)
        await qmp.execute("qmp_capabilities")
        return qmp

    async def execute(self, command: str, **arguments: Any) -> Any:
        """The `return` of a command. Raises QmpError."""
        async with self._turn:
            message = {"execute": command, **({"arguments": arguments} if arguments else {})}
            self._writer.write(json.dumps(message).encode() + b"\n")
            try:
                answer = await asyncio.wait_for(self._answers.get(), ANSWER_S)
            except TimeoutError:
                raise QmpError(f"qmp command '{command}' failed - got timeout") from None
        if "error" in answer:
            raise QmpError(f"qmp command '{command}' failed - {answer['error'].get('desc', 'unknown error')}")
        return answer.get("return")

    async def close(self) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.close()

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "event" in message:
                    self._on_event(str(message["event"]), message.get("data", {}))
                else:
                    self._answers.put_nowait(message)
        except ConnectionError:
            pass
        self._answers.put_nowait({"error": {"desc": "QEMU is gone"}})
