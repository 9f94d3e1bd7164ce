"""What runs: one row per component, then what the control node says."""

import json
import os
import subprocess

import build
import control
import hosts
import network
import postgres
import proc
from progress import duration
from state import CampusError


def _component(campus, component, host, check):
    process = proc.find(campus, component)
    row = {"component": component.partition("-")[0], "host": host, "pid": None, "uptime_seconds": None, "ok": False,
           "detail": "not running"}
    if process:
        row.update(pid=process.pid, uptime_seconds=round(process.uptime_seconds(), 1))
        try:
            row["ok"] = check()
            row["detail"] = "" if row["ok"] else "runs but does not answer"
        except CampusError as error:
            row["detail"] = str(error).splitlines()[0]
    return row


def _libvirt_answers(campus, host):
    try:
        return subprocess.run(hosts.virsh_argv(campus, host, "uri"), capture_output=True, check=False,
                              timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def collect(campus):
    rows = [
        _component(campus, postgres.COMPONENT, None, lambda: postgres.ready(campus)),
        _component(campus, control.COMPONENT, None, lambda: control.ready(campus)),
    ]
    for host in campus.host_names:
        on = network.namespace_exists(campus.host_ns(host))
        rows.append(_component(campus, hosts.holder_component(host), host, lambda h=host: hosts.holder(campus, h) is not None))
        if not on:
            rows[-1]["detail"] = f"no network namespace {campus.host_ns(host)}"
        rows.append(_component(campus, hosts.libvirtd_component(host), host, lambda h=host: _libvirt_answers(campus, h)))
        rows.append(_component(campus, hosts.agent_component(host), host, lambda: True))
    answer = {
        "name": campus.name, "state_dir": campus.state_dir, "prefix": campus.prefix, "api": campus.api_url,
        "ok": all(row["ok"] for row in rows), "components": rows, "clusters": None, "nodes": None,
    }
    if rows[1]["ok"]:
        try:
            clusters = control.dure(campus, "cluster", "list")
            answer["clusters"] = clusters["items"] if isinstance(clusters, dict) else clusters or []
            answer["nodes"] = control.nodes(campus)
        except CampusError as error:
            answer["control_error"] = str(error)
    return answer


def show(campus, answer):
    print(f"campus {campus.name}: {campus.hosts} hosts at {campus.sites} sites, {campus.prefix}, {campus.state_dir}")
    print(f"{'COMPONENT':<12} {'HOST':<6} {'PID':>8} {'UPTIME':>14}  STATE")
    for row in answer["components"]:
        up = duration(row["uptime_seconds"]) if row["uptime_seconds"] is not None else "-"
        print(f"{row['component']:<12} {row['host'] or '-':<6} {row['pid'] or '-':>8} {up:>14}  "
              + ("ok" if row["ok"] else row["detail"]))
    if answer.get("control_error"):
        print(f"the control node runs, but: {answer['control_error']}")
    for cluster in answer["clusters"] or []:
        print(f"cluster {cluster.get('name')}: {cluster.get('state')}")
    for node in answer["nodes"] or []:
        print(f"  {node.get('name', '?'):<16} {node.get('role', '?'):<14} {node.get('state', '?'):<10} "
              f"{node.get('host') or '-':<6} {node.get('site') or '-':<8} {node.get('address') or '-'}")


def show_json(answer):
    print(json.dumps(answer, indent=2))


def _token_for_caller(campus):
    """The token's path; who came by sudo gets a copy that only they can read, gone with the campus."""
    uid = os.environ.get("SUDO_UID", "0")
    if not uid.isdigit() or uid == "0" or not os.path.exists(campus.token_file):
        return campus.token_file
    path = campus.run_path(f"token-{uid}")
    temporary = path + ".new"
    with open(campus.token_file, "rb") as source:
        token = source.read()
    # Made anew each time: the campus may have been made anew, too.
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as copy:
        copy.write(token)
        os.fchown(copy.fileno(), int(uid), -1)
    os.replace(temporary, path)
    return path


def export_lines(campus):
    """Lines for `eval`: what `dure`, psql and virsh need."""
    values = {**control.environment(campus), "DURE_TOKEN_FILE": _token_for_caller(campus)}
    lines = [f"export {key}={value}" for key, value in values.items()]
    lines.append(f"export DURE_CAMPUS_DB='{campus.database_url}'")
    program = build.find_program(campus, "dure")
    if program:
        lines.append(f'export PATH="{program.rpartition("/")[0]}:$PATH"')
    return lines
