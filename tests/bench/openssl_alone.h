#pragma once

#include <cstddef>
#include <string>

namespace dure::bench {

// What OpenSSL alone does with these bytes and a key of its own, without any of our code.
struct OpensslRates {
  double sign = 0;      // per second, one thread, alone
  double verify = 0;    // per second, one thread, alone
  double parted = 0;    // pairs per second of two threads: one signs all, the other verifies all
  double both = 0;      // pairs per second of two threads that sign and verify each: no core idles
  double per_cpu = 0;   // pairs per second of computing, in the case before
};

OpensslRates openssl_alone(const std::string& bytes, std::size_t pairs);

}  // namespace dure::bench
