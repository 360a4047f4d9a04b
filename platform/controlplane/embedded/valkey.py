import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from controlplane.embedded.os_user import give, open_reading, open_search
from controlplane.embedded.paths import valkey_program
from controlplane.embedded.processes import Command
from controlplane.embedded.server import EmbeddedServer


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

    def url(self, *, db: int = 0) -> str:
        return f"unix://{quote(str(self.paths.valkey_socket))}?db={db}"

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.paths.valkey_socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"  # while it loads its data it says -LOADING
        except OSError:
            return False

    def responds(self) -> bool:
        return bool(self._ask(self.paths.valkey_socket, b"PING\r\n"))

    def lose_data(self) -> None:
        """Kill it and remove what it had stored, as the loss of its machine would."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

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
            "maxmemory-policy": "noeviction",  # it carries messages; losing one silently is worse than an error
            "daemonize": "no",
        }
        argv = [str(valkey_program())]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return Command(argv=argv, log=self.log, death_signal=self.stop_signal, user=self._user, cwd=self.data)
