#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace dure {

// Carries events from the threads inside edges to the one loop that decides. Bounded, so that a
// flood costs the sender and never the memory of the process.
template <class T>
class EventQueue {
 public:
  explicit EventQueue(std::size_t capacity) : capacity_(capacity) {}
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // False when the queue is full or closed: the event is dropped, and a level-triggered sender
  // says it again.
  bool push(T event) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || events_.size() >= capacity_) return false;
      events_.push_back(std::move(event));
    }
    arrived_.notify_one();
    return true;
  }

  // For events that must not be lost and whose number is bounded by their source, such as the
  // outcomes of jobs that were started: accepted above the capacity too.
  void push_always(T event) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      events_.push_back(std::move(event));
    }
    arrived_.notify_one();
  }

  // Everything that waits, in order of arrival; waits at most until `deadline` for the first.
  // Empty: the deadline has passed or the queue was closed.
  std::vector<T> pop_all(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [this] { return closed_ || !events_.empty(); });
    std::vector<T> taken(std::make_move_iterator(events_.begin()),
                         std::make_move_iterator(events_.end()));
    events_.clear();
    return taken;
  }

  // Refuses further events and wakes whoever waits; what is queued can still be taken.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    arrived_.notify_all();
  }

  bool empty() const {
    const std::lock_guard lock(mutex_);
    return events_.empty();
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<T> events_;
  bool closed_ = false;
};

}  // namespace dure
