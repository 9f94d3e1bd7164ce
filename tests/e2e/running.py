"""Runs cases: one after the other, or several rows of them side by side."""

import os
import threading
import time
import traceback

from campus import Failed


class SideBySide:
    """Rows of cases that do not disturb one another. Each row goes on by itself, and ends with its first failure."""

    def __init__(self, *rows):
        self.rows = rows


def _rows(entry):
    return entry.rows if isinstance(entry, SideBySide) else [[entry]]


class Tally:
    def __init__(self, wanted):
        self.wanted = wanted
        self.passed, self.failed = 0, []
        self.lock = threading.Lock()

    def wants(self, case):
        return not self.wanted or any(word in case.__name__ for word in self.wanted)

    def row(self, campus, cases):
        for case in filter(self.wants, cases):
            if not self.one(campus, case):
                return

    def one(self, campus, case):
        begin = time.monotonic()
        try:
            case(campus)
        except Exception as failure:  # of whatever kind: the other rows go on, and the campus is taken down
            with self.lock:
                self.failed.append(case.__name__)
                print(f"FAILED {case.__name__} ({time.monotonic() - begin:.0f} s): {failure}", flush=True)
                if not isinstance(failure, Failed):
                    traceback.print_exception(failure)
            return False
        with self.lock:
            self.passed += 1
            print(f"ok {case.__name__} ({time.monotonic() - begin:.0f} s)", flush=True)
        return True


def _side_by_side(tally, campus, rows):
    if len(rows) == 1:
        return tally.row(campus, rows[0])
    # Ends with us at the latest, so that Ctrl-C is no longer than the campus takes to go.
    threads = [threading.Thread(target=tally.row, args=(campus, row), daemon=True) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_cases(campus, in_order, wanted):
    tally = Tally(wanted)
    keep = os.environ.get("DURE_E2E_KEEP") == "1"
    # Single cases may go on from a campus that was kept.
    try:
        campus.claim(afresh=not wanted and not keep)
    except Failed as failure:
        print(f"FAILED: {failure}\n0 passed, 1 failed, 0 skipped")
        return 1
    try:
        for entry in in_order:
            _side_by_side(tally, campus, _rows(entry))
            if tally.failed:
                break  # the ones after build on it
    finally:
        if not keep:
            campus.campus("down", timeout=300, check=False)
    everything = sum(len(row) for entry in in_order for row in _rows(entry))
    skipped = 0 if wanted else everything - tally.passed - len(tally.failed)
    if skipped:
        print(f"skipped: {skipped} cases that build on {', '.join(tally.failed)}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {skipped} skipped")
    return 1 if tally.failed else 0
