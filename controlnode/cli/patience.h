#pragma once

#include "common/time.h"

namespace dure::cli {

// Waiting that Ctrl-C ends.
class Patience {
 public:
  virtual ~Patience() = default;
  // From here on Ctrl-C no longer ends the process but is told by the two below.
  virtual void listen() = 0;
  virtual bool interrupted() = 0;
  // Waits; true when it was interrupted.
  virtual bool pause(Duration length) = 0;
  // For measuring: never goes back.
  virtual TimePoint now() = 0;
};

}  // namespace dure::cli
