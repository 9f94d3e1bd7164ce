#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "common/files.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using test::contains;

constexpr const char* kAccesses = "POST /api/v1/clusters/demo/accesses";
constexpr std::size_t kMost = 1 << 20;

// A home directory and a control node that gives credentials for "demo".
struct Home {
  TempDir directory;
  test::CliStand stand;
  std::string file = directory.path() + "/.kube/config";

  Home() {
    stand.environment["HOME"] = directory.path();
    stand.http.on(kAccesses, 201,
                  R"({"id":"1","user":"dure:1","cluster":"demo","expires_at":"2026-03-01T21:00:10.000Z",
                      "kubeconfig":{"clusters":[{"name":"demo","cluster":{"server":"https://127.0.0.1:16443",
                      "tls-server-name":"api.demo.dure.internal","certificate-authority-data":"Q0E="}}],
                      "users":[{"name":"dure:1","user":{"client-certificate-data":"Q0VSVA==",
                      "client-key-data":"U0VDUkVU"}}]}})");
    known("true");
  }
  // Whether the cluster lets the user in.
  void known(const std::string& active) {
    stand.http.on("GET /api/v1/clusters/demo/accesses", 200, R"({"items":[{"user":"dure:0","active":true},{"user":"dure:1","active":)" + active + "}]}");
  }
  int run(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"cluster", "kubeconfig", "demo"};
    all.insert(all.end(), more.begin(), more.end());
    return stand.run(all);
  }
  void put(const std::string& path, const std::string& text, unsigned mode = 0600) {
    REQUIRE(make_directories(std::filesystem::path(path).parent_path().string(), 0700).ok());
    REQUIRE(write_file_durably(path, text, mode).ok());
  }
  std::string posted() const { return stand.http.calls.empty() ? "" : stand.http.calls.front().body; }
};

std::string content(const std::string& path) {
  const auto text = read_file(path, kMost);
  return text ? *text : "(none)";
}
unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

TEST_CASE("cluster kubeconfig: makes an owner-only file, says where it is, until when, and what is next") {
  Home home;
  CHECK(home.run() == 0);
  CHECK(home.posted() == R"({"seconds":43200})");
  CHECK(mode_of(home.file) == 0600);
  CHECK(mode_of(home.directory.path() + "/.kube") == 0700);
  CHECK(contains(content(home.file), "client-key-data: \"U0VDUkVU\""));
  CHECK(home.stand.out.str().empty());
  CHECK(home.stand.err.str() ==
        "context 'demo' is current in " + home.file + ", valid until 2026-03-01T21:00:10.000Z (12h00m)\n"
        "to use it:    keep 'dure cluster proxy demo' running, then kubectl get nodes\n"
        "to renew it:  the same command again\n"
        "to end it:    dure cluster access revoke demo dure:1\n");
  CHECK(home.run({"--renew"}) == 0);
  CHECK_FALSE(std::filesystem::exists(home.file + ".lock"));
  CHECK_FALSE(std::filesystem::exists(home.file + ".tmp"));
}

TEST_CASE("cluster kubeconfig: ends when the cluster lets the credential in, and after two minutes at the latest") {
  Home home;
  home.stand.http = {};
  Home fresh;
  home.stand.http.on(kAccesses, 201, fresh.stand.http.call({"POST", "/api/v1/clusters/demo/accesses", {}, {}})->body);
  for (int i = 0; i < 3; ++i) home.known("false");
  home.stand.http.away("GET /api/v1/clusters/demo/accesses");
  home.known("true");
  CHECK(home.run() == 0);
  CHECK(home.stand.patience.pauses.size() == 4);
  CHECK_FALSE(contains(home.stand.err.str(), "has not been told"));

  Home never;
  never.stand.http = {};
  never.stand.http.on(kAccesses, 201, fresh.stand.http.call({"POST", "/api/v1/clusters/demo/accesses", {}, {}})->body);
  never.known("false");
  CHECK(never.run({"--no-wait"}) == 0);
  CHECK(never.stand.patience.pauses.empty());
  CHECK(never.run() == 0);
  CHECK(never.stand.patience.pauses.size() == 120);
  CHECK(contains(never.stand.err.str(), "the cluster has not been told of it yet"));
}

TEST_CASE("cluster kubeconfig: the key is nowhere but in the file") {
  Home home;
  CHECK(home.run() == 0);
  CHECK_FALSE(contains(home.stand.err.str() + home.stand.out.str(), "U0VDUkVU"));
}

TEST_CASE("cluster kubeconfig: goes into the first file of KUBECONFIG, or into --out") {
  Home home;
  home.stand.environment["KUBECONFIG"] = ":" + home.directory.path() + "/one:" + home.directory.path() + "/two";
  CHECK(home.run() == 0);
  CHECK(contains(content(home.directory.path() + "/one"), "demo"));
  const auto other = home.directory.path() + "/new/other.yaml";
  CHECK(home.run({"--out", other, "--server", "https://gate.example:6443"}) == 0);
  CHECK(contains(content(other), "server: \"https://gate.example:6443\""));
  CHECK(contains(content(other), "tls-server-name: \"api.demo.dure.internal\""));
  CHECK(contains(home.stand.err.str(), "kubectl --kubeconfig " + other));
  CHECK_FALSE(contains(home.stand.err.str(), "proxy"));
  CHECK_FALSE(std::filesystem::exists(home.file));
  home.stand.environment.clear();
  CHECK(home.run() == 1);
  CHECK(contains(home.stand.err.str(), "--out FILE"));
}

TEST_CASE("cluster kubeconfig --out -: stdout is the document, and no file is touched") {
  Home home;
  CHECK(home.run({"--out", "-", "--for", "2h"}) == 0);
  const auto document = json::parse(home.stand.out.str());
  CHECK(document.at("current-context") == "demo");
  CHECK(document.at("users").at(0).at("user").at("client-key-data") == "U0VDUkVU");
  CHECK(home.posted() == R"({"seconds":7200})");
  CHECK(contains(home.stand.err.str(), "valid until"));
  CHECK_FALSE(std::filesystem::exists(home.file));
}

TEST_CASE("cluster kubeconfig: an existing file that others could read is closed") {
  Home home;
  home.put(home.file, "apiVersion: v1\nusers: [{name: me, user: {token: t}}]\n", 0644);
  CHECK(home.run() == 0);
  CHECK(mode_of(home.file) == 0600);
  CHECK(contains(content(home.file), "name: me"));
}

TEST_CASE("cluster kubeconfig: a symbolic link stays one, whether its target is there or not") {
  for (const bool there : {true, false}) {
    Home home;
    const auto target = home.directory.path() + "/dotfiles/kube";
    REQUIRE(make_directories(home.directory.path() + "/.kube", 0700).ok());
    if (there) home.put(target, "users: [{name: me, user: {}}]\n");
    std::filesystem::create_symlink("../dotfiles/kube", home.file);
    CHECK(home.run() == 0);
    CHECK(std::filesystem::is_symlink(home.file));
    CHECK(contains(content(target), "dure:1"));
    CHECK(contains(content(target), "name: me") == there);
    CHECK(mode_of(target) == 0600);
  }
}

TEST_CASE("cluster kubeconfig: a file that cannot be merged into stays, and no credential is made") {
  const auto refused = [](Home& home, const std::string& why) {
    CHECK(home.run() == 1);
    CHECK(contains(home.stand.err.str(), home.file));
    CHECK(contains(home.stand.err.str(), why));
    CHECK(contains(home.stand.err.str(), "--out FILE"));
    CHECK(home.stand.http.calls.empty());
  };
  Home broken;
  broken.put(broken.file, "users: [{name: me\n");
  refused(broken, "not YAML: line ");
  CHECK(content(broken.file) == "users: [{name: me\n");
  Home huge;
  huge.put(huge.file, std::string(5 << 20, '#'));
  refused(huge, "longer than");
  Home folder;
  REQUIRE(make_directories(folder.file, 0700).ok());
  refused(folder, "not a regular file");
  Home circle;
  REQUIRE(make_directories(circle.directory.path() + "/.kube", 0700).ok());
  std::filesystem::create_symlink("config", circle.file);
  refused(circle, "without an end");
  Home foreign;
  foreign.put(foreign.file, "users: []\n");
  // Only root can make a file of somebody else.
  if (::chown(foreign.file.c_str(), 4242, 4242) == 0) refused(foreign, "another user");
}

TEST_CASE("cluster kubeconfig: while another program has the file's lock it waits, then says what holds it") {
  Home home;
  home.put(home.file, "users: []\n");
  home.put(home.file + ".lock", "");
  CHECK(home.run() == 1);
  CHECK_FALSE(home.stand.patience.pauses.empty());
  CHECK(contains(home.stand.err.str(), "remove " + home.file + ".lock"));
  CHECK(contains(home.stand.err.str(), "dure cluster access revoke demo dure:1"));
  CHECK(content(home.file) == "users: []\n");
  CHECK(std::filesystem::exists(home.file + ".lock"));
}

TEST_CASE("cluster kubeconfig: what the control node refuses or garbles leaves the file alone") {
  Home home;
  home.put(home.file, "users: []\n");
  CHECK(home.stand.run({"cluster", "kubeconfig", "none"}) == 3);
  home.stand.http.on("POST /api/v1/clusters/odd/accesses", 201, R"({"user":"u","kubeconfig":{"users":"SECRET"}})");
  CHECK(home.stand.run({"cluster", "kubeconfig", "odd"}) == 1);
  CHECK_FALSE(contains(home.stand.err.str(), "SECRET"));
  CHECK(content(home.file) == "users: []\n");
}

TEST_CASE("cluster kubeconfig: a time or address that makes no sense is exit 2 before anything is asked") {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--for", "5m"}, {"--for", "31d"}, {"--for", "soon"}, {"--server", "http://x"},
        {"--server", "https://"}, {"--server", "https://a b"}}) {
    Home home;
    CHECK(home.run(wrong) == 2);
    CHECK(contains(home.stand.err.str(), wrong[0]));
    CHECK(home.stand.http.calls.empty());
  }
  Home home;
  CHECK(home.run({"--for", "30d"}) == 0);
  CHECK(home.posted() == R"({"seconds":2592000})");
}

TEST_CASE("cluster access list: who, until when, and whether it still holds") {
  test::CliStand stand;
  stand.http.on("GET /api/v1/clusters/demo/accesses", 200,
                R"({"items":[
                  {"user":"dure:1","issued_at":"a","expires_at":"2026-03-01T10:00:00.000Z","revoked_at":null},
                  {"user":"dure:2","issued_at":"a","expires_at":"2026-03-01T10:00:00.000Z","revoked_at":"b"},
                  {"user":"dure:3","issued_at":"a","expires_at":"2026-03-01T08:00:00.000Z","revoked_at":null}]})");
  CHECK(stand.run({"cluster", "access", "list", "demo"}) == 0);
  CHECK(stand.out.str() ==
        "USER    STATE    ISSUED-AT  EXPIRES-AT\n"
        "dure:1  valid    a          2026-03-01T10:00:00.000Z\n"
        "dure:2  revoked  a          2026-03-01T10:00:00.000Z\n"
        "dure:3  expired  a          2026-03-01T08:00:00.000Z\n");
  CHECK(stand.run({"cluster", "access", "list", "demo", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "dure:1\ndure:2\ndure:3\n");
  CHECK(stand.run({"cluster", "access", "list", "none"}) == 3);
}

TEST_CASE("cluster access revoke: goes to its route, and a name cannot leave it") {
  test::CliStand stand;
  stand.http.on("DELETE /api/v1/clusters/demo/accesses/dure%3A1", 200, "{}");
  CHECK(stand.run({"cluster", "access", "revoke", "demo", "dure:1"}) == 0);
  CHECK(stand.out.str().empty());
  CHECK(contains(stand.err.str(), "'dure:1' may not use cluster 'demo' any more"));
  CHECK(stand.run({"cluster", "access", "revoke", "demo", "../x"}) == 3);
  CHECK(stand.http.calls.back().path == "/api/v1/clusters/demo/accesses/..%2Fx");
}

}  // namespace
}  // namespace dure::cli
