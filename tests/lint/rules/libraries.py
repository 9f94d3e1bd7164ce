"""Which library an angle-bracket header belongs to."""

from __future__ import annotations

import re

STD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem forward_list fstream functional
future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view strstream
syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
variant vector version
""".split())

# What a core room may use: values and algorithms. No clock, randomness, thread, lock, file or stream.
PURE_STD = set("""
algorithm array bit bitset cassert cctype charconv cinttypes climits cmath compare concepts cstddef cstdint cstring
deque functional initializer_list iterator limits list map memory numbers numeric optional queue ranges ratio set span
stack string string_view tuple type_traits unordered_map unordered_set utility variant vector version
""".split())

_SYSTEM = re.compile(
    r"^(?:(?:sys|arpa|net|netinet|netpacket|linux|asm|bits|rpc)/.+"
    r"|(?:assert|byteswap|ctype|dirent|dlfcn|elf|endian|err|errno|fcntl|features|fnmatch|ftw|getopt|glob|grp|ifaddrs"
    r"|inttypes|langinfo|libgen|limits|link|locale|malloc|math|mntent|mqueue|netdb|paths|poll|pthread|pty|pwd|sched"
    r"|search|semaphore|setjmp|signal|spawn|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|syscall|sysexits"
    r"|syslog|termios|time|uchar|ucontext|unistd|utime|utmp|wait|wchar|wctype)\.h)$")

# Headers whose first path component does not name the library.
_FAMILIES = (
    ("boost-json", ("boost/json",)),
    ("boost", ("boost/",)),
    ("zmq", ("zmq.h", "zmq.hpp", "zmq_addon.hpp", "zmq_utils.h")),
    ("libpq", ("libpq-fe.h", "libpq/", "postgresql/")),
    ("sqlite", ("sqlite3.h", "sqlite3ext.h", "SQLiteCpp/")),
    ("netlink", ("libmnl/", "netlink/", "libnl3/")),
    ("toml++", ("toml++/", "toml.hpp")),
    ("json", ("nlohmann/",)),
    ("pugixml", ("pugixml.hpp", "pugiconfig.hpp")),
    ("yaml-cpp", ("yaml-cpp/",)),
    ("protobuf", ("google/protobuf/",)),
    ("openssl", ("openssl/",)),
    ("systemd", ("systemd/",)),
    ("spdlog", ("spdlog/", "fmt/")),
)

# Pure data formats: they do no input and output, so an edge may use one beside its library.
FORMATS = {"boost-json", "json", "pugixml", "toml++", "yaml-cpp"}


def family(header: str) -> str | None:
    """The library of a header, or None for the C++ standard library, libc, POSIX and the kernel."""
    if header in STD or _SYSTEM.match(header):
        return None
    for name, prefixes in _FAMILIES:
        if header.startswith(prefixes):
            return name
    return header.split("/")[0].split(".")[0]
