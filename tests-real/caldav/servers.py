"""Two CalDAV servers that nobody here wrote, each in an empty folder, and our adapter, driven by an example program of its crate."""

import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys

from support import PORT, SCRATCH, TOP, Program, expect, http

USER, PASSWORD = "ana@example.com", "app:pass wörd"
ZONE = "Europe/Berlin"
PYTHON = pathlib.Path(sys.executable)


class Server:
    """A running server, and one user's home at it."""

    def __init__(self, name, port, home):
        self.name, self.url, self.home = name, f"http://127.0.0.1:{port}", home
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {secret}"}

    def dav(self, method, path, text=None, kind="text/calendar; charset=utf-8", **headers):
        """A request of another client of the same user; gives (status, headers, text)."""
        sent = self.headers | {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        return http(method, self.url + path, plain=text, headers=sent)

    def make_calendar(self, name, components=("VEVENT",), zone=None):
        kinds = "".join(f'<C:comp name="{component}"/>' for component in components)
        stated = f"<C:calendar-timezone>{zone}</C:calendar-timezone>" if zone else ""
        body = (
            '<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>'
            f"<displayname>{name}</displayname><C:supported-calendar-component-set>{kinds}</C:supported-calendar-component-set>"
            f"{stated}</prop></set></C:mkcalendar>"
        )
        path = f"{self.home}{name}/"
        status, _, text = self.dav("MKCALENDAR", path, body, kind="application/xml")
        expect(status == 201, f"{self.name}: MKCALENDAR was answered with {status}: {text}")
        return path

    def put(self, path, text, **headers):
        status, _, answer = self.dav("PUT", path, text, **headers)
        expect(status in (200, 201, 204), f"{self.name}: PUT {path} was answered with {status}: {answer}")

    def get(self, path):
        status, _, text = self.dav("GET", path)
        return text if status == 200 else None


class Adapter:
    """The example program, at its pipes."""

    def __init__(self):
        command = ["cargo", "build", "--quiet", "--package", "calendars", "--example", "caldav"]
        subprocess.run(command, cwd=TOP, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))
        self.process = subprocess.Popen([target / "debug/examples/caldav"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, at, do, **question):
        """The whole answer: `{"ok": …}` or `{"error": …}`."""
        account = {"server": at.url, "user": USER, "password": PASSWORD, "zone": ZONE}
        self.process.stdin.write(json.dumps(account | question | {"do": do}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ok(self, at, do, **question):
        answer = self.ask(at, do, **question)
        expect("ok" in answer, f"{at.name}: {do} failed: {answer}")
        return answer["ok"]

    def fails(self, at, do, wanted, **question):
        answer = self.ask(at, do, **question)
        expect(answer.get("error", {}).get("class") == wanted, f"{at.name}: {do} should fail as {wanted}: {answer}")
        return answer["error"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(15)


def radicale(port):
    folder = SCRATCH / "radicale"
    # A calendar of hers that she may only read, made as an administrator would.
    readonly = folder / f"data/collection-root/{USER}/readonly"
    readonly.mkdir(parents=True)
    (readonly / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "readonly"}))
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    # The first section that fits decides.
    rights = [("readonly", ".+", "{user}/readonly", "r"), ("home", ".+", "{user}(/.*)?", "RWrw"), ("root", ".*", "", "R")]
    sections = (f"[{name}]\nuser: {user}\ncollection: {path}\npermissions: {may}\n" for name, user, path, may in rights)
    (folder / "rights").write_text("".join(sections))
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[rights]\ntype = from_file\nfile = {folder}/rights\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n"
    )
    return Program("--config", str(folder / "config"), ports=[port], command=(PYTHON, "-m", "radicale"), name="radicale")


def xandikos(port):
    """It asks for no password: over plain HTTP it refuses to."""
    folder = SCRATCH / "xandikos"
    folder.mkdir(parents=True)
    arguments = ["serve", "--autocreate", "--directory", str(folder / "data"), "--state-dir", str(folder / "state")]
    arguments += ["--current-user-principal", "/ana/", "--no-detect-systemd"]
    arguments += ["--listen-address", "127.0.0.1", "--port", str(port)]
    return Program(*arguments, ports=[port], command=(PYTHON.parent / "xandikos",), name="xandikos")


@contextlib.contextmanager
def both():
    """Both servers with our adapter; yields (servers, adapter)."""
    with radicale(PORT), xandikos(PORT + 1), contextlib.closing(Adapter()) as adapter:
        servers = [Server("radicale", PORT, "/ana%40example.com/"), Server("xandikos", PORT + 1, "/ana/calendars/")]
        yield servers, adapter
