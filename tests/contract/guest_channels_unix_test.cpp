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
    return client_ >= 0;
  }
  void hang_up() {
    if (client_ >= 0) ::close(client_);
    client_ = -1;
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
    pollfd entries[2] = {{client_, POLLIN, 0}, {listening_, POLLIN, 0}};
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
};

class World {
 public:
  World() {
    std::string name = (std::filesystem::temp_directory_path() / "dure-guests-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    auto opened = UnixGuestChannels::open(listener);
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

TEST_CASE("guest channels over unix sockets keep the contract") {
  World world;
  Qemu first(world.path("a")), second(world.path("b"));
  contract::GuestWorld contract_world{
      *world.channels, world.listener, world.path("a"), world.path("b"),
      [&](const std::string& path, const std::string& stage) {
        (path == world.path("a") ? first : second).say(line(stage));
      }};
  contract::guest_channels_contract(contract_world);
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
