#include "tests/bench/openssl_alone.h"

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "tests/bench/bench_output.h"

namespace dure::bench {
namespace {

struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreePkey>;
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
using Signature = std::array<unsigned char, 64>;

void need(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "openssl: %s failed\n", what);
  std::exit(1);
}

const unsigned char* octets(const std::string& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Signature sign_once(EVP_PKEY* key, const std::string& bytes) {
  const Context context(EVP_MD_CTX_new());
  Signature signature{};
  std::size_t length = signature.size();
  need(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), signature.data(), &length, octets(bytes), bytes.size()) == 1,
       "sign");
  return signature;
}

void verify_once(EVP_PKEY* key, const std::string& bytes, const Signature& signature) {
  const Context context(EVP_MD_CTX_new());
  need(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), octets(bytes),
                            bytes.size()) == 1,
       "verify");
}

double rate(std::size_t count, const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
  return static_cast<double>(count) / seconds.count();
}

}  // namespace

OpensslRates openssl_alone(const std::string& bytes, std::size_t pairs) {
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  need(key != nullptr, "keygen");
  const auto signature = sign_once(key.get(), bytes);
  const auto sign = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) sign_once(key.get(), bytes);
  };
  const auto verify = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) verify_once(key.get(), bytes, signature);
  };
  OpensslRates rates;
  rates.sign = rate(pairs, [&] { sign(pairs); });
  rates.verify = rate(pairs, [&] { verify(pairs); });
  rates.parted = rate(pairs, [&] {
    const std::jthread signer([&] { sign(pairs); });
    verify(pairs);
  });
  const double spent = cpu_seconds();
  rates.both = rate(pairs, [&] {
    const std::jthread other([&] {
      sign(pairs / 2);
      verify(pairs / 2);
    });
    sign(pairs - pairs / 2);
    verify(pairs - pairs / 2);
  });
  rates.per_cpu = static_cast<double>(pairs) / (cpu_seconds() - spent);
  return rates;
}

}  // namespace dure::bench
