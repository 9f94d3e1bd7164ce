"""What the two threads of the node program share: the newest document one way, stages and errors the other way."""

import json
import os
import re
import threading

RUN = "/run/dure"
MAX_LINE_BYTES = 4096
MAX_NODES = 64


def plain(text, most=200):
    """One line without anything that could be a key, a token or a certificate."""
    text = re.sub(r"[A-Za-z0-9+/=_-]{32,}", "...", text)
    text = re.sub(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", "...", text)
    return re.sub(r"[^A-Za-z0-9 _.,:;/()=+@-]+", " ", text).strip()[:most]


class Words:
    """What a control-plane member says of its cluster."""

    __slots__ = ("departed", "not_ready", "access")

    def __init__(self, departed=(), not_ready=None, access=None):
        """`not_ready`: None, it cannot say. `access`: of whom it has let in, None: not told."""
        self.departed, self.not_ready, self.access = departed, not_ready, access


def compose(boot_id, stages, have, words, error):
    message = {"v": 1, "boot_id": boot_id,
               "stages": [{"name": name, "at_ms": at} for name, at in sorted(stages.items(), key=lambda each: each[1])]}
    if have:
        message["have"] = have
    if error:
        message["error"] = error
    if words.access is not None:
        message["access"] = words.access
    departed = sorted(words.departed)[:MAX_NODES]
    not_ready = None if words.not_ready is None else sorted(words.not_ready)[:MAX_NODES]
    while True:
        message.pop("departed", None)
        if departed:
            message["departed"] = departed
        if not_ready is not None:
            message["not_ready"] = not_ready
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if len(line) <= MAX_LINE_BYTES or not (departed or not_ready):
            return line
        # Who has been heard of as gone makes room for the next ones; the others are told as far as they fit.
        if len(departed) >= len(not_ready or ()):
            departed = departed[:-1]
        else:
            not_ready = not_ready[:-1]


class Board:
    def __init__(self, run=RUN):
        self.run = run
        os.makedirs(run, exist_ok=True)
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
            self.boot_id = handle.read().strip()
        self.changed = threading.Condition()
        self.stages, self.errors, self.words = {}, {}, Words()
        self.document, self.revision = None, None
        self.serves = False  # it has been ready as a member of its cluster in the life of this program

    def reach(self, name):
        """A stage keeps its time while it lasts, also when this program starts again."""
        if name in self.stages:
            return
        path = f"{self.run}/{name}"
        try:
            with open(path, encoding="ascii") as handle:
                at = int(handle.read())
        except (OSError, ValueError):
            with open("/proc/uptime", encoding="ascii") as handle:
                at = int(float(handle.read().split()[0]) * 1000)
            with open(path + ".new", "w", encoding="ascii") as handle:
                handle.write(str(at))
            os.replace(path + ".new", path)
        with self.changed:
            self.stages = {**self.stages, name: at}
            self.changed.notify_all()

    def drop(self, name):
        """What is not true any more is not told any more; reached again, it has the time of that. -> whether it was there."""
        try:
            os.unlink(f"{self.run}/{name}")
            known = True
        except FileNotFoundError:
            known = name in self.stages
        with self.changed:
            self.stages = {each: at for each, at in self.stages.items() if each != name}
            self.changed.notify_all()
        return known

    def fail(self, area, text):
        """None: nothing is wrong there (any more)."""
        with self.changed:
            self.errors = {**self.errors, area: plain(text) if text else None}
            self.changed.notify_all()

    def say(self, **words):
        """Of the cluster: `departed`, `not_ready`, `access`."""
        with self.changed:
            for name, value in words.items():
                setattr(self.words, name, value)

    def take(self, revision, document):
        with self.changed:
            self.document, self.revision = document, revision
            self.changed.notify_all()

    def newest(self):
        with self.changed:
            return self.revision, self.document

    def wait(self, seconds, revision):
        """Until this time has passed or there is another document than `revision`."""
        with self.changed:
            self.changed.wait_for(lambda: self.revision != revision, seconds)

    def line(self):
        with self.changed:
            error = "; ".join(dict.fromkeys(text for text in self.errors.values() if text))[:200]
            return compose(self.boot_id, self.stages, self.revision, self.words, error)
