"""A first boot that a power cut has ended is begun anew.

cloud-init writes what it knows without making it durable, and believes what it finds at the next boot: after a power
cut its files may be empty or full of zeros, and so may the host key and the login's keys. Whether a first boot has
come to its end is told by a mark that is written when everything before it is on the disk.
"""

import json
import os
import shutil

CLOUD = "/var/lib/cloud"
MARK = "/var/lib/dure/configured"
RESULT = "/run/cloud-init/result.json"


def forget_unfinished(cloud=CLOUD, mark=MARK):
    """Before cloud-init: without the mark, what it has written so far is thrown away, and it does everything again."""
    if os.path.exists(mark):
        return False
    found = os.listdir(cloud) if os.path.isdir(cloud) else []
    for name in found:
        path = os.path.join(cloud, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    return bool(found)


def without_errors(result=RESULT):
    try:
        with open(result, encoding="utf-8") as handle:
            return json.load(handle)["v1"]["errors"] == []
    except (OSError, ValueError, KeyError, TypeError):
        return False


def finish(mark=MARK, result=RESULT):
    """After cloud-init: the mark, or none after errors, so that the next boot tries everything once more."""
    os.sync()
    if not without_errors(result):
        if os.path.exists(mark):
            os.unlink(mark)
        return
    os.makedirs(os.path.dirname(mark), exist_ok=True)
    with open(mark, "wb") as handle:
        os.fsync(handle.fileno())
    folder = os.open(os.path.dirname(mark), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
