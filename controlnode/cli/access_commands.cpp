#include <boost/json.hpp>
#include <memory>
#include <optional>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/kubeconfig.h"
#include "controlnode/cli/kubeconfig_file.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr Duration kLongest = std::chrono::hours(30 * 24);
constexpr Duration kShortest = std::chrono::minutes(10);
constexpr Duration kAsksEvery = std::chrono::seconds(1), kLongestWait = std::chrono::minutes(2);

struct KubeconfigArguments {
  std::string name, span = "12h", server, out;
  bool no_wait = false;
};

std::string check_span(const std::string& text) {
  const auto span = parse_duration(text, kLongest);
  return span && *span >= kShortest ? std::string()
                                    : "a time from 10m to 30d is wanted, such as 12h, not '" + text + "'";
}

std::string check_server(const std::string& text) {
  return is_api_address(text) ? std::string() : "an address such as https://127.0.0.1:16443 is wanted";
}

std::string accesses_path(const std::string& cluster) {
  return "/clusters/" + path_segment(cluster) + "/accesses";
}

Failure not_written(const std::string& why) {
  Failure failure;
  failure.message = why;
  failure.hint = "nothing in it was changed. Mend or move that file, or name another: --out FILE, or --out - "
                 "for stdout";
  return failure;
}

// Asks for a credential. The answer is the only copy of its key.
Outcome<json::value> ask(Session& session, const KubeconfigArguments& given) {
  const auto span = parse_duration(given.span, kLongest).value_or(kShortest);
  return session.api.post(accesses_path(given.name),
                          json::object{{"seconds", span.count() / 1'000'000}});
}

std::string validity(Session& session, const json::value& answer) {
  const auto expires = member(answer, "expires_at");
  const auto at = parse_rfc3339(expires);
  return "valid until " + expires + (at ? " (" + human_duration(*at - session.output.now) + ")" : "");
}

// Whether the cluster lets that user in; nothing: nobody can say.
std::optional<bool> is_known(Session& session, const std::string& cluster, const std::string& user) {
  const auto answer = session.api.get(accesses_path(cluster));
  const auto* object = answer ? answer->if_object() : nullptr;
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  if (items == nullptr || !items->is_array()) return std::nullopt;
  for (const auto& item : items->get_array()) {
    if (member(item, "user") == user) return member(item, "active") == "yes";
  }
  return std::nullopt;
}

// A credential is of use when the cluster's control plane has been told of its user, which takes it some seconds.
Exit wait_until_known(Session& session, const KubeconfigArguments& given, const std::string& user) {
  if (given.no_wait) return Exit::ok;
  const auto begun = session.patience.now();
  while (!is_known(session, given.name, user).value_or(false)) {
    if (session.patience.now() - begun >= kLongestWait) {
      say(session, "the cluster has not been told of it yet: it can be used when 'dure cluster access list " + given.name + "' says valid");
      return Exit::ok;
    }
    if (session.patience.pause(kAsksEvery)) return Exit::interrupted;
  }
  return Exit::ok;
}

void tell_how(Session& session, const KubeconfigArguments& given, const std::string& file,
              const ClusterCredential& credential) {
  const auto kubectl =
      given.out.empty() ? std::string("kubectl get nodes") : "kubectl --kubeconfig " + file + " get nodes";
  if (given.server.empty()) {
    say(session, "to use it:    keep 'dure cluster proxy " + credential.cluster + "' running, then " + kubectl);
  } else {
    say(session, "to use it:    " + kubectl);
  }
  say(session, "to renew it:  the same command again");
  say(session, "to end it:    dure cluster access revoke " + credential.cluster + " " + credential.user);
}

Exit give_kubeconfig(Session& session, const KubeconfigArguments& given) {
  const bool to_stdout = given.out == "-";
  auto file = given.out.empty() ? default_kubeconfig(session.environment) : Result<std::string>(given.out);
  if (!file) return fail(session, not_written(file.error().message));
  // Before a credential exists that nobody would hold.
  if (!to_stdout) {
    if (const auto good = check_kubeconfig(*file); !good) {
      return fail(session, not_written(good.error().message));
    }
  }
  session.patience.listen();
  const auto answer = ask(session, given);
  if (!answer) return fail(session, answer.failure());
  const auto* object = answer->if_object();
  const auto* document = object == nullptr ? nullptr : object->if_contains("kubeconfig");
  auto credential = read_credential(document == nullptr ? json::value() : *document);
  if (!credential) return fail(session, {Exit::failure, credential.error().message, {}, {}, {}, false, 0});
  if (!given.server.empty()) credential->server = given.server;
  if (to_stdout) {
    const auto printed = print(session, kubeconfig_alone(*credential));
    if (printed != Exit::ok) return printed;
    say(session, validity(session, *answer));
    return wait_until_known(session, given, credential->user);
  }
  const auto merged = merge_into_file(*file, *credential, session.patience);
  if (!merged) {
    auto failure = not_written(merged.error().message);
    failure.hint += "\n      the credential that was made is of no use now: dure cluster access revoke " +
                    credential->cluster + " " + credential->user;
    return fail(session, failure);
  }
  if (merged->replaced_foreign) {
    say(session, "a context '" + credential->cluster + "' that was not of Dure has been replaced");
  }
  say(session, "context '" + credential->cluster + "' is current in " + *file + ", " + validity(session, *answer));
  tell_how(session, given, *file, *credential);
  return wait_until_known(session, given, credential->user);
}

void add_kubeconfig(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(
      noun, "kubeconfig", "Get a credential for a cluster and make it kubectl's current context",
      "  dure cluster kubeconfig demo                    into $KUBECONFIG's first file, or ~/.kube/config\n"
      "  dure cluster kubeconfig demo --for 2h --out demo.yaml\n"
      "  dure cluster kubeconfig demo --out - | ssh build 'umask 77; cat > demo.yaml'\n"
      "  dure cluster proxy demo & kubectl get nodes\n"
      "The context has the cluster's name; all others in the file stay as they are. To renew a\n"
      "credential, give the same command again. To see or end them: 'dure cluster access'.");
  auto given = std::make_shared<KubeconfigArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--for", given->span, "How long it is valid: 10m to 30d")
      ->check(CLI::Validator(&check_span, "", "span"))
      ->capture_default_str()
      ->type_name("TIME");
  verb.add_option("--server", given->server, "Address of the API server; else that of 'dure cluster proxy'")
      ->check(CLI::Validator(&check_server, "", "server"))
      ->type_name("URL");
  verb.add_option("--out", given->out, "Merge into this file; -: print it to stdout")->type_name("FILE");
  verb.add_flag("--no-wait", given->no_wait, "Do not wait until the cluster knows the credential");
  verb.add_flag_function("--renew", [](std::int64_t) {}, "Accepted; the same command again renews");
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) { return give_kubeconfig(session, *given); };
  });
}

void add_access_list(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "list", "List who may use a cluster, and until when",
                        "  dure cluster access list demo");
  auto name = std::make_shared<std::string>();
  verb.add_option("name", *name, "Name or id of the cluster")->required()->type_name("NAME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name] {
    chosen.action = [name](Session& session) {
      const auto answer = session.api.get(accesses_path(*name));
      if (!answer) return fail(session, answer.failure());
      return print(session, show_list(access_kind(), *answer, session.output));
    };
  });
}

void add_access_revoke(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "revoke", "End a credential before its time",
                        "  dure cluster access revoke demo dure:0f8b6c1e-...\n"
                        "'dure cluster access list NAME' shows the users.");
  auto name = std::make_shared<std::string>();
  auto user = std::make_shared<std::string>();
  verb.add_option("name", *name, "Name or id of the cluster")->required()->type_name("NAME");
  verb.add_option("user", *user, "User of the credential")->required()->type_name("USER");
  verb.callback([&chosen, name, user] {
    chosen.action = [name, user](Session& session) {
      const auto answer = session.api.remove(accesses_path(*name) + "/" + path_segment(*user));
      if (!answer) return fail(session, answer.failure());
      say(session, "'" + *user + "' may not use cluster '" + *name + "' any more");
      return Exit::ok;
    };
  });
}

}  // namespace

void add_access_commands(CLI::App& root, Chosen& chosen) {
  auto& cluster = noun_app(root, "cluster");
  add_kubeconfig(cluster, chosen);
  auto& access = *cluster.add_subcommand("access", "See and end the credentials of a cluster");
  access.require_subcommand(1);
  add_access_list(access, chosen);
  add_access_revoke(access, chosen);
}

}  // namespace dure::cli
