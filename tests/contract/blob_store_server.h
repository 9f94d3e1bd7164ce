#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "protocol/messages/host_order.h"

namespace dure::test {

BlobRef ref_of(const std::string& bytes);
// Bytes that no compression and no repetition can mistake for others.
std::string random_bytes(std::size_t count, std::uint32_t seed);

// A small HTTP/1.1 server on loopback with the ways in which one can fail. One request for each
// connection, one connection at a time.
class BlobServer {
 public:
  struct Behaviour {
    std::int64_t cut_after = -1;    // closes after so many bytes of the body, once
    std::int64_t stall_after = -1;  // sends so many bytes and then nothing, until the client leaves
    bool ignore_range = false;
    bool no_length = false;         // the end of the connection is the end of the body
    int status = 0;                 // answers with this instead
    std::string location{};         // with a status: where to go
  };
  struct Request {
    std::string path, range;
  };

  BlobServer();
  ~BlobServer();
  BlobServer(const BlobServer&) = delete;
  BlobServer& operator=(const BlobServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  void serve(const Digest& digest, std::string bytes);
  void behave(Behaviour behaviour);
  std::vector<Request> requests() const;

 private:
  void loop();
  void answer(int connection);
  void send_body(int connection, const std::string& body, const Behaviour& behaviour);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> files_;
  Behaviour behaviour_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace dure::test
