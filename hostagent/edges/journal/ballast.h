#pragma once

#include <cstdint>
#include <string>

namespace dure::host {

// Room on a disk that is kept for what must be written when it is full: a file of blocks that nobody uses. Without it the
// order that would make room could not be accepted.
class Ballast {
 public:
  Ballast(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) { keep(); }

  // Gives the room to whoever writes next. False: there was none kept.
  bool give();
  // Has it again, if the disk has far more than that left.
  void keep();

 private:
  std::string path_;
  std::uint64_t bytes_;
  bool kept_ = false;
};

}  // namespace dure::host
