"""The control node's date is set weeks ahead and hours back while it works, and its database is away meanwhile."""

import os
import time
import urllib.error
import urllib.request

from campus import STATE, expect, wait_for
from fault_tools import BOOT_SECONDS, STATE_SECONDS, bound_to, brief, command, create, delete, tell, wait_host, wait_ready

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
DATE = os.path.join(STATE, "date")   # what the control node's date is off by
SETTLES_SECONDS = 240                # clock.settles_s: longer than a date stays wrong here
WRONG_SECONDS = 60
HOST, LEASED = "h5", "full"          # the cluster that the case about the full disk has left


def _set_date(offset):
    with open(DATE + ".new", "w", encoding="ascii") as f:
        f.write(offset + "\n")
    os.rename(DATE + ".new", DATE)


def control_node_with_a_date_of_its_own(campus):
    """Starts it anew under libfaketime, which reads the date's offset each second; the clocks that nobody can set stay."""
    expect(os.path.exists(LIBRARY), f"{LIBRARY} is missing (package faketime)")
    _set_date("+0")
    words = [f"LD_PRELOAD={LIBRARY}", f"FAKETIME_TIMESTAMP_FILE={DATE}", "FAKETIME_CACHE_DURATION=1", "DONT_FAKE_MONOTONIC=1",
             "NO_FAKE_STAT=1", "FAKETIME_DISABLE_SHM=1"]
    campus.campus("kill", "controlnode")
    campus.campus("start", "controlnode", *[word for each in words for word in ("--env", each)])
    campus.control_began = time.monotonic()


def _events(campus):
    return campus.json("event", "list", "--limit", "400")["items"]


def _is_told(campus, words):
    told = [e["message"] for e in _events(campus) if e["kind"] == "control.clock"]
    return True if told and words in told[-1] else f"events about the clock: {told[-3:]}"


def _answers(campus):
    try:
        with urllib.request.urlopen(f"{campus.environment_of('DURE_ADDR')}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _database_goes_and_comes(campus):
    """-> seconds until it serves again"""
    with campus.database:
        campus.campus("kill", "postgres")

        def refused():
            # Only a commit meets the database.
            done = campus.dure("host", "label", HOST, f"asked=n{time.monotonic_ns()}", check=False)
            return True if done.returncode != 0 else "a change was accepted without a database"

        try:
            wait_for("a change is refused without a database", refused, STATE_SECONDS)
        finally:
            campus.campus("start", "postgres")
        begin = time.monotonic()

        def serves():
            done = campus.dure("host", "label", HOST, "asked-", check=False)
            return True if done.returncode == 0 and _answers(campus) else done.stderr[-300:]

        wait_for("changes are accepted with the database again", serves, STATE_SECONDS)
        return time.monotonic() - begin


def _silence_is_noticed(campus):
    """-> seconds until it was, which only the control node's own ticks can tell"""
    campus.campus("kill", "agent", HOST)
    try:
        took, _ = wait_host(campus, HOST, ["silent"])
    finally:
        campus.campus("start", "agent", HOST)
    wait_host(campus, HOST, ["ready"], seconds=60)
    return took


def _untouched(campus, until):
    row = campus.json("cluster", "show", LEASED)
    expect(row["state"] in ("ready", "degraded") and row["until"] == until and not row.get("delete_at"), f"the lease ended: {row}")
    nodes = campus.nodes(LEASED)
    expect(all(n["state"] in ("ready", "unknown") for n in nodes), f"a node of {LEASED}: {'; '.join(map(brief, nodes))}")


def _with_date(campus, offset, words, name):
    until = campus.json("cluster", "show", LEASED)["until"]
    expect(until, f"{LEASED} has no lease")
    create(campus, name, bound_to(HOST))
    _set_date(offset)
    begin = time.monotonic()
    try:
        wait_for(f"the control node says that its date is {words}", lambda: _is_told(campus, words), STATE_SECONDS)
        told = time.monotonic() - begin
        silent = _silence_is_noticed(campus)
        served = _database_goes_and_comes(campus)
        silent_again = _silence_is_noticed(campus)
        wait_for("the date has been wrong for its time", lambda: time.monotonic() - begin >= WRONG_SECONDS, WRONG_SECONDS + 60)
        _untouched(campus, until)
        wrong = time.monotonic() - begin
        expect(wrong < SETTLES_SECONDS, f"the date was wrong for {wrong:.0f} s: it may have been followed")
    finally:
        _set_date("+0")
    wait_ready(campus, name, BOOT_SECONDS)
    _untouched(campus, until)
    failed = [e["message"] for e in _events(campus) if e["kind"] == "operation.failed" and name in e["message"]]
    expect(not failed, f"the creation of {name}: {failed}")
    wait_for("the date is its own again", lambda: _is_told(campus, "again"), STATE_SECONDS)
    tell(f"{offset} for {wrong:.0f} s: told after {told:.0f} s, a silent host noticed after {silent:.0f} and {silent_again:.0f} s, served "
         f"{served:.1f} s after the database was there again")
    delete(campus, name)


def a_date_weeks_ahead_ends_nothing(campus):
    """+40 days: no lease ends, no creation fails, silence is noticed; with the database away for a while as well."""
    began = getattr(campus, "control_began", time.monotonic())  # of a campus that was kept nobody knows
    wait_for("the control node has seen its date stand still",
             lambda: time.monotonic() - began > SETTLES_SECONDS + 10, SETTLES_SECONDS + 60)
    _with_date(campus, "+40d", "ahead", "ahead")


def a_date_hours_back_stops_nothing(campus):
    """-9 hours, as of a PC whose clock ran by another zone: the control node goes on as before."""
    _with_date(campus, "-9h", "back", "back")
    delete(campus, LEASED)
