// main() of the tests that need a network namespace of their own: the whole process leaves the
// machine's network behind before any test runs.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <iostream>

int main(int argc, char** argv) {
  if (::unshare(CLONE_NEWNET) != 0) {
    std::cout << "skipped: no right to make a network namespace (" << std::strerror(errno) << ")\n";
    return 77;
  }
  doctest::Context context(argc, argv);
  return context.run();
}
