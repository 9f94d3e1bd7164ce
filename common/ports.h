#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include "common/time.h"

namespace dure {

// What both programs need from the machine, so that a simulation can give it instead.

class Clock {
 public:
  virtual ~Clock() = default;
  // The machine's date, whatever it is set to: for display, certificates and leases; never a safety input.
  virtual TimePoint now() = 0;
};

class SteadyClock {
 public:
  virtual ~SteadyClock() = default;
  // For silence, retries and deadlines. Every object counts from a start of its own.
  virtual SteadyPoint now() = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual std::array<std::uint8_t, 16> bytes16() = 0;
};

// Runs what takes time (libvirt, a download, netlink, a commit) away from the loop that decides.
// The job itself posts its outcome back as an event.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  virtual void run(std::function<void()> job) = 0;
  // For who may not wait, as run() may: false when it was not taken.
  virtual bool try_run(std::function<void()> job) {
    run(std::move(job));
    return true;
  }
};

}  // namespace dure
