"""A small clean tree, and changes to it that each break one rule at one place.

BREACHES rows: rule, title, files to write (None: to remove), where, a part of the message.
HARMLESS rows: title, files; things that look like a breach and are none.
"""

from __future__ import annotations

README = "# Room\n"


def header(body: str) -> str:
    return f"#pragma once\n\n{body}"


def port(name: str) -> str:
    return header(f"namespace dure {{\n\nclass {name} {{\n public:\n  virtual ~{name}() = default;\n"
                  f"  virtual int get() = 0;\n}};\n\n}}  // namespace dure\n")


def source(*includes: str, body: str = "") -> str:
    return "".join(f"#include {name}\n" for name in includes) + "\n" + body


CLEAN: dict[str, str] = {
    "README.md": "# Dure\n\nSee [the rooms](controlnode/core/README.md).\n",
    "common/README.md": README,
    "common/result.h": header("enum class Errc {\n  not_found,  // gone\n  conflict,\n};\n"),
    "common/log.cpp": source("<spdlog/spdlog.h>"),
    "common/time.h": header("#include <chrono>\n"),
    "protocol/messages/README.md": README,
    "protocol/messages/order.h": header('#include "common/result.h"\n'),
    "protocol/wire/README.md": README,
    "protocol/wire/codec.h": header('#include "protocol/messages/order.h"\n'),
    "protocol/wire/codec.cpp": source('"protocol/wire/codec.h"', "<openssl/evp.h>", '"protocol/schema/order.pb.h"'),
    "controlnode/README.md": "# Control\n\n[edges/postgres](edges/postgres/README.md), [edges/zmq](edges/zmq/README.md), [edges/http](edges/http)\n",
    "controlnode/core/README.md": README,
    "controlnode/core/decide.h": header('#include <vector>\n\n#include "common/time.h"\n'),
    "controlnode/ports/README.md": README,
    "controlnode/ports/store.h": port("Store"),
    "controlnode/app/README.md": README,
    "controlnode/app/loop.cpp": source('"controlnode/ports/store.h"', '"protocol/wire/codec.h"', body=(
        "namespace dure {\nint react(Errc code) {\n  if (code == Errc::not_found) return 1;\n"
        "  return code == Errc::conflict ? 2 : 3;\n}\n}  // namespace dure\n")),
    "controlnode/edges/postgres/README.md": README,
    "controlnode/edges/postgres/store.cpp": source('"controlnode/ports/store.h"', "<pqxx/pqxx>", "<unistd.h>"),
    "controlnode/edges/zmq/README.md": README,
    "controlnode/edges/zmq/link.cpp": source("<zmq.hpp>", "<sys/socket.h>"),
    "controlnode/edges/http/README.md": README,
    "controlnode/edges/http/server.cpp": source("<boost/beast.hpp>", "<boost/json.hpp>"),
    "controlnode/main.cpp": source('"controlnode/app/loop.h"', body="int main() { return 0; }\n"),
    "controlnode/app/loop.h": header(""),
    "hostagent/core/README.md": README,
    "hostagent/core/plan.h": header("#include <string>\n"),
    "sql/README.md": README,
    "sql/0001_start.sql": "CREATE TABLE host (id uuid PRIMARY KEY);\n",
    "sql/0002_more.sql": "-- unused since 0001\nDROP TABLE host;\n",
    "tests/README.md": README,
    "tests/contract/store_contract.h": header('#include "controlnode/ports/store.h"\n'),
    "tests/contract/fake_store_test.cpp": source('"tests/contract/store_contract.h"'),
    "tests/contract/postgres_store_test.cpp": source('"tests/contract/store_contract.h"'),
}

_CORE = "controlnode/core/extra.cpp"
_APP = "controlnode/app/extra.cpp"
_EDGE = "controlnode/edges/postgres/zone.cpp"


def _layers(title: str, path: str, include: str, what: str) -> tuple:
    return ("layers", title, {path: source(include)}, f"{path}:1", what)


LAYERS = [
    _layers("common looks up", "common/extra.cpp", '"protocol/messages/order.h"', "common may not include"),
    _layers("messages look at wire", "protocol/messages/extra.cpp", '"protocol/wire/codec.h"', "may not include"),
    _layers("wire looks at a program", "protocol/wire/extra.cpp", '"controlnode/core/decide.h"', "may not include"),
    _layers("core looks at app", _CORE, '"controlnode/app/loop.h"', "controlnode/core may not include"),
    _layers("core looks at wire", _CORE, '"protocol/wire/codec.h"', "may not include"),
    _layers("app looks at an edge", _APP, '"controlnode/edges/http/server.cpp"', "may not include"),
    _layers("an edge looks at app", _EDGE, '"controlnode/app/loop.h"', "may not include"),
    _layers("an edge looks at another edge", _EDGE, '"controlnode/edges/zmq/link.cpp"', "may not include"),
    _layers("one program looks at the other", _APP, '"hostagent/core/plan.h"', "a different program"),
    _layers("product looks at tests", _APP, '"tests/contract/store_contract.h"', "of the tests"),
    _layers("core has a lock", _CORE, "<mutex>", "pure: no <mutex>"),
    _layers("core has a clock", _CORE, "<chrono>", "pure: no <chrono>"),
    _layers("core has randomness", _CORE, "<random>", "pure: no <random>"),
    _layers("core has a file", _CORE, "<fstream>", "pure: no <fstream>"),
    _layers("core has a socket", _CORE, "<sys/socket.h>", "pure: no <sys/socket.h>"),
    _layers("core has a library", "hostagent/core/extra.cpp", "<pugixml.hpp>", "pure: no <pugixml.hpp>"),
    ("layers", "core logs", {"common/log.h": header(""), _CORE: source('"common/log.h"')}, f"{_CORE}:1", "pure"),
    ("layers", "core asks a clock by another header's grace",
     {_CORE: "int f() {\n  return std::chrono::steady_clock::now().time_since_epoch().count();\n}\n"},
     f"{_CORE}:2", "steady_clock"),
    _layers("app uses a library", _APP, "<sqlite3.h>", "libraries live in edges"),
    _layers("an edge uses a second library", _EDGE, "<curl/curl.h>", "one library per edge"),
    _layers("spdlog outside of its home", _APP.replace("app", "cli"), "<spdlog/spdlog.h>", "common/log.cpp only"),
    _layers("generated messages outside of the codec", "tests/unit/other_test.cpp", '"protocol/schema/order.pb.h"',
            "codec"),
    _layers("zmq outside of its home", "tests/unit/other_test.cpp", "<zmq.hpp>", "edges/zmq"),
    _layers("pqxx outside of its home", "tests/unit/other_test.cpp", "<pqxx/pqxx>", "edges/postgres"),
    _layers("Beast outside of its home", "controlnode/cli/extra.cpp", "<boost/beast/http.hpp>", "edges/http only"),
    ("layers", "Beast in a fourth file", {f"controlnode/edges/http/{n}.cpp": source("<boost/beast.hpp>") for n in "xyz"},
     "controlnode/edges/http/z.cpp:1", "more than 3 files"),
    ("layers", "main grows", {"controlnode/main.cpp": "\n" * 120}, "controlnode/main.cpp:120", "composition root"),
    ("layers", "a port has a source file", {"controlnode/ports/store.cpp": "\n"}, "controlnode/ports/store.cpp:1",
     "no source files"),
    ("layers", "a port holds data", {"controlnode/ports/store.h": port("Store").replace("= 0;\n", "= 0;\n  int count_;\n")},
     "controlnode/ports/store.h:5", "holds data"),
    ("layers", "a port is concrete",
     {"controlnode/ports/gauge.h": header("class Gauge {\n public:\n  int get();\n};\n")},
     "controlnode/ports/gauge.h:3", "no pure virtual"),
]
# A room that exists in one of the cases above only.
for _row in LAYERS:
    if any(path.startswith("controlnode/cli/") for path in _row[2]):
        _row[2]["controlnode/cli/README.md"] = README


def _long_function(lines: int) -> str:
    return "namespace {\n\nint grow(int by) {\n" + "  ++by;\n" * (lines - 3) + "  return by;\n}\n\n}  // namespace\n"


SIZES = [
    ("sizes", "a long file", {"common/long.cpp": "// text\n" * 601}, "common/long.cpp:601", "601 lines"),
    ("sizes", "a long function", {"common/long.cpp": _long_function(71)}, "common/long.cpp:3", "grow has 71 lines"),
    ("sizes", "a long constructor with braces in its initialisers",
     {"common/long.cpp": "Gauge::Gauge(int a)\n    : a_{a}, b_{1} {\n" + "  ++a_;\n" * 69 + "}\n"},
     "common/long.cpp:1", "Gauge::Gauge has 72 lines"),
    ("sizes", "a long member function",
     {"common/long.h": header("class A {\n public:\n  int f() const {\n" + "    ++x;\n" * 70 + "  }\n};\n")},
     "common/long.h:5", "f has 72 lines"),
    ("sizes", "a long test", {"tests/unit/long_test.cpp": 'TEST_CASE("x") {\n' + "  CHECK(a);\n" * 70 + "}\n"},
     "tests/unit/long_test.cpp:1", "TEST_CASE has 72 lines"),
    ("sizes", "a long Python function", {"tests/long.py": "def grow():\n" + "    pass\n" * 70}, "tests/long.py:1",
     "grow has 71 lines"),
]

SQL = [
    ("sql", "a gap", {"sql/0004_gap.sql": "SELECT 1;\n"}, "sql/0004_gap.sql:1", "0004 follows 0002"),
    ("sql", "two of one number", {"sql/0002_twin.sql": "SELECT 1;\n"}, "sql/0002_twin.sql:1", "is taken by"),
    ("sql", "a bad name", {"sql/3-late.sql": "SELECT 1;\n"}, "sql/3-late.sql:1", "is named sql/NNNN"),
    ("sql", "a silent DROP", {"sql/0003_drop.sql": "\ndrop TABLE node;\n"}, "sql/0003_drop.sql:2", "DROP without"),
    ("sql", "a silent TRUNCATE", {"sql/0003_cut.sql": "TRUNCATE node;\n"}, "sql/0003_cut.sql:1", "TRUNCATE without"),
]
SQL[2][2]["sql/3_late.sql"] = SQL[2][2].pop("sql/3-late.sql")
SQL[2] = (*SQL[2][:3], "sql/3_late.sql:1", SQL[2][4])


def _banned(title: str, line: str, what: str, path: str = _APP) -> tuple:
    return ("banned", title, {path: f"\nvoid f() {{\n  {line}\n}}\n"}, f"{path}:3", what)


BANNED = [
    _banned("std::system", "std::system(command);", "argument vector"),
    _banned("popen", 'popen("ls", "r");', "argument vector"),
    _banned("sleep_for", "std::this_thread::sleep_for(a);", "waiting for the condition"),
    _banned("usleep", "usleep(5);", "waiting for the condition"),
    _banned("sleep", "::sleep(5);", "waiting for the condition"),
    _banned("strcpy", "strcpy(a, b);", "std::string"),
    _banned("strcat", "strcat(a, b);", "std::string"),
    _banned("sprintf", 'sprintf(a, "x");', "to_chars"),
    _banned("gets", "gets(a);", "std::getline"),
    _banned("atoi", "return atoi(a);", "std::from_chars"),
    _banned("rand", "return std::rand();", "the Random port"),
    _banned("srand", "srand(1);", "the Random port"),
    _banned("endl", "out << std::endl;", "'\\n'"),
    _banned("using namespace std", "using namespace std;", "std:: prefix", "tests/unit/a_test.cpp"),
    _banned("a singleton", "Config::instance().get();", "main.cpp"),
    _banned("a skipped test", "x(doctest::skip());", "a test that runs", "tests/unit/a_test.cpp"),
    _banned("thread_local", "thread_local int x = 0;", "thread_local"),
    _banned("an unfinished-work marker", "// TODO: later", "an issue"),
    _banned("another marker, in a test", "// FIXME", "an issue", "tests/unit/a_test.cpp"),
    _banned("a machine's path", 'open("/work/x");', "root of the project"),
    _banned("a hard-coded /tmp", 'open("/tmp/x");', "configuration"),
    _banned("a static in a function", "static int calls = 0;", "mutable static calls"),
    _banned("a default-made static in a function", "static std::mutex lock;", "mutable static lock"),
    ("banned", "how a text came to be", {"common/README.md": "# Room\n\nCo-authored-by: someone\n"}, "common/README.md:3",
     "came to be"),
    ("banned", "a mutable global", {_APP: "namespace dure {\nstd::atomic<int> calls{0};\n}\n"}, f"{_APP}:2", "calls"),
    ("banned", "a mutable static", {_APP: "static std::map<int, int> seen;\n"}, f"{_APP}:1", "variable seen"),
    ("banned", "a mutable pointer to a constant", {_APP: "namespace {\nconst char* name = nullptr;\n}\n"}, f"{_APP}:2",
     "variable name"),
    ("banned", "a mutable static member", {_APP: "class A {\n  static int count;\n};\n"}, f"{_APP}:2", "variable count"),
]

OTHERS = [
    ("headers", "no guard", {"common/bare.h": "int f();\n"}, "common/bare.h:1", "#pragma once"),
    ("headers", "a relative include", {_APP: source('"../ports/store.h"')}, f"{_APP}:1", "full path"),
    ("headers", "an include by name", {_APP: source('"loop.h"')}, f"{_APP}:1", "full path"),
    ("headers", "an include of nothing", {_APP: source('"controlnode/app/gone.h"')}, f"{_APP}:1", "no such file"),
    ("docs", "a room without README", {"common/README.md": None}, "common/README.md:1", "is missing"),
    ("docs", "an edge without README", {"hostagent/edges/disk/a.cpp": "\n"}, "hostagent/edges/disk/README.md:1",
     "is missing"),
    ("docs", "an edge that its program's README does not name",
     {"controlnode/edges/pki/README.md": README, "controlnode/edges/pki/a.cpp": "\n"}, "controlnode/README.md:1", "edges/pki"),
    ("docs", "no README at the top", {"README.md": None}, "README.md:1", "is missing"),
    ("docs", "a dead link", {"sql/README.md": "# SQL\n\n[gone](../gone.md#x)\n"}, "sql/README.md:3", "leads nowhere"),
    ("names", "a CamelCase file", {"common/BadName.cpp": "\n"}, "common/BadName.cpp:1", "bad_name.cpp"),
    ("names", "a folder with a dash", {"tests/unit-x/a_test.cpp": "\n"}, "tests/unit-x/a_test.cpp:1", "unit_x"),
    ("ports_contract", "a port without contract", {"controlnode/ports/clock.h": port("Clock")},
     "controlnode/ports/clock.h:1", "clock_contract.h"),
    ("ports_contract", "a contract that only the fake passes", {"tests/contract/postgres_store_test.cpp": None},
     "tests/contract/store_contract.h:1", "by 1 test files"),
    ("errc", "an unused code", {"common/result.h": CLEAN["common/result.h"].replace("gone\n", "gone\n  spare,\n")},
     "common/result.h:5", "Errc::spare"),
    ("errc", "a code that only its name table uses",
     {"common/result.h": CLEAN["common/result.h"].replace("gone\n", "gone\n  spare,\n"),
      "common/result.cpp": "int f(Errc c) { return c == Errc::spare; }\n"}, "common/result.h:5", "Errc::spare"),
]

BREACHES = [*LAYERS, *SIZES, *SQL, *BANNED, *OTHERS]

HARMLESS = [
    ("words in comments and strings",
     {_APP: '// never popen() here, nor strcpy(a, b)\nconst char* const kText = "std::endl rand() sleep(1)";\n'
            'const auto kRaw = R"x(system("a"); )" using namespace std; )x";\n'}),
    ("constants and functions at namespace scope",
     {_APP: "namespace dure {\nconstexpr int kLimit = 5;\nconst std::map<int, int> kTable = {{1, 2}};\n"
            "constexpr const char* kName = \"a\";\nint f(int a = 3);\nextern \"C\" {\nint g();\n}\n"
            "inline constexpr std::array<int, 2> kPair{1, 2};\nusing A = int;\nstruct B {\n  int c = 0;\n  static constexpr int d = 1;\n"
            "  static B make();\n};\nstd::string h() {\n  static const std::string text = \"x\";\n  return text;\n}\n"
            "template <class T>\nT k(T t) {\n  return t;\n}\nenum class E { a, b };\nconst char* const kEnd = nullptr;\n"
            "bool operator==(const B& a, const B& b) = default;\n}  // namespace dure\n"}),
    ("using namespace of literals", {_APP: "using namespace std::chrono_literals;\n"}),
    ("digit separators", {_APP: "constexpr int kMillion = 1'000'000;\nint f() { return kMillion; }\n"}),
    ("a function of just the limit", {"common/fits.cpp": _long_function(70)}),
    ("a long table is no function",
     {"common/table.cpp": "namespace {\nconst Row kRows[] = {\n" + "    {1, f(2)},\n" * 90 + "};\n}\n"}),
    ("a value beside a port", {"controlnode/ports/row.h": header("struct Row {\n  int count = 0;\n};\n")}),
    ("a hostile peer in a zmq test", {"tests/integration/zmq_hostile_test.cpp": source("<zmq.hpp>")}),
    ("waiting in a test", {"tests/unit/a_test.cpp": "void f() {\n  std::this_thread::sleep_for(a);\n}\n"}),
    ("an explained DROP on its line", {"sql/0003_x.sql": "DROP TABLE a;  -- empty since 0002\n"}),
    ("a link inside code", {"sql/README.md": "# SQL\n\n`[a](gone.md)`\n\n```\n[b](gone.md)\n```\n"}),
    ("files of a build", {"build/dev/x.cpp": "using namespace std;\n", "out/CMakeCache.txt": "", "out/Bad.cpp": "\n"}),
]
