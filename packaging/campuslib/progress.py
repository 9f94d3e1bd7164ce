"""Phases shown live: a spinner in place on a terminal, plain lines elsewhere; the time of each at the end."""

import os
import signal
import subprocess
import sys
import threading
import time
import unicodedata

from state import CampusError

_FRAMES = "|/-\\"
_QUIET_SECONDS = 15.0


def duration(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def _fit(text, width):
    """`text` cut to `width` columns; East-Asian wide characters take two."""
    used = 0
    for i, char in enumerate(text):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > width:
            return text[:i]
    return text


class Step:
    """One phase: say() tells what it is doing; run() runs a program and shows its last line."""

    def __init__(self, progress, title, log_path):
        self.progress = progress
        self.title = title
        self.log_path = log_path
        self.detail = ""
        self.started = time.monotonic()
        self.last_line = self.started

    def say(self, text):
        self.detail = text
        if not self.progress.tty:
            self.progress.line(f"    {self.title}: {text}")
            self.last_line = time.monotonic()

    def note(self, text):
        """Stays on the screen, on a terminal too."""
        self.progress.line(f"    {text}")

    def run(self, argv, *, check=True, env=None, cwd=None, translate=None, user=None, outlive=False):
        """Runs a program, its output to the log of the step. Ctrl-C ends the program's whole process group.

        It ends with us, however we end, and until it has, it and its children hold the campus' lock: a second run never
        meets the first one's compiler. Unless `outlive`: a package installation has to come to its end, and what it
        may start is not ours.
        """
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        with open(self.log_path, "ab") as log:
            log.write(("$ " + " ".join(argv) + "\n").encode())
            log.flush()
            as_user = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
            full = argv if outlive else ["setpriv", *as_user, "--pdeathsig", "TERM", "--", *argv]
            held = () if outlive or self.progress.lock is None else (self.progress.lock.fileno(),)
            child = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True,
                                     pass_fds=held)
            try:
                for raw in child.stdout:
                    log.write(raw)
                    log.flush()
                    self._show(raw.decode(errors="replace").rstrip(), translate)
                code = child.wait()
            except BaseException:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
                raise
        if check and code != 0:
            raise CampusError(f"`{' '.join(argv[:4])}` failed with code {code}\n{self.tail()}")
        return code

    def _show(self, text, translate):
        text = (translate(text) if translate else None) or text.rpartition("\r")[2]
        if not text.strip():
            return
        self.detail = text.strip()
        now = time.monotonic()
        if not self.progress.tty and now - self.last_line > _QUIET_SECONDS:
            self.last_line = now
            self.progress.line(f"    {self.title}: {duration(now - self.started)}: {self.detail}")

    def tail(self, lines=20):
        try:
            with open(self.log_path, "rb") as f:
                f.seek(max(0, os.path.getsize(self.log_path) - 16384))
                text = f.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return ""
        return f"  the end of {self.log_path}:\n" + "\n".join(f"  | {line}" for line in text)


class Progress:
    def __init__(self, log_dir, lock=None, stream=sys.stderr):
        self.stream = stream
        self.tty = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colour = self.tty and "NO_COLOR" not in os.environ
        self.log_dir = log_dir
        self.lock = lock
        self.times = []
        self.begun = time.monotonic()
        self._lock = threading.Lock()
        self._current = None

    def line(self, text):
        with self._lock:
            if self.tty:
                self.stream.write("\r\033[K")
            self.stream.write(text + "\n")
            self.stream.flush()

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def phase(self, key, title):
        return _Phase(self, key, title)

    def _spin(self, step, stop):
        frame = 0
        while not stop.wait(0.1):
            try:
                columns = os.get_terminal_size(self.stream.fileno()).columns
            except OSError:
                columns = 80
            frame += 1
            text = f"{_FRAMES[frame % 4]} {step.title:<34} {duration(time.monotonic() - step.started):>9}  {step.detail}"
            with self._lock:
                self.stream.write("\r\033[K" + _fit(text, columns - 1))
                self.stream.flush()

    def summary(self):
        self.line("")
        for title, seconds, outcome in self.times:
            self.line(f"  {title:<34} {duration(seconds):>12}  {outcome}")
        self.line(f"  {'in all':<34} {duration(time.monotonic() - self.begun):>12}")


class _Phase:
    def __init__(self, progress, key, title):
        self.progress = progress
        self.step = Step(progress, title, os.path.join(progress.log_dir, f"up-{key}.log"))
        self.stop = threading.Event()
        self.thread = None

    def __enter__(self):
        if self.progress.tty:
            self.thread = threading.Thread(target=self.progress._spin, args=(self.step, self.stop), daemon=True)
            self.thread.start()
        else:
            self.progress.line(f"[{time.monotonic() - self.progress.begun:7.1f} s] {self.step.title} ...")
        return self.step

    def __exit__(self, kind, value, _trace):
        self.stop.set()
        if self.thread:
            self.thread.join()
        seconds = time.monotonic() - self.step.started
        if kind is None:
            mark, outcome = self.progress._paint("32", "ok"), "ok"
        elif kind is KeyboardInterrupt:
            mark, outcome = self.progress._paint("33", "interrupted"), "interrupted"
        else:
            mark, outcome = self.progress._paint("31", "FAILED"), "FAILED"
        self.progress.times.append((self.step.title, seconds, outcome))
        elapsed = time.monotonic() - self.progress.begun
        self.progress.line(f"[{elapsed:7.1f} s] {self.step.title:<34} {duration(seconds):>12}  {mark}"
                           + (f"  {self.step.detail}" if kind is None and self.step.detail else ""))
        return False
