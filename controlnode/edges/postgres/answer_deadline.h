#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/time.h"

namespace dure::control {

// Ends a connection whose server does not answer in time, from a thread of its own: the driver waits in a read that only the
// end of its socket ends, and a server that is stopped still acknowledges what it is sent.
class AnswerDeadline {
 public:
  AnswerDeadline();
  ~AnswerDeadline();
  AnswerDeadline(const AnswerDeadline&) = delete;
  AnswerDeadline& operator=(const AnswerDeadline&) = delete;

  // From here on the socket is shut down when `limit` has passed before disarm(). It must stay open until then.
  void arm(int socket, Duration limit);
  // False: it was shut down.
  bool disarm();

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  int socket_ = -1;
  std::chrono::steady_clock::time_point due_;
  bool expired_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace dure::control
