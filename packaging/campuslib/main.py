"""The commands of `campus`."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time

import build
import control
import hosts
import oracle
import postgres
import proc
import state
import status
import up
from state import CampusError

OK, FAILED, USAGE, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 130


def _count(low, high):
    def parse(text):
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{low} to {high}")
        return number
    return parse


def _mtus(text):
    numbers = [int(part) for part in text.split(",")]
    if not all(1280 <= n <= 9000 for n in numbers):
        raise argparse.ArgumentTypeError("1280 to 9000, one for all sites or one per site, with commas")
    return numbers


def _setting(text):
    """SECTION.KEY=VALUE; a number or true/false is one, everything else is text."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z]+\.[a-z_]+", name):
        raise argparse.ArgumentTypeError(f"{text!r}: SECTION.KEY=VALUE is wanted")
    try:
        found = json.loads(value)
        return name, found if isinstance(found, (bool, int, float)) else value
    except ValueError:
        return name, value


def _variable(text):
    """NAME=VALUE of a program's environment."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=VALUE is wanted")
    return name, value


# What `kill` may send beside an end: a part that hangs, and one that goes on.
_SIGNALS = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT}


def parser():
    common = argparse.ArgumentParser(add_help=False)
    # SUPPRESS: given before the command or after it, the one that was given counts.
    common.add_argument("--name", default=argparse.SUPPRESS, help="which campus, default dure (names its namespaces)")
    common.add_argument("--state", metavar="DIR", default=argparse.SUPPRESS, help="default: /var/lib/dure-campus[-NAME]")
    top = argparse.ArgumentParser(prog="campus", parents=[common], description="A whole Dure campus on one machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text, **kwargs):
        return commands.add_parser(name, help=text, description=text, parents=[common], **kwargs)

    p = command("up", "bring the campus up, or back up")
    p.add_argument("--hosts", type=_count(1, 60))
    p.add_argument("--sites", type=_count(1, 8))
    p.add_argument("--underlay-mtu", type=_mtus, metavar="MTU[,MTU...]", help="default 1500,1450: site by site")
    p.add_argument("--demo", action=argparse.BooleanOptionalAction, default=True, help="make the demo cluster")
    p.add_argument("--build-dir", metavar="DIR", help="default STATE/build")
    p.add_argument("--no-install", dest="install", action="store_false", help="install no Debian packages")
    p.add_argument("--no-build", dest="build", action="store_false", help="take the programs from the build directory as they are")
    p.add_argument("--image", metavar="FILE", help="a node-image.json; default: build one")
    p.add_argument("--kubernetes-dir", metavar="DIR", help="Kubernetes for the nodes: DIR/bin/{kubeadm,kubelet,kubectl} and "
                   "DIR/images/*.tar; default: from upstream where that can be reached")
    p.add_argument("--kubernetes", action=argparse.BooleanOptionalAction, default=None,
                   help="nodes with Kubernetes (the default) or plain ones")
    p.add_argument("--vm-memory-mib", type=_count(256, 1 << 20), metavar="N", help="memory for VMs per host")
    p.add_argument("--set", dest="settings", type=_setting, action="append", default=[], metavar="SECTION.KEY=VALUE",
                   help="a setting of the control node, such as nodes.deadline_s=600; stays until it is set again")
    p.add_argument("--until", choices=up.PHASES, help="stop after this phase")

    p = command("down", "remove every process, namespace, mount and file of the campus")
    p.add_argument("--keep-cache", action="store_true", help="keep STATE/build and STATE/image for the next `up`")

    p = command("status", "what runs")
    p.add_argument("-o", dest="output", choices=["table", "json"], default="table")
    command("env", "what to export for dure, psql and virsh")

    p = command("ssh", "log in to a node through its host")
    p.add_argument("-l", dest="user", default="dure", help="user in the node, default dure")
    p.add_argument("node")
    p.add_argument("argv", nargs=argparse.REMAINDER, metavar="[-- CMD...]")

    p = command("exec", "run a command inside a host, default a shell")
    p.add_argument("host")
    p.add_argument("argv", nargs=argparse.REMAINDER, metavar="[-- CMD...]")

    for name, text in (("kill", "SIGKILL a part, as a fault (host: pull its plug; node: its QEMU)"), ("start", "start a part again")):
        p = command(name, text)
        p.add_argument("part", choices=["controlnode", "postgres", "agent", "libvirtd", "host", *(["node"] if name == "kill" else [])])
        p.add_argument("which", nargs="?", metavar="HOST|NODE" if name == "kill" else "HOST")
        if name == "kill":
            p.add_argument("--signal", choices=_SIGNALS, default="KILL", help="STOP: it hangs and does not end; CONT: it goes on")
        else:
            p.add_argument("--env", type=_variable, action="append", default=[], metavar="NAME=VALUE",
                           help="for the control node, until it is started again")

    p = command("check", "what is really there, read from outside; exit 1 when it is not as it should be")
    p.add_argument("cluster", nargs="?")
    p.add_argument("--empty", action="store_true", help="nothing of any cluster may be left; names each left-over")
    p.add_argument("--within", type=_count(0, 3600), default=5, metavar="SECONDS",
                   help="time for the campus to become right by itself, default 5")
    p.add_argument("-o", dest="output", choices=["text", "json"], default="text")
    return top


def _campus(args):
    campus = state.load(args.name, args.state)
    if campus is None:
        known = ", ".join(state.campuses()) or "none"
        print(f"campus: there is no campus {args.name!r} (known: {known}); `campus up` makes it", file=sys.stderr)
        sys.exit(NOT_FOUND)
    return campus


def _after_dashes(argv):
    return argv[1:] if argv[:1] == ["--"] else argv


def do_status(args):
    campus = _campus(args)
    answer = status.collect(campus)
    if args.output == "json":
        status.show_json(answer)
    else:
        status.show(campus, answer)
    return OK if answer["ok"] else FAILED


def do_env(args):
    print("\n".join(status.export_lines(_campus(args))))
    return OK


def do_exec(args):
    campus = _campus(args)
    argv = _after_dashes(args.argv) or [os.environ.get("SHELL", "/bin/bash")]
    hosts.enter(campus, args.host, argv, {"DURE_CAMPUS_HOST": args.host})


def _node(campus, name):
    found = [n for n in control.nodes(campus) if name in (n["name"], n.get("id"))]
    if not found:
        print(f"campus: no node {name!r}; `dure node list` shows them", file=sys.stderr)
        sys.exit(NOT_FOUND)
    return found[0]


def do_ssh(args):
    campus = _campus(args)
    node = _node(campus, args.node)
    if not node.get("host") or not node.get("address"):
        raise CampusError(f"node {args.node} is {node.get('state')} and has no host or address yet")
    address = re.sub(r"/\d+$", "", node["address"])
    options = ["-i", campus.demo_key, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
               "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60"]
    argv = _after_dashes(args.argv)
    hosts.enter(campus, node["host"], ["ssh", *options, f"{args.user}@{address}", *(["--", *argv] if argv else [])])


def _part(campus, args):
    """(component name, how to start it) of a `kill` or `start`."""
    if args.part in ("agent", "libvirtd", "host"):
        if not args.which:
            raise CampusError(f"which host? campus {args.command} {args.part} {'|'.join(campus.host_names)}")
        campus.host_index(args.which)
    host = args.which

    def start_libvirtd():
        hosts.wait_libvirtd(campus, host, hosts.start_libvirtd(campus, host))

    return {
        "controlnode": (control.COMPONENT, lambda: control.start(campus, dict(getattr(args, "env", [])))),
        "postgres": (postgres.COMPONENT, lambda: postgres.start(campus)),
        "agent": (hosts.agent_component(host), lambda: hosts.start_agent(campus, host, build.programs(campus)["dure-hostagent"])),
        "libvirtd": (hosts.libvirtd_component(host), start_libvirtd),
        "host": (hosts.holder_component(host), lambda: hosts.start_host(campus, host)),
    }[args.part]


def _qemu(campus, name):
    """(what it is called, its process) of a node's QEMU."""
    if not name:
        raise CampusError("which node? `dure node list` shows them")
    node = _node(campus, name)
    what = f"QEMU of {node['name']}"
    for found in oracle.qemu_processes(campus, node["host"]) if node.get("host") else []:
        if found["uuid"] == node["id"]:
            return what, proc.Process(what, {"pid": found["pid"], "start": proc.start_time(found["pid"]), "argv": []}, "")
    return what, None


def do_kill(args):
    # No lock: a fault may strike while `up` is at work.
    campus = _campus(args)
    if args.part == "node":
        component, process = _qemu(campus, args.which)
    else:
        component, _ = _part(campus, args)
        process = proc.find(campus, component)
    if process is None:
        raise CampusError(f"{component} does not run")
    if args.signal != "KILL":
        if not process.signal(_SIGNALS[args.signal]):
            raise CampusError(f"{component} (pid {process.pid}) has ended meanwhile")
        print(f"SIG{args.signal} to {component}, pid {process.pid}")
        return OK
    if not process.end((signal.SIGKILL, 30)):
        raise CampusError(f"{component} (pid {process.pid}) does not die")
    print(f"killed {component}, pid {process.pid}")
    return OK


def do_start(args):
    if args.env and args.part != "controlnode":
        raise CampusError("--env is for the control node only")
    with state.locked(args.name):
        campus = _campus(args)
        component, start = _part(campus, args)
        already = proc.find(campus, component) is not None
        start()
        print(f"{'runs already:' if already else 'started'} {component}, pid {proc.find(campus, component).pid}")
    return OK


def do_check(args):
    campus = _campus(args)
    if bool(args.cluster) == args.empty:
        print("campus: check CLUSTER, or check --empty", file=sys.stderr)
        return USAGE
    deadline = time.monotonic() + args.within
    while True:
        seen = oracle.observe(campus)
        if args.empty:
            faults = oracle.left_over(seen)
        else:
            nodes, faults = oracle.check_cluster(seen, args.cluster)
        if not faults or time.monotonic() > deadline:
            break
        time.sleep(0.3)  # the kernel's and the database's state: there is nothing to wait on
    if args.cluster:
        seen = {**oracle.only_cluster(seen, nodes), "nodes": nodes}
    if args.output == "json":
        print(json.dumps({**seen, "faults": faults}, indent=2))
    else:
        _show_check(seen)
    for fault in faults:
        print(f"campus: {fault}", file=sys.stderr)
    return FAILED if faults else OK


def _show_check(seen):
    for host, entry in seen["hosts"].items():
        if entry.get("off"):
            print(f"{host}: off")
            continue
        print(f"{host}: {len(entry['domains'])} domains, {len(entry['qemu_processes'])} QEMU, {len(entry['taps'])} taps, "
              f"{len(entry['bridges'])} bridges, {len(entry['vxlans'])} VXLAN devices, {len(entry['fdb'])} forwarding entries, "
              f"{len(entry['neighbours'])} neighbours, {sum(1 for f in entry['files'] if f['object'])} files of VMs, "
              f"{len(entry['obligations'])} obligations")
    for table, rows in seen["database"].items():
        print(f"database: {len(rows)} {table}")


def _interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    if sys.argv[1:] == ["help"]:
        sys.argv[1:] = ["--help"]
    args = parser().parse_args()
    args.name = state.check_name(getattr(args, "name", state.DEFAULT_NAME))
    args.state = os.path.abspath(args.state) if getattr(args, "state", None) else None
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    commands = {"up": up.up, "down": up.down, "status": do_status, "env": do_env, "ssh": do_ssh, "exec": do_exec,
                "kill": do_kill, "start": do_start, "check": do_check}
    return commands[args.command](args) or OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CampusError as failure:
        print(f"campus: {failure}", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("campus: interrupted. `campus up` goes on from here; `campus down` removes everything", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except FileNotFoundError as failure:
        print(f"campus: {failure.filename}: not found. If it is a program, `campus up` without --no-install installs it",
              file=sys.stderr)
        sys.exit(FAILED)
    except subprocess.TimeoutExpired as failure:
        print(f"campus: `{' '.join(failure.cmd[:6])}` did not answer within {failure.timeout:.0f} s", file=sys.stderr)
        sys.exit(FAILED)
    except BrokenPipeError:
        sys.exit(FAILED)
