#include "controlnode/app/key_files.h"

#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include "common/files.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxKeyFile = 4096;

// The file's text without the newline at its end.
Result<std::string> read_line(const std::string& path) {
  auto text = read_file(path, kMaxKeyFile);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

Result<void> keep_or_write(const std::string& path, const std::string& text, unsigned mode) {
  const auto there = read_file(path, kMaxKeyFile);
  if (there) return {};
  if (there.error().code != Errc::not_found) return there.error();
  return write_file_durably(path, text, mode);
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

std::string as_text(const auto& bytes) { return {bytes.begin(), bytes.end()}; }

// Values come from our own generators; none of their alphabets has a quote.
std::string bundle(const KeyFiles& keys) {
  return "# What an agent has to know of its control node. Nothing in it is secret.\n"
         "system_id = '" + keys.system.str() + "'\n"
         "control_curve_key = '" + keys.curve.public_key + "'\n"
         "signing_key = '" + hex(as_text(keys.signing.public_key())) + "'\n"
         "key_id = '" + hex(as_text(keys.signing.key_id())) + "'\n";
}

}  // namespace

Result<void> init_key_files(const std::string& directory, const CurvePair& fresh_curve,
                            Random& random) {
  if (auto made = make_directories(directory, 0700); !made) return made;
  auto signing = wire::SigningKey::generate();
  if (!signing) return signing.error();
  const auto token = as_text(random.bytes16()) + as_text(random.bytes16());
  // The public CURVE key is written first: a secret without its public half is never left behind.
  const std::pair<const char*, std::string> files[] = {
      {"/system_id", uuid_from_random(random.bytes16()).str() + "\n"},
      {"/signing.key", signing->private_bytes()},
      {"/api-token", hex(token) + "\n"},
      {"/secrets.key", as_text(random.bytes16()) + as_text(random.bytes16())},
      {"/curve.key", fresh_curve.public_key + "\n" + fresh_curve.secret_key + "\n"},
  };
  for (const auto& [name, text] : files) {
    if (auto kept = keep_or_write(directory + name, text, 0600); !kept) return kept;
  }
  const auto keys = load_key_files(directory);
  if (!keys) return keys.error();
  const std::pair<const char*, std::string> shown[] = {
      {"/curve.pub", keys->curve.public_key + "\n"},
      {"/signing.pub", hex(as_text(keys->signing.public_key())) + "\n"},
      {"/agent-bundle.toml", bundle(*keys)},
  };
  for (const auto& [name, text] : shown) {
    if (auto written = write_file_durably(directory + name, text, 0644); !written) return written;
  }
  return {};
}

Result<KeyFiles> load_key_files(const std::string& directory) {
  const auto system_text = read_line(directory + "/system_id");
  if (!system_text) return system_text.error();
  const auto system = SystemId::parse(*system_text);
  if (!system) return Error{Errc::corrupt, directory + "/system_id holds no UUID"};
  const auto curve = read_line(directory + "/curve.key");
  if (!curve) return curve.error();
  // 40 characters of Z85, a newline, 40 characters.
  if (curve->size() != 81 || (*curve)[40] != '\n') {
    return Error{Errc::corrupt, directory + "/curve.key holds no CURVE key pair"};
  }
  const auto raw = read_file(directory + "/signing.key", kMaxKeyFile);
  if (!raw) return raw.error();
  auto signing = wire::SigningKey::from_bytes(*raw);
  if (!signing) return Error{Errc::corrupt, directory + "/signing.key: " + signing.error().message};
  auto token = read_line(directory + "/api-token");
  if (!token) return token.error();
  if (token->size() < 32) return Error{Errc::corrupt, directory + "/api-token is too short"};
  auto secrets = read_file(directory + "/secrets.key", kMaxKeyFile);
  if (!secrets) {
    if (secrets.error().code != Errc::not_found) return secrets.error();
    return Error{Errc::not_found, directory + "/secrets.key is missing: run dure-controlnode init again, which "
                                              "makes what is missing and keeps what is there"};
  }
  if (secrets->size() != 32) return Error{Errc::corrupt, directory + "/secrets.key has not 32 bytes"};
  return KeyFiles{*system, {curve->substr(0, 40), curve->substr(41)}, std::move(*signing),
                  std::move(*token), std::move(*secrets)};
}

}  // namespace dure::control
