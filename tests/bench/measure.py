"""What the scripts of this room share: the line of a result, medians, what the kernel counts of a process."""

import json
import os
import pathlib
import statistics
import sys

SKIPPED = 77
TICKS = os.sysconf("SC_CLK_TCK")


def tell(text):
    """For people; the results go to stdout, one JSON object per line."""
    print(text, file=sys.stderr, flush=True)


def load():
    return pathlib.Path("/proc/loadavg").read_text().strip()


def metric(bench, name, values, unit, peer="", ratio=None):
    value = statistics.median(values)
    print(json.dumps({"bench": bench, "metric": name, "value": round(value, 4), "unit": unit, "peer": peer,
                      "ratio": None if ratio is None else round(ratio, 4), "n": len(values),
                      "min": round(min(values), 4), "max": round(max(values), 4)}), flush=True)
    return value


def memory_mib(pid):
    """(resident, proportional) of one process; shared pages count in the first as a whole."""
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key in ("Rss", "Pss"):
            found[key] = int(rest.split()[0]) / 1024
    return found["Rss"], found["Pss"]


def cpu_seconds(pid):
    """User and system time of all threads. The name in the second field may hold spaces and parentheses."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
