#include "controlnode/cli/kubeconfig.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "controlnode/cli/yaml_value.h"
#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using test::contains;

const ClusterCredential kDemo{"demo", "https://127.0.0.1:16443", "api.demo.dure.internal", "Q0E=",
                              "dure:new", "Q0VSVA==", "U0VDUkVU"};

const std::string kForeign = R"(apiVersion: v1
kind: Config
preferences: {}
current-context: work
clusters:
- name: work
  cluster: {server: "https://work.example:6443", insecure-skip-tls-verify: true}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: "123"}
users:
- name: me
  user:
    exec:
      command: login
      env: [{name: FLAG, value: "true"}, {name: N, value: '007'}]
)";

std::vector<std::string> names(const YamlValue& root, const std::string& list) {
  std::vector<std::string> found;
  const auto* items = root.find(list);
  REQUIRE(items != nullptr);
  for (const auto& item : items->items) found.push_back(item.text_of("name"));
  return found;
}

// The merged document, read again.
YamlValue merged(const std::string& existing, const ClusterCredential& credential = kDemo) {
  const auto result = merge_kubeconfig(existing, credential);
  REQUIRE(result.ok());
  auto again = read_yaml(result->text);
  REQUIRE(again.ok());
  return *again;
}

using Names = std::vector<std::string>;

TEST_CASE("kubeconfig: into nothing it becomes a whole file") {
  for (const std::string& empty : {std::string(), std::string("\n# mine\n"), std::string("---\n")}) {
    CAPTURE(empty);
    CHECK(merge_kubeconfig(empty, kDemo)->text == R"(apiVersion: "v1"
kind: "Config"
clusters:
  - name: "demo"
    cluster:
      server: "https://127.0.0.1:16443"
      tls-server-name: "api.demo.dure.internal"
      certificate-authority-data: "Q0E="
users:
  - name: "dure:new"
    user:
      client-certificate-data: "Q0VSVA=="
      client-key-data: "U0VDUkVU"
contexts:
  - name: "demo"
    context:
      cluster: "demo"
      user: "dure:new"
current-context: "demo"
)");
  }
}

TEST_CASE("kubeconfig: what is of others stays, with the same meaning") {
  const auto result = merge_kubeconfig(kForeign, kDemo);
  REQUIRE(result.ok());
  CHECK_FALSE(result->replaced_foreign);
  const auto root = merged(kForeign);
  CHECK(names(root, "clusters") == Names{"work", "demo"});
  CHECK(names(root, "contexts") == Names{"work", "demo"});
  CHECK(names(root, "users") == Names{"me", "dure:new"});
  CHECK(root.text_of("current-context") == "demo");
  // Text that looks like a number or a truth value stays text, and a truth value one.
  CHECK(contains(result->text, "value: \"true\""));
  CHECK(contains(result->text, "value: \"007\""));
  CHECK(contains(result->text, "namespace: \"123\""));
  CHECK(contains(result->text, "insecure-skip-tls-verify: true\n"));
  CHECK(contains(result->text, "preferences: {}\n"));
}

TEST_CASE("kubeconfig: merging the same again changes nothing") {
  const auto once = merge_kubeconfig(kForeign, kDemo);
  CHECK(merge_kubeconfig(once->text, kDemo)->text == once->text);
}

TEST_CASE("kubeconfig: a renewed credential takes the place of the old one and of its user") {
  auto older = kDemo;
  older.user = "dure:old";
  const auto root = merged(merge_kubeconfig(kForeign, older)->text);
  CHECK(names(root, "clusters") == Names{"work", "demo"});
  CHECK(names(root, "contexts") == Names{"work", "demo"});
  CHECK(names(root, "users") == Names{"me", "dure:new"});
}

TEST_CASE("kubeconfig: an old user that another context has stays, and so does a chosen namespace") {
  const auto root = merged(R"({"contexts":[
      {"name":"demo","context":{"cluster":"demo","user":"dure:old","namespace":"web"}},
      {"name":"copy","context":{"cluster":"demo","user":"dure:old"}}],
      "users":[{"name":"dure:old","user":{"token":"t"}}]})");
  CHECK(names(root, "users") == Names{"dure:old", "dure:new"});
  const auto& demo = root.find("contexts")->items[0];
  CHECK(demo.find("context")->text_of("namespace") == "web");
  CHECK(demo.find("context")->text_of("user") == "dure:new");
}

TEST_CASE("kubeconfig: a foreign context of the same name is replaced and told, its user stays") {
  const std::string existing =
      R"({"clusters":[{"name":"demo","cluster":{"server":"https://other"}}],
          "contexts":[{"name":"demo","context":{"cluster":"demo","user":"kind"}}],
          "users":[{"name":"kind","user":{"token":"t"}}]})";
  const auto result = merge_kubeconfig(existing, kDemo);
  REQUIRE(result.ok());
  CHECK(result->replaced_foreign);
  CHECK_FALSE(contains(result->text, "https://other"));
  CHECK(names(merged(existing), "users") == Names{"kind", "dure:new"});
}

TEST_CASE("kubeconfig: lists that are null, as kubectl writes them, are filled") {
  const auto root = merged("apiVersion: v1\nclusters: null\ncontexts: ~\nusers:\n");
  CHECK(names(root, "users") == Names{"dure:new"});
}

TEST_CASE("kubeconfig: aliases are written out, also where an entry is replaced") {
  const auto root = merged("x: &c {server: 'https://one'}\nclusters:\n- {name: demo, cluster: *c}\n"
                           "- {name: two, cluster: *c}\n");
  CHECK(root.find("x")->text_of("server") == "https://one");
  CHECK(root.find("clusters")->items[1].find("cluster")->text_of("server") == "https://one");
}

TEST_CASE("kubeconfig: what is no kubeconfig is refused, with the place and without the content") {
  const auto refused = [](const std::string& existing, const std::string& why) {
    CAPTURE(existing.substr(0, 80));
    const auto result = merge_kubeconfig(existing, kDemo);
    REQUIRE_FALSE(result.ok());
    CHECK(contains(result.error().message, why));
    CHECK_FALSE(contains(result.error().message, "SECRET"));
  };
  refused("a: [SECRET\nb: }", "line 2");
  refused("users:\n\t- SECRET", "not YAML");
  refused("- SECRET", "no map");
  refused("SECRET", "no map");
  refused("users: {SECRET: 1}", "'users' is not a list");
  refused("contexts: SECRET", "'contexts' is not a list");
  refused("a: 1\n---\nb: 2", "several documents");
  refused("a: \xff\xfe", "UTF-8");
  refused(std::string(5000, '['), "");
  refused("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
          "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]",
          "too large");
}

TEST_CASE("kubeconfig: from an answer only the known fields are taken") {
  const auto answer = json::parse(R"({"current-context":"demo",
      "clusters":[{"name":"demo","cluster":{"server":"https://127.0.0.1:1","certificate-authority-data":"Q0E=",
                   "proxy-url":"http://evil"}}],
      "users":[{"name":"dure:x","user":{"client-certificate-data":"QQ==","client-key-data":"QQ==",
                "exec":{"command":"evil"}}}]})");
  const auto credential = read_credential(answer);
  REQUIRE(credential.ok());
  CHECK(credential->cluster == "demo");
  CHECK(credential->user == "dure:x");
  CHECK_FALSE(contains(kubeconfig_alone(*credential), "evil"));
  CHECK_FALSE(contains(merge_kubeconfig("", *credential)->text, "evil"));
  const auto spoilt = [&](const std::string& from, const std::string& to) {
    auto text = json::serialize(answer);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return read_credential(json::parse(text.replace(at, from.size(), to))).ok();
  };
  CHECK_FALSE(spoilt("https:", "file:"));
  CHECK_FALSE(spoilt("Q0E=", "not base64"));
  CHECK_FALSE(spoilt("client-key-data", "token"));
  CHECK_FALSE(spoilt("dure:x", "a b"));
  CHECK_FALSE(read_credential(json::value()).ok());
  CHECK_FALSE(read_credential(json::parse(R"({"clusters":[]})")).ok());
}

TEST_CASE("yaml value: what was plain or quoted is written as such") {
  const std::string text = "a: true\nb: \"true\"\nc: 1e3\nd: ~\ne: []\nf:\n  - 2020-01-01\n  - \"y\"\ng: |\n  two\n  lines\n";
  const auto value = read_yaml(text);
  REQUIRE(value.ok());
  CHECK(write_yaml(*value) ==
        "a: true\nb: \"true\"\nc: 1e3\nd: ~\ne: []\nf:\n  - 2020-01-01\n  - \"y\"\ng: \"two\\nlines\\n\"\n");
}

}  // namespace
}  // namespace dure::cli
