import hashlib
import secrets
import signal
import socket
from pathlib import Path
from urllib.parse import quote

import msgspec

from controlplane.embedded.os_user import give, open_reading, open_search
from controlplane.embedded.paths import valkey_program
from controlplane.embedded.processes import Command
from controlplane.embedded.server import EmbeddedServer
from foundation.valkey_users import RULES, acl_line, user_name

ADMINISTRATOR = "administrator"


def make_passwords(path: Path) -> None:
    """Create a password per component, in force from the next start; anonymous access is off then.

    Existing passwords are kept: an older version had fewer components.
    """
    kept = read_passwords(path)
    made = {component: kept.get(component) or secrets.token_hex(32) for component in (ADMINISTRATOR, *RULES)}
    if made != kept:
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(msgspec.json.encode(made))
        part.replace(path)


def read_passwords(path: Path) -> dict[str, str]:
    """Passwords by component; empty before `make_passwords`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}


def _rule(component: str, password: str) -> str:
    if component == ADMINISTRATOR:
        return f"user default reset on #{hashlib.sha256(password.encode()).hexdigest()} ~* &* +@all"
    return acl_line(component, password)


class Valkey(EmbeddedServer):
    name = "Valkey"
    program = "valkey-server"
    stop_signal = signal.SIGTERM

    @property
    def data(self) -> Path:
        return self.paths.valkey_data

    @property
    def log(self) -> Path:
        return self.paths.valkey_log

    def url(self, *, db: int = 0, component: str = ADMINISTRATOR) -> str:
        """URL of the administrator, or of a component's own user. Without users, every client is the administrator."""
        password = read_passwords(self.paths.valkey_passwords).get(component)
        user = "default" if component == ADMINISTRATOR else user_name(component)
        who = f"{user}:{password}@" if password else ""
        return f"unix://{who}{quote(str(self.paths.valkey_socket))}?db={db}"

    def answers(self) -> bool:
        password = read_passwords(self.paths.valkey_passwords).get(ADMINISTRATOR)
        signing_in, signed_in = (f"AUTH {password}\r\n".encode(), b"+OK\r\n") if password else (b"", b"")
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.paths.valkey_socket))
                connection.sendall(signing_in + b"PING\r\n")
                wanted, got = signed_in + b"+PONG\r\n", b""  # the response is -LOADING while data is loaded
                while len(got) < len(wanted) and wanted.startswith(got):
                    part = connection.recv(len(wanted) - len(got))
                    if not part:
                        break
                    got += part
                return got == wanted
        except OSError:
            return False

    def responds(self) -> bool:
        return bool(self._request(self.paths.valkey_socket, b"PING\r\n"))

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.paths.valkey_socket.unlink(missing_ok=True)
        if self._user is not None:
            open_reading(valkey_program().parent)
            open_search(valkey_program())
            open_search(self.data)
        give(self.data, self._user)

    def _command(self) -> Command:
        options = {
            "port": "0",
            "unixsocket": str(self.paths.valkey_socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # it stores messages; a silent eviction is worse than an error
            "daemonize": "no",
        }
        argv = [str(valkey_program())]
        for name, value in options.items():
            argv += [f"--{name}", value]
        for component, password in read_passwords(self.paths.valkey_passwords).items():
            argv += ["--user", *_rule(component, password).split()[1:]]
        return Command(argv=argv, log=self.log, death_signal=self.stop_signal, user=self._user, cwd=self.data)
