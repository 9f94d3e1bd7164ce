"""The end of cloud-init, as /usr/lib/dure/stage tells it."""

import json

RESULT = "/run/cloud-init/result.json"


def configured():
    """(done, error) of cloud-init; (False, None) while it works."""
    try:
        with open(RESULT, encoding="utf-8") as handle:
            errors = json.load(handle)["v1"]["errors"]
    except OSError:
        return False, None
    except (ValueError, KeyError, TypeError):
        return False, "cloud-init: unreadable result"
    return (False, "; ".join(map(str, errors))) if errors else (True, None)
