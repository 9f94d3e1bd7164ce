#include "tests/contract/store_postgres_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include <pqxx/pqxx>

#include "controlnode/edges/postgres/database.h"

namespace dure::control::contract {
namespace {

std::string server() { return std::getenv("DURE_TEST_PG"); }

void run(const std::string& statement) {
  pqxx::connection connection(server());
  pqxx::nontransaction work(connection);
  work.exec(statement);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

int unix_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("no socket");
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// What is there; empty at the end of the stream.
std::string receive(int fd) {
  std::string bytes(65536, '\0');
  const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

}  // namespace

std::string fresh_database() {
  static int number = 0;
  const std::string prefix = "dure_contract_" + std::to_string(::getpid()) + "_";
  run("DROP DATABASE IF EXISTS " + prefix + std::to_string(number) + " WITH (FORCE)");
  const std::string name = prefix + std::to_string(++number);
  run("CREATE DATABASE " + name);
  return server() + " dbname=" + name;
}

Result<void> write_beside(const std::string& url, const std::string& script) {
  Database database(url);
  return database.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
    transaction.run_script(script);
    return {};
  });
}

std::unique_ptr<PostgresStore> opened(const std::string& url, AnswerLimits limits) {
  auto store = PostgresStore::open(url, limits);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(store).value();
}

std::optional<Errc> code_of(const Result<void>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

std::vector<std::string> ask(const std::string& url, const std::string& statement) {
  pqxx::connection connection(url);
  pqxx::nontransaction work(connection);
  std::vector<std::string> answers;
  for (const auto& row : work.exec(statement)) answers.emplace_back(row[0].c_str());
  return answers;
}

CuttingProxy::CuttingProxy(const std::string& url) : database_(url) {
  const auto where = ask(url, "SELECT split_part(current_setting('unix_socket_directories'), ',', 1) "
                              "|| '/.s.PGSQL.' || current_setting('port')");
  target_ = where.at(0);
  std::string pattern = (std::filesystem::temp_directory_path() / "dure-proxy-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the proxy");
  folder_ = pattern;
  listener_ = unix_socket();
  const sockaddr_un address = address_of(folder_ + "/.s.PGSQL.5432");
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, 8) != 0 || ::pipe(stop_) != 0) {
    throw std::runtime_error("no socket for the proxy");
  }
  thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
  std::filesystem::remove_all(folder_);
}

std::string CuttingProxy::url() const { return database_ + " host=" + folder_ + " port=5432"; }

void CuttingProxy::cut(const std::string& word, When when, int times) {
  word_ = word;
  when_ = when;
  times_ = times;  // publishes the two above
}

// One client at a time: a store has one connection.
void CuttingProxy::serve() {
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    const int client = ::accept(listener_, nullptr, nullptr);
    const int upstream = unix_socket();
    const sockaddr_un address = address_of(target_);
    if (::connect(upstream, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      relay(client, upstream);
    }
    ::close(upstream);
    ::close(client);
  }
}

void CuttingProxy::relay(int client, int upstream) {
  for (;;) {
    pollfd waits[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    ::poll(waits, 3, -1);
    if (waits[2].revents != 0) return;
    if (waits[0].revents != 0) {
      const std::string bytes = receive(client);
      if (bytes.empty()) return;
      if (times_ > 0 && bytes.find(word_) != std::string::npos) {
        --times_;
        ++cuts_;
        if (when_ == When::after && send_all(upstream, bytes)) receive(upstream);
        return;
      }
      if (mute_) continue;
      if (!send_all(upstream, bytes)) return;
    }
    if (waits[1].revents != 0) {
      const std::string bytes = receive(upstream);
      if (bytes.empty() || !send_all(client, bytes)) return;
    }
  }
}

}  // namespace dure::control::contract
