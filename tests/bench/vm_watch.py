"""When libvirt says that a domain runs: the same witness for us and for what we are compared with."""

import datetime
import os
import pty
import re
import subprocess
import threading
import time

EVENT = re.compile(r"(\d{4}-\S+ \S+): event 'lifecycle' for domain '?([^':]+)'?: (\w+)")


class Watch:
    """`virsh event` on a terminal, because it holds lines back from a pipe."""

    def __init__(self, uri):
        self._seen = {}
        self._changed = threading.Condition()
        leader, follower = pty.openpty()
        self._process = subprocess.Popen(["virsh", "-q", "-c", uri, "event", "--event", "lifecycle", "--loop", "--timestamp"],
                                         stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
        os.close(follower)
        threading.Thread(target=self._read, args=(leader,), daemon=True).start()

    def _read(self, leader):
        text = ""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:
                return  # virsh has ended
            text += data.decode(errors="replace")
            *lines, text = text.split("\n")
            with self._changed:
                for found in filter(None, (EVENT.search(line) for line in lines)):
                    at = datetime.datetime.fromisoformat(found[1].replace("+0000", "+00:00")).timestamp()
                    self._seen.setdefault((found[3], found[2]), at)
                self._changed.notify_all()

    def started_after(self, moment, count, seconds=120):
        """{name: when} of the first `count` domains that started since; times as time.time() gives them."""
        def found():
            return {name: at for (what, name), at in self._seen.items() if what == "Started" and at >= moment - 0.001}

        end = time.monotonic() + seconds
        with self._changed:
            while len(found()) < count:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{len(found())} of {count} domains started within {seconds} s")
                self._changed.wait(left)
            return found()

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
