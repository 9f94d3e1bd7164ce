#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <mutex>
#include <utility>

namespace dure::control {

// The way back onto the server's thread for answers that are given elsewhere and later: also after
// the server is gone.
class Doorway {
 public:
  explicit Doorway(boost::asio::io_context& io) : io_(&io) {}
  void post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    if (io_ != nullptr) boost::asio::post(*io_, std::move(job));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

}  // namespace dure::control
