#include "tests/contract/blob_store_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>

#include "common/sha256.h"

namespace dure::test {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string read_head(int fd) {
  std::string head;
  std::array<char, 1024> part{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < 16384) {
    const ssize_t count = ::recv(fd, part.data(), part.size(), 0);
    if (count <= 0) return {};
    head.append(part.data(), static_cast<std::size_t>(count));
  }
  return head;
}

std::string header_value(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

}  // namespace

BlobRef ref_of(const std::string& bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return {hash.finish(), bytes.size()};
}

std::string random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 engine(seed);
  std::string bytes(count, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(engine() & 0xffU);
  return bytes;
}

BlobServer::BlobServer() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, length) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, generic, &length) != 0) {
    throw std::runtime_error("no loopback server");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { loop(); });
}

BlobServer::~BlobServer() {
  ::shutdown(listener_, SHUT_RDWR);  // ends accept()
  thread_.join();
  ::close(listener_);
}

void BlobServer::serve(const Digest& digest, std::string bytes) {
  const std::lock_guard lock(mutex_);
  files_["/blobs/" + digest.str()] = std::move(bytes);
}

void BlobServer::behave(Behaviour behaviour) {
  const std::lock_guard lock(mutex_);
  behaviour_ = std::move(behaviour);
}

std::vector<BlobServer::Request> BlobServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void BlobServer::loop() {
  while (true) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    answer(connection);
    ::close(connection);
  }
}

void BlobServer::answer(int connection) {
  const std::string head = read_head(connection);
  if (!head.starts_with("GET ")) return;
  const std::string path = head.substr(4, head.find(' ', 4) - 4);
  const std::string range = header_value(head, "Range");
  Behaviour behaviour;
  std::string body;
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back({path, range});
    behaviour = behaviour_;
    behaviour_.cut_after = -1;
    known = files_.contains(path);
    if (known) body = files_[path];
  }
  if (behaviour.status != 0 || !known) {
    const std::string page = "<p>an error page</p>";
    send_all(connection, "HTTP/1.1 " + std::to_string(behaviour.status != 0 ? behaviour.status : 404) + " No\r\n" +
                             (behaviour.location.empty() ? "" : "Location: " + behaviour.location + "\r\n") +
                             "Content-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page);
    return;
  }
  std::string status = "200 OK", extra;
  if (range.starts_with("bytes=") && !behaviour.ignore_range) {
    const std::size_t from = std::stoul(range.substr(6));
    if (from >= body.size()) {
      send_all(connection, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    status = "206 Partial Content";
    extra = "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" +
            std::to_string(body.size()) + "\r\n";
    body.erase(0, from);
  }
  if (!behaviour.no_length) extra += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (send_all(connection, "HTTP/1.1 " + status + "\r\n" + extra + "Connection: close\r\n\r\n")) {
    send_body(connection, body, behaviour);
  }
}

void BlobServer::send_body(int connection, const std::string& body, const Behaviour& behaviour) {
  std::string_view part = body;
  if (behaviour.cut_after >= 0) part = part.substr(0, static_cast<std::size_t>(behaviour.cut_after));
  if (behaviour.stall_after >= 0) part = part.substr(0, static_cast<std::size_t>(behaviour.stall_after));
  if (!send_all(connection, part) || behaviour.stall_after < 0) return;
  char byte = 0;
  while (::recv(connection, &byte, 1, 0) > 0) {  // until the client gives up
  }
}

}  // namespace dure::test
