// The contract over real unix sockets, and what hostile guests may try.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "hostagent/edges/guest/guest_document.h"
#include "hostagent/edges/guest/guest_status.h"
#include "hostagent/edges/guest/unix_guest_channels.h"
#include "tests/contract/guest_channels_contract.h"

using namespace dure;
using namespace dure::host;
using contract::guest_number;
using contract::RecordingGuestListener;

namespace {

std::string line(const std::string& stage) {
  return R"({"v":1,"boot_id":"5eed0000-0000-4000-8000-000000000001","stages":[{"name":")" + stage +
         R"(","at_ms":12}]})" + "\n";
}

std::string line(const GuestStatus& status) {
  std::string text = line(status.stages.at(0).name);
  text.resize(text.size() - 2);  // the brace and the line end
  if (!status.have.empty()) text += ",\"have\":\"" + status.have + "\"";
  if (!status.departed.empty()) {
    text += ",\"departed\":[";
    for (const auto& name : status.departed) text += "\"" + name + "\",";
    text.back() = ']';
  }
  return text + "}\n";
}

std::string revision(std::string_view document) {
  return checked_document(std::string(document)).value().revision;
}

// The ordered bytes in a line that a guest was sent; empty when it is not exactly such a line.
std::string document_in(const std::string& sent) {
  const std::string before = R"({"v":1,"revision":")", after = R"(","now_ms":)", key = R"(,"document":)";
  const auto found = sent.find(key);
  if (!sent.starts_with(before) || sent.substr(before.size() + 16, after.size()) != after) return {};
  if (found == std::string::npos || !sent.ends_with("}")) return {};
  const auto document = sent.substr(found + key.size(), sent.size() - found - key.size() - 1);
  return revision(document) == sent.substr(before.size(), 16) ? document : std::string();
}

// QEMU's end of a channel: listens, serves one client at a time.
class Qemu {
 public:
  explicit Qemu(std::string path) : path_(std::move(path)) { bind_now(); }
  ~Qemu() {
    hang_up();
    ::close(listening_);
  }
  Qemu(const Qemu&) = delete;
  Qemu& operator=(const Qemu&) = delete;

  // False: nobody came within ten seconds.
  bool accept_client() {
    pollfd entry{listening_, POLLIN, 0};
    if (::poll(&entry, 1, 10'000) != 1) return false;
    hang_up();
    client_ = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    ++accepted_;
    received_.clear();
    return client_ >= 0;
  }
  void hang_up() {
    if (client_ >= 0) ::close(client_);
    client_ = -1;
  }
  int accepted() const { return accepted_; }
  // The next line that the guest is sent, without its end; empty: none within so many milliseconds.
  std::string read_line(int patience_ms = 10'000) {
    std::size_t end = 0;
    while ((end = received_.find('\n')) == std::string::npos) {
      pollfd entry{client_, POLLIN, 0};
      if (::poll(&entry, 1, patience_ms) != 1) return {};
      char part[4096];
      const ssize_t got = ::recv(client_, part, sizeof part, 0);
      if (got <= 0) return {};
      received_.append(part, static_cast<std::size_t>(got));
    }
    const std::string text = received_.substr(0, end);
    received_.erase(0, end + 1);
    return text;
  }
  // False: the reader has gone.
  bool write_all(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t done = ::send(client_, text.data(), text.size(), MSG_NOSIGNAL);
      if (done <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
  }
  // Says it to whoever is connected, or to the next one; a reader that has just left is replaced.
  void say(std::string_view text) {
    pollfd entries[2] = {{client_, POLLRDHUP, 0}, {listening_, POLLIN, 0}};
    ::poll(entries, 2, 50);
    if (client_ < 0 || entries[0].revents != 0 || entries[1].revents != 0)
      REQUIRE(accept_client());
    REQUIRE(write_all(text));
  }

 private:
  void bind_now() {
    ::unlink(path_.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path_.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_, 1) == 0);
  }

  std::string path_;
  int listening_ = -1;
  int client_ = -1;
  int accepted_ = 0;
  std::string received_;
};

class World {
 public:
  explicit World(std::chrono::milliseconds resend = std::chrono::seconds(2)) {
    std::string name = (std::filesystem::temp_directory_path() / "dure-guests-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    auto opened = UnixGuestChannels::open(listener, resend);
    REQUIRE(opened.ok());
    channels = std::move(*opened);
  }
  ~World() {
    channels.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  bool hears(const NodeId& vm, const std::string& stage) {
    return listener.wait_for([&](const RecordingGuestListener::Told& told) {
      return told.vm == vm && told.status.stages[0].name == stage;
    });
  }

  RecordingGuestListener listener;
  std::unique_ptr<UnixGuestChannels> channels;

 private:
  std::string directory_;
};

}  // namespace

namespace {

contract::GuestWorld contract_world(World& world, Qemu& first, Qemu& second) {
  const auto qemu = [&](const std::string& path) -> Qemu& { return path == world.path("a") ? first : second; };
  return {*world.channels, world.listener, world.path("a"), world.path("b"),
          [=](const std::string& path, const std::string& stage) { qemu(path).say(line(stage)); },
          [=](const std::string& path, const GuestStatus& status) { qemu(path).say(line(status)); },
          [=](const std::string& path) { return document_in(qemu(path).read_line()); }};
}

}  // namespace

TEST_CASE("guest channels over unix sockets keep the contract") {
  World world;
  Qemu first(world.path("a")), second(world.path("b"));
  auto both = contract_world(world, first, second);
  contract::guest_channels_contract(both);
}

TEST_CASE("guest channels give documents over the connection that they have") {
  World world;
  Qemu first(world.path("a")), second(world.path("b"));
  auto both = contract_world(world, first, second);
  contract::guest_documents_contract(both, revision);
  CHECK(first.accepted() == 1);
  CHECK(second.read_line(0).empty());
}

TEST_CASE("a guest is told the control node's date with its document, whatever the machine's is") {
  World world;
  Qemu qemu(world.path("a"));
  const std::string document = R"({"v":1})";
  world.channels->date(TimePoint{1'000'000'000'000'000});
  world.channels->watch({{guest_number(1), world.path("a"), document}});
  REQUIRE(qemu.accept_client());
  REQUIRE(qemu.write_all(line("booted")));
  const auto sent = qemu.read_line();
  CHECK(sent.find("\"now_ms\":10000000") != std::string::npos);
}

TEST_CASE("a document is not sent again before its time, and not to a guest that has it") {
  World world(std::chrono::hours(1));
  Qemu qemu(world.path("a"));
  const std::string document = R"({"v":1})";
  world.channels->watch({{guest_number(1), world.path("a"), document}});
  REQUIRE(qemu.accept_client());
  const auto tell = [&](const std::string& stage, const std::string& have) {
    REQUIRE(qemu.write_all(line(contract::status_of(stage, have))));
    REQUIRE(world.hears(guest_number(1), stage));
  };
  tell("has-it", revision(document));
  tell("still-has-it", revision(document));
  CHECK(qemu.read_line(0).empty());
  tell("has-another", "0123456789abcdef");
  CHECK(document_in(qemu.read_line()) == document);
  tell("has-none", "");
  tell("still-has-none", "");
  CHECK(qemu.read_line(0).empty());
}

TEST_CASE("a guest that was started anew is given its document at once") {
  World world(std::chrono::hours(1));
  Qemu qemu(world.path("a"));
  world.channels->watch({{guest_number(1), world.path("a"), "{}"}});
  for (int boot = 0; boot < 2; ++boot) {
    REQUIRE(qemu.accept_client());
    REQUIRE(qemu.write_all(line("booted")));
    CHECK(document_in(qemu.read_line()) == "{}");
    qemu.hang_up();
  }
}

TEST_CASE("what is no document is not sent, and its guest is heard all the same") {
  for (const std::string bad : {"[]", "{}\n{}", "{} {}", "{", "{\"a\":1}}", "text"}) {
    CAPTURE(bad);
    World world;
    Qemu qemu(world.path("a"));
    world.channels->watch({{guest_number(1), world.path("a"), bad}});
    REQUIRE(qemu.accept_client());
    for (const char* stage : {"booted", "ready"}) {
      REQUIRE(qemu.write_all(line(stage)));
      CHECK(world.hears(guest_number(1), stage));
    }
    CHECK(qemu.read_line(0).empty());
  }
}

TEST_CASE("a guest that never reads keeps nobody waiting, and finds whole lines when it does") {
  World world(std::chrono::milliseconds(1));
  Qemu lazy(world.path("a")), other(world.path("b"));
  const std::string large = R"({"x":")" + std::string(60'000, 'x') + "\"}", changed = R"({"y":1})";
  world.channels->watch({{guest_number(1), world.path("a"), large}, {guest_number(2), world.path("b"), ""}});
  REQUIRE(lazy.accept_client());
  REQUIRE(other.accept_client());
  // More than any socket holds: in the end a line is left half sent.
  for (int n = 0; n < 40; ++n) {
    REQUIRE(lazy.write_all(line("l" + std::to_string(n))));
    REQUIRE(world.hears(guest_number(1), "l" + std::to_string(n)));
  }
  REQUIRE(other.write_all(line("ready")));
  CHECK(world.hears(guest_number(2), "ready"));
  world.channels->watch({{guest_number(1), world.path("a"), changed}, {guest_number(2), world.path("b"), ""}});
  REQUIRE(other.write_all(line("after")));
  CHECK(world.hears(guest_number(2), "after"));

  int lines = 0;
  std::string last;
  while (last != changed && lines < 100) {
    const std::string sent = lazy.read_line(100);
    if (sent.empty()) {
      REQUIRE(lazy.write_all(line("asks")));
      ++lines;
      continue;
    }
    last = document_in(sent);
    CHECK((last == large || last == changed));
    ++lines;
  }
  CHECK(last == changed);
  CHECK(lazy.accepted() == 1);
}

TEST_CASE("a guest that starts after it is watched is heard, and again after it was gone") {
  World world;
  world.channels->watch({{guest_number(1), world.path("late")}});
  {
    Qemu qemu(world.path("late"));
    REQUIRE(qemu.accept_client());
    REQUIRE(qemu.write_all(line("booted")));
    CHECK(world.hears(guest_number(1), "booted"));
  }
  Qemu again(world.path("late"));
  REQUIRE(again.accept_client());
  REQUIRE(again.write_all(line("ready")));
  CHECK(world.hears(guest_number(1), "ready"));
}

TEST_CASE("a line may come in pieces, and a broken one costs only itself") {
  World world;
  Qemu qemu(world.path("a"));
  world.channels->watch({{guest_number(1), world.path("a")}});
  REQUIRE(qemu.accept_client());
  const std::string text = line("network");
  for (const char c : text) REQUIRE(qemu.write_all(std::string_view(&c, 1)));
  CHECK(world.hears(guest_number(1), "network"));
  REQUIRE(qemu.write_all("{\"v\":1}\nnot json\n\n" + line("configured") + "{\"v\":"));
  CHECK(world.hears(guest_number(1), "configured"));
  CHECK(world.listener.count() == 2);
}

TEST_CASE("a line that never ends is dropped, and the next one is read") {
  World world;
  Qemu qemu(world.path("a"));
  world.channels->watch({{guest_number(1), world.path("a")}});
  REQUIRE(qemu.accept_client());
  REQUIRE(qemu.write_all(std::string(3 * kMaxGuestLineBytes, 'x') + line("booted")));
  REQUIRE(qemu.write_all(line("ready")));
  CHECK(world.hears(guest_number(1), "ready"));
}

TEST_CASE("a guest that floods does not keep another from being heard") {
  World world;
  Qemu flooding(world.path("a")), quiet(world.path("b"));
  world.channels->watch({{guest_number(1), world.path("a")}, {guest_number(2), world.path("b")}});
  REQUIRE(flooding.accept_client());
  REQUIRE(quiet.accept_client());
  std::string flood;
  for (int n = 0; n < 500; ++n) flood += line("noise");
  REQUIRE(flooding.write_all(flood));
  REQUIRE(quiet.write_all(line("ready")));
  CHECK(world.hears(guest_number(2), "ready"));
  INFO("many lines read at once are told once");
  CHECK(world.listener.count() < 100);
}

TEST_CASE("a path that no socket address can hold is never connected, and harms nobody") {
  World world;
  Qemu qemu(world.path("a"));
  world.channels->watch({{guest_number(1), world.path(std::string(200, 'p'))},
                         {guest_number(2), world.path("a")}});
  REQUIRE(qemu.accept_client());
  REQUIRE(qemu.write_all(line("booted")));
  CHECK(world.hears(guest_number(2), "booted"));
}
