#include "controlnode/edges/postgres/answer_deadline.h"

#include <sys/socket.h>

namespace dure::control {

AnswerDeadline::AnswerDeadline() : thread_([this] { watch(); }) {}

AnswerDeadline::~AnswerDeadline() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AnswerDeadline::arm(int socket, Duration limit) {
  {
    const std::lock_guard lock(mutex_);
    socket_ = socket;
    due_ = std::chrono::steady_clock::now() + limit;
    expired_ = false;
  }
  changed_.notify_all();
}

bool AnswerDeadline::disarm() {
  const std::lock_guard lock(mutex_);
  socket_ = -1;
  return !expired_;
}

void AnswerDeadline::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (socket_ < 0) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, due_) == std::cv_status::timeout && socket_ >= 0 &&
               std::chrono::steady_clock::now() >= due_) {
      ::shutdown(socket_, SHUT_RDWR);
      socket_ = -1;
      expired_ = true;
    }
  }
}

}  // namespace dure::control
