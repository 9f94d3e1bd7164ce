#include "hostagent/app/key_files.h"

#include <algorithm>
#include <utility>

#include "common/config.h"
#include "common/digest.h"
#include "common/files.h"

namespace dure::host {
namespace {

constexpr std::size_t kMaxKeyFile = 4096;

Result<void> keep_or_write(const std::string& path, const std::string& text) {
  const auto there = read_file(path, kMaxKeyFile);
  if (there) return {};
  if (there.error().code != Errc::not_found) return there.error();
  return write_file_durably(path, text, 0600);
}

}  // namespace

Result<void> init_key_files(const std::string& directory, const CurvePair& fresh_curve,
                            Random& random) {
  if (auto made = make_directories(directory, 0700); !made) return made;
  const auto id = uuid_from_random(random.bytes16()).str() + "\n";
  if (auto kept = keep_or_write(directory + "/host_id", id); !kept) return kept;
  const auto pair = fresh_curve.public_key + "\n" + fresh_curve.secret_key + "\n";
  if (auto kept = keep_or_write(directory + "/curve.key", pair); !kept) return kept;
  const auto keys = load_key_files(directory);
  if (!keys) return keys.error();
  return write_file_durably(directory + "/curve.pub", keys->curve.public_key + "\n", 0644);
}

Result<KeyFiles> load_key_files(const std::string& directory) {
  const auto id_text = read_file(directory + "/host_id", kMaxKeyFile);
  if (!id_text) return id_text.error();
  const auto id = HostId::parse(id_text->substr(0, id_text->find('\n')));
  if (!id) return Error{Errc::corrupt, directory + "/host_id holds no UUID"};
  const auto curve = read_file(directory + "/curve.key", kMaxKeyFile);
  if (!curve) return curve.error();
  // Two lines of 40 characters of Z85.
  if (curve->size() != 82 || (*curve)[40] != '\n') {
    return Error{Errc::corrupt, directory + "/curve.key holds no CURVE key pair"};
  }
  return KeyFiles{*id, {curve->substr(0, 40), curve->substr(41, 40)}};
}

std::string introduction(const KeyFiles& keys) {
  return "host_id: " + keys.host.str() + "\ncurve_key: " + keys.curve.public_key + "\n";
}

Result<ControlBundle> load_bundle(const std::string& path) {
  using Kind = ConfigKey::Kind;
  const auto config = Config::load(path,
                                   {{"system_id", Kind::text, std::nullopt, "installation"},
                                    {"control_curve_key", Kind::text, std::nullopt, "CURVE key"},
                                    {"signing_key", Kind::text, std::nullopt, "Ed25519 key"},
                                    {"key_id", Kind::text, "", "its id, for people to compare"}},
                                   "DURE_BUNDLE");
  if (!config) return config.error();
  const auto system = SystemId::parse(config->text("system_id"));
  if (!system) return Error{Errc::invalid_argument, path + ": system_id is no UUID"};
  const auto& curve_key = config->text("control_curve_key");
  if (curve_key.size() != 40) {
    return Error{Errc::invalid_argument, path + ": control_curve_key wants 40 characters"};
  }
  // 32 bytes in hexadecimal: the same grammar as a SHA-256.
  const auto raw = Digest::parse(config->text("signing_key"));
  if (!raw) return Error{Errc::invalid_argument, path + ": signing_key wants 64 hexadecimal digits"};
  wire::PublicKeyBytes bytes{};
  std::copy(raw->bytes.begin(), raw->bytes.end(), bytes.begin());
  auto signing = wire::VerifyingKey::from_bytes(bytes);
  if (!signing) return Error{Errc::invalid_argument, path + ": " + signing.error().message};
  return ControlBundle{*system, curve_key, std::move(*signing)};
}

}  // namespace dure::host
