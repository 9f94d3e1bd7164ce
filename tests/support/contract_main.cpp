// main() of the tests that need something started for them, named by an environment variable.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  if (std::getenv(DURE_NEEDS_ENV) == nullptr) {
    std::cout << "skipped: " DURE_NEEDS_ENV " not set\n";
    return 77;
  }
  doctest::Context context(argc, argv);
  return context.run();
}
