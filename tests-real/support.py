"""What the Python suites share: starting a program, waiting until it listens, stopping it, counting checks.

Standard library only. A suite is a script that imports this, adds its checks with `@check`, and ends with
`sys.exit(run_checks())`.
"""

import asyncio
import inspect
import json
import os
import pathlib
import socket
import subprocess
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("SUITE_BINARY", str(TOP / "target/release/greenroom"))
PORT = int(os.environ.get("SUITE_PORT", "20990"))
SCRATCH = pathlib.Path(os.environ.get("SUITE_SCRATCH", TOP / "target/tests-real/by-hand"))

_checks = []


def check(function):
    """Registers a check. Checks run in the order in which they stand; each may build on those before it."""
    _checks.append(function)
    return function


def run_checks(context=None):
    """Runs every check, prints what fails and the count as the last line; returns the exit code."""
    failed = 0

    async def run():
        nonlocal failed
        for function in _checks:
            name = function.__name__.replace("_", " ")
            try:
                result = function() if context is None else function(context)
                if inspect.isawaitable(result):
                    await result
                print(f"ok      {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)

    asyncio.run(run())
    print(f"{len(_checks) - failed} passed, {failed} failed", flush=True)
    # A suite that found no check has checked nothing.
    return 1 if failed or not _checks else 0


class Program:
    """A running `greenroom …`, or another `command`; its output goes to a file in the suite's folder, by `name`."""

    def __init__(self, *arguments, ports, environment=None, command=(BINARY,), name=None):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        self.log = SCRATCH / f"{name or '-'.join(a for a in arguments if a.isalpha())}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=SCRATCH,
                env={**os.environ, **(environment or {})},
            )
        try:
            for port in ports:
                self._wait_for(port)
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, port, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"it ended at its start with {self.process.returncode}:\n{self.output()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nothing listens on port {port} after {seconds} s:\n{self.output()}")

    def output(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Asks it to end, as a person or systemd does; what does not end within 15 s is an error."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise RuntimeError(f"it did not end within 15 s of SIGTERM:\n{self.output()}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to whoever asked."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def http(method, url, *, form=None, body=None, plain=None, headers=None):
    """One request without following redirects; returns (status, headers, text). `body` is sent as JSON, `plain` as it is."""
    data, sent = None, dict(headers or {})
    if form is not None:
        data = urllib.parse.urlencode(form, doseq=True).encode()
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    if body is not None:
        data = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    if plain is not None:
        data = plain.encode()
    request = urllib.request.Request(url, data=data, headers=sent, method=method)
    try:
        with _opener.open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def expect(condition, otherwise):
    """Fails the check with a sentence that shows what was found instead."""
    if not condition:
        raise AssertionError(otherwise)
