// What a decision of placement costs, and how much fits. See README.md.
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "tests/bench/bench_output.h"
#include "tests/bench/place_parts.h"

namespace {

int run(const std::string& only) {
  std::string folder = (std::filesystem::temp_directory_path() / "dure-place-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder for files in " + folder);
  bool held = true;
  const auto part = [&](const char* name, auto&& measure) {
    if (!only.empty() && only != name) return;
    std::cerr << "place: " << name << "; load " << dure::bench::load_average() << '\n';
    const bool good = measure();
    if (!good) std::cerr << "place: " << name << " misses its goal\n";
    held = held && good;
  };
  part("one", [&] { return dure::bench::place_one(folder); });
  part("fill", [&] { return dure::bench::place_fill(folder); });
  part("many", [] { return dure::bench::place_many(); });
  part("durable", [] { return dure::bench::place_durable(); });
  part("refuse", [] { return dure::bench::place_refuse(); });
  part("replay", [] { return dure::bench::place_replay(); });
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  std::cerr << "place: load at the end " << dure::bench::load_average() << '\n';
  return held ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // --part=one, fill, many, durable, refuse or replay: only that.
    const std::string word = argc > 1 ? argv[1] : "";
    return run(word.rfind("--part=", 0) == 0 ? word.substr(7) : "");
  } catch (const std::exception& error) {
    std::cerr << "place: " << error.what() << '\n';
    return 1;
  }
}
