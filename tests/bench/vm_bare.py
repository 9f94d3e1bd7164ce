"""The limit: `virsh create` of the very XML that the agent made, an overlay by qemu-img, one commit, one message."""

import concurrent.futures
import pathlib
import socket
import subprocess
import threading
import time
import uuid
import xml.etree.ElementTree as ElementTree

from bench_host import run

BRIDGE = "bare0"


class Commit:
    """One transaction of one row on a connection that is open already."""

    def __init__(self, url):
        self._psql = subprocess.Popen(["psql", "-q", "-X", "-A", "-t", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, bufsize=1)
        self("CREATE TABLE bare_requests (id serial PRIMARY KEY, body text)")

    def __call__(self, statement="INSERT INTO bare_requests (body) VALUES (repeat('x', 1000))"):
        self._psql.stdin.write(statement + ";\n\\echo done\n")
        self._psql.stdin.flush()
        while self._psql.stdout.readline().strip() != "done":
            if self._psql.poll() is not None:
                raise RuntimeError("psql has ended")

    def stop(self):
        self._psql.stdin.close()
        self._psql.wait(10)


class Message:
    """There and back over loopback, on a connection that is open already."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._echo, daemon=True).start()
        self._socket = socket.create_connection(self._listener.getsockname())
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _echo(self):
        peer, _ = self._listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := peer.recv(65536):
            peer.sendall(data)

    def __call__(self):
        self._socket.sendall(b"x" * 1000)
        received = 0
        while received < 1000:
            received += len(self._socket.recv(65536))

    def stop(self):
        self._socket.close()
        self._listener.close()


class Bare:
    def __init__(self, host):
        self.uri, self.base, self.folder = host.uri, host.base, host.plant.folder / "bare"
        self.folder.mkdir()
        self.commit, self.message = Commit(host.plant.database), Message()
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "link", "set", BRIDGE, "mtu", "1400", "up")
        self.template = None
        self.domains = []

    def learn(self, name):
        """Takes the XML of a domain of ours, and its seed, as the model."""
        self.template = run("virsh", "-q", "-c", self.uri, "dumpxml", "--inactive", name)
        self.size_gib = 4
        for disk in ElementTree.fromstring(self.template).iter("disk"):
            path = disk.find("source").get("file")
            if not path.endswith(".qcow2"):
                (self.folder / "seed.iso").write_bytes(pathlib.Path(path).read_bytes())

    def _prepare(self, number):
        """The XML of one more domain: everything that must differ is changed, nothing else."""
        identity = str(uuid.uuid4())
        domain = ElementTree.fromstring(self.template)
        domain.find("name").text = domain.find("uuid").text = identity
        metadata = domain.find("metadata")
        if metadata is not None:
            domain.remove(metadata)  # or the agent takes it for its own
        overlay = self.folder / f"{identity}.qcow2"
        for disk in domain.iter("disk"):
            source = disk.find("source")
            if source.get("file").endswith(".qcow2"):
                source.set("file", str(overlay))
                disk.find("backingStore/source").set("file", str(self.base))
            else:
                source.set("file", str(self.folder / "seed.iso"))
        interface = domain.find("devices/interface")
        interface.find("source").set("bridge", BRIDGE)
        interface.find("target").set("dev", f"bare{number}t")
        interface.find("mac").set("address", f"52:54:00:00:00:{number:02x}")
        domain.find("devices/channel/source").set("path", str(self.folder / f"{identity}.sock"))
        path = self.folder / f"{identity}.xml"
        path.write_bytes(ElementTree.tostring(domain))
        return identity, overlay, path

    def _create(self, prepared):
        _, overlay, path = prepared
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(self.base), "-F", "qcow2", str(overlay), f"{self.size_gib}G")
        run("virsh", "-q", "-c", self.uri, "create", str(path))

    def start(self, count, watch):
        """Seconds from the request to the last domain running."""
        prepared = [self._prepare(number) for number in range(count)]
        self.domains = [identity for identity, _, _ in prepared]
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            begun = time.time()
            self.commit()
            self.message()
            list(pool.map(self._create, prepared))
        return max(watch.started_after(begun, count).values()) - begun

    def clear(self):
        for identity in self.domains:
            run("virsh", "-q", "-c", self.uri, "destroy", identity)
        for path in self.folder.glob("*-*"):
            path.unlink()
        self.domains = []

    def stop(self):
        self.commit.stop()
        self.message.stop()
