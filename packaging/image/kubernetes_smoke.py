"""`smoke --kubernetes`: nodes of a Kubernetes image on one network segment; this program plays host and control node.

Workers are started first and wait. Everything lives in a network namespace of this process, so nothing stays behind.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from smoke_documents import GATEWAY, Keys, access_of, document_of, seed_files

IN_NAMESPACE = "DURE_SMOKE_NETNS"


def enter_namespace():
    if os.environ.get(IN_NAMESPACE):
        return
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.execvpe("unshare", ["unshare", *user, "--net", "--", sys.executable, *sys.argv], {**os.environ, IN_NAMESPACE: "1"})


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def make_segment():
    ip("link", "set", "lo", "up")
    ip("link", "add", "segment", "type", "bridge")
    ip("addr", "add", f"{GATEWAY}/24", "dev", "segment")
    ip("link", "set", "segment", "up")


class Node:
    def __init__(self, folder, number, role):
        self.name = "smoke-cp1" if role == "init" else f"smoke-w{number - 1}"
        self.role, self.number = role, number
        self.address, self.mac, self.pods = f"10.128.0.{10 + number}", f"52:54:00:aa:00:{number:02x}", f"10.64.{number}.0/24"
        self.folder = folder / self.name
        self.folder.mkdir()
        self.process = self.link = self.document = None
        self.seen, self.error, self.pending, self.have, self.sent_at = {}, "", b"", None, 0.0
        self.departed, self.message = [], {}

    def start(self, image, key, args):
        manifest = json.loads((image / "node-image.json").read_text())
        blob = {part: image / "blobs" / manifest[part]["sha256"] for part in ("disk", "kernel", "initrd")}
        disk, iso = self.folder / "disk.qcow2", self.folder / "seed.iso"
        if not disk.exists():
            seed = self.folder / "seed"
            seed.mkdir()
            for name, text in seed_files(self, key.with_suffix(".pub").read_text().strip()).items():
                (seed / name).write_text(text)
            subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-V", "CIDATA", "-J", "-r", "-o", iso, seed], check=True,
                           capture_output=True)
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", blob["disk"], disk, "20G"],
                           check=True)
            ip("tuntap", "add", f"tap{self.number}", "mode", "tap")
            ip("link", "set", f"tap{self.number}", "master", "segment", "up")
        self.stage_path, self.console = self.folder / "stage", self.folder / "console"
        self.stage_path.unlink(missing_ok=True)
        argv = ["qemu-system-x86_64", "-name", self.name, "-machine", f"q35,accel={args.accel}", "-cpu", "max",
                "-m", str(args.memory), "-smp", str(args.cpus), "-nodefaults", "-display", "none", "-no-reboot",
                "-kernel", blob["kernel"], "-initrd", blob["initrd"], "-append", f"{manifest['cmdline']} {args.append}".strip(),
                "-drive", f"file={disk},if=none,id=root,format=qcow2,cache=unsafe", "-device", "virtio-blk-pci,drive=root",
                "-drive", f"file={iso},if=none,id=seed,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=seed",
                "-netdev", f"tap,id=net,ifname=tap{self.number},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=net,mac={self.mac},romfile=",
                "-device", "virtio-serial-pci", "-device", "virtio-rng-pci",
                "-chardev", f"socket,id=stage,path={self.stage_path},server=on,wait=off",
                "-device", "virtserialport,chardev=stage,name=dure.stage",
                "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console"]
        self.begin, self.seen, self.have, self.pending = time.monotonic(), {}, None, b""
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        while not self.stage_path.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name}: QEMU ended with {self.process.returncode}")
            time.sleep(0.05)
        self.link = socket.socket(socket.AF_UNIX)
        self.link.connect(str(self.stage_path))

    def at(self):
        return time.monotonic() - self.begin

    def read(self):
        data = self.link.recv(65536)
        if not data:
            raise RuntimeError(f"{self.name}: the channel closed")
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            if len(line) > 4096:
                raise RuntimeError(f"{self.name}: a stage line of {len(line)} bytes")
            try:
                self.take(json.loads(line))
            except ValueError:
                continue

    def take(self, message):
        self.have, self.departed, self.message = message.get("have"), message.get("departed", []), message
        for stage in message["stages"]:
            if stage["name"] not in self.seen:
                self.seen[stage["name"]] = stage["at_ms"]
                print(f"  {self.name:<10} {self.at():6.1f}s  {stage['name']:<11} ({stage['at_ms'] / 1000:.1f} s after the kernel)",
                      flush=True)
        if message.get("error", "") != self.error:
            self.error = message.get("error", "")
            print(f"  {self.name:<10} {self.at():6.1f}s  {'error: ' + self.error if self.error else 'no error any more'}",
                  flush=True)
        data, revision = self.document
        if self.have != revision and time.monotonic() - self.sent_at > 2:
            self.sent_at = time.monotonic()
            head = json.dumps({"v": 1, "revision": revision, "now_ms": int(time.time() * 1000)}, separators=(",", ":"))
            # More than the socket takes at once is normal here: the guest reads while it is sent.
            self.link.setblocking(True)
            self.link.sendall(head[:-1].encode() + b',"document":' + data + b"}\n")

    def says(self, stage):
        return any(each["name"] == stage for each in self.message["stages"])

    def ssh(self, key, script, timeout=300):
        argv = ["ssh", "-q", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                "ConnectTimeout=60", "-o", "BatchMode=yes", f"dure@{self.address}", "sudo", "sh", "-s"]
        done = subprocess.run([str(a) for a in argv], input=script, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: ssh: {done.stdout[-500:]} {done.stderr[-500:]}")
        return done.stdout

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        if self.link:
            self.link.close()


def pump(nodes, until, enough):
    """Plays the host for all nodes until `enough()`."""
    while not enough():
        if time.monotonic() > until:
            raise RuntimeError("not in time: " + ", ".join(f"{n.name} has {sorted(n.seen)} {n.error}" for n in nodes))
        running = [node for node in nodes if node.link]
        for node in running:
            if node.process.poll() is not None:
                raise RuntimeError(f"{node.name}: QEMU ended with {node.process.returncode}")
        for link in select.select([node.link for node in running], [], [], 1)[0]:
            next(node for node in running if node.link is link).read()


KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
DNS_RUNS = f"{KUBECTL} -n kube-system wait --for=condition=Available deployment/coredns --timeout=600s >/dev/null"
SHOW = f"{KUBECTL} get nodes -o wide; {KUBECTL} get pods -A -o wide; free -m | head -2; nft list table ip dure; ip route"
LEFT = ("ls /etc/dure/kubeadm.json /etc/dure/discovery.conf /etc/kubernetes/bootstrap-kubelet.conf 2>/dev/null; "
        "systemctl --failed --plain --no-legend")
TOKENS = f"{KUBECTL} -n kube-system get secrets --field-selector type=bootstrap.kubernetes.io/token -o name"


def crash(node, args, key):
    """A power cut."""
    print(f"  {node.name:<10} {node.at():6.1f}s  killed, and started again", flush=True)
    node.end()
    node.start(args.image, key, args)


def crash_all(nodes, key, args):
    """The control plane in the middle of its init, each worker in the middle of its join."""
    until = time.monotonic() + args.timeout
    pump(nodes, until, lambda: "containerd" in nodes[0].seen)
    middle = time.monotonic() + args.crash
    pump(nodes, until, lambda: time.monotonic() > middle)
    if "init" in nodes[0].seen:
        print("  the control plane was through before it could be killed", flush=True)
    crash(nodes[0], args, key)
    pump(nodes, until, lambda: "init" in nodes[0].seen)
    middle = time.monotonic() + 8
    pump(nodes, until, lambda: time.monotonic() > middle)
    for node in nodes[1:]:
        crash(node, args, key)


def what_is_true_now(nodes, key, patience):
    """The last node's kubelet, its runtime and its network fail, and come back: it says so, and so does its cluster."""
    node, judge = nodes[-1], nodes[0]

    def told(what, enough, seconds):
        begin = time.monotonic()
        pump(nodes, begin + seconds, enough)
        print(f"  {node.name:<10} {what}: told after {time.monotonic() - begin:.1f}s", flush=True)

    pump(nodes, time.monotonic() + 120, lambda: judge.message.get("not_ready") == [])
    for unit, stages in (("kubelet", ["ready"]), ("containerd", ["containerd", "ready"])):
        node.ssh(key, f"systemctl stop {unit}")
        told(f"{unit} is stopped", lambda stages=stages: not any(map(node.says, stages)), 40)
        if unit == "kubelet":
            told("the cluster calls it NotReady", lambda: node.name in judge.message.get("not_ready", []), 240)
        node.ssh(key, f"systemctl start {unit}")
        told(f"{unit} is started", lambda stages=stages: all(map(node.says, stages)), 60 * patience)
    told("the cluster calls it Ready", lambda: judge.message.get("not_ready") == [], 60 * patience)
    ip("link", "set", f"tap{node.number}", "down")
    told("the network is cut", lambda: not node.says("network") and "does not answer" in node.error, 40)
    ip("link", "set", f"tap{node.number}", "up")
    told("the network is back", lambda: node.says("network") and not node.error, 60)
    wanted = access_of(["dure:smoke"])
    return [] if judge.message.get("access") == wanted else [f"access is {judge.message.get('access')}, not {wanted}"]


def take_out(nodes, keys, key, version, args):
    """The last worker leaves; the documents are those of members now, without any secret."""
    leaving, begin = nodes[-1], time.monotonic()
    for node in nodes[:-1]:
        node.document = document_of(node, nodes[:-1], keys, version, args, [leaving], joined=True)
    pump(nodes, begin + 600, lambda: nodes[0].departed == [leaving.name])
    print(f"{leaving.name} is taken out after {time.monotonic() - begin:.1f}s", flush=True)
    left = nodes[0].ssh(key, f"{KUBECTL} get nodes,csr -o wide | grep -w {leaving.name} || true; ip route show proto 88")
    return [f"{leaving.name} left behind: {left.strip()}"] if leaving.name in left or leaving.pods in left else []


def check(args, folder):
    image = args.image
    version = json.loads((image / "node-image.json").read_text()).get("kubernetes")
    if not version:
        return [f"{image} holds no Kubernetes; make it with build --kubernetes or --kubernetes-dir"]
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    make_segment()
    keys = Keys(folder / "keys")
    nodes = [Node(folder, 1, "init")] + [Node(folder, number + 2, "worker") for number in range(args.workers)]
    for node in nodes:
        node.document = document_of(node, nodes, keys, version, args)
    print(f"Kubernetes {version}, {args.workers} workers, {args.cpus} vCPU, {args.memory} MiB each, {args.accel}", flush=True)
    faults, begin = [], time.monotonic()
    try:
        for node in nodes[1:]:
            node.start(image, key, args)
        if args.workers and args.late:
            late = time.monotonic() + args.late
            pump(nodes, late + 60, lambda: time.monotonic() > late)
        nodes[0].start(image, key, args)
        if args.crash:
            crash_all(nodes, key, args)
        pump(nodes, time.monotonic() + args.timeout, lambda: all("ready" in node.seen for node in nodes))
        print(f"all nodes are ready after {time.monotonic() - begin:.1f}s", flush=True)
        nodes[0].ssh(key, DNS_RUNS, 660)
        print(f"cluster DNS is available after {time.monotonic() - begin:.1f}s", flush=True)
        print(nodes[0].ssh(key, SHOW), flush=True)
        faults += [f"{node.name}: left behind: {left}" for node in nodes if (left := node.ssh(key, LEFT).strip())]
        if tokens := nodes[0].ssh(key, TOKENS).strip():
            faults.append(f"the cluster has bootstrap tokens: {tokens}")
        if args.keep:
            print(f"nsenter -t {os.getpid()} -n ssh -i {key} dure@{nodes[0].address}   (until {args.keep} appears)", flush=True)
            stop = Path(args.keep)
            pump(nodes, time.monotonic() + 7200, stop.exists)
        faults += what_is_true_now(nodes, key, args.patience)
        if args.workers:
            faults += take_out(nodes, keys, key, version, args)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        faults.append(str(error)[:1000])
        for node in nodes:
            if node.process:
                print(f"--- {node.name}\n" + "\n".join(node.console.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)
                try:
                    print(node.ssh(key, "journalctl -b -u dure-stage -u kubelet -u containerd --no-pager | tail -n 80", 120))
                except (RuntimeError, OSError, subprocess.SubprocessError):
                    pass
    finally:
        for node in nodes:
            node.end()
    return faults


def run(args):
    enter_namespace()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    folder = Path(tempfile.mkdtemp(prefix="dure-smoke-"))
    try:
        return check(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
