#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "controlnode/edges/http/doorway.h"
#include "controlnode/ports/tunnel_gate.h"

namespace dure::control {

// Carries bytes between a connection and a stream, both ways, until both sides have ended or one is
// broken. All of it runs on the server's thread. It reads from neither what the other does not take.
class RawPipe : public std::enable_shared_from_this<RawPipe> {
 public:
  RawPipe(boost::asio::ip::tcp::socket socket, std::shared_ptr<TunnelStream> stream,
          std::shared_ptr<Doorway> doorway);

  // `greeting` goes out first; `already` was read with the request. `over` is called once.
  void start(std::string greeting, std::string already, std::function<void()> over);

 private:
  void move();
  void read_client();
  void write_client();
  void write_stream();
  void end();

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<TunnelStream> stream_;  // null: over
  std::shared_ptr<Doorway> doorway_;
  std::function<void()> over_;
  std::string to_client_, to_stream_;
  std::array<char, 32 * 1024> chunk_;
  bool reading_ = false, writing_ = false;
  bool client_said_all_ = false, client_told_all_ = false;
};

}  // namespace dure::control
