#include "controlnode/cli/image_import.h"

#include <sys/stat.h>

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "common/digest.h"
#include "common/files.h"
#include "controlnode/cli/progress.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostManifestBytes = 64 * 1024;
constexpr std::uint64_t kGib = 1ULL << 30;

struct Blob {
  std::string part;  // disk, kernel, initrd
  Digest digest;
  std::uint64_t size_bytes = 0;
  std::uint64_t virtual_size_bytes = 0;  // 0: not told
  json::object body() const { return {{"sha256", digest.str()}, {"size_bytes", size_bytes}}; }
};

Failure wrong(const std::string& what) { return {Exit::usage, what, {}, {}, {}, false, 0}; }

std::optional<std::uint64_t> number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  const auto result = value->to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(result);
}

Outcome<std::optional<Blob>> read_blob(const json::object& manifest, const std::string& part,
                                       const std::string& file) {
  const auto* value = manifest.if_contains(part);
  if (value == nullptr || value->is_null()) return std::optional<Blob>();
  const auto* object = value->if_object();
  const auto* name = object == nullptr ? nullptr : object->if_contains("sha256");
  const auto digest =
      name != nullptr && name->is_string() ? Digest::parse(name->get_string()) : std::nullopt;
  const auto size = object == nullptr ? std::nullopt : number(*object, "size_bytes");
  if (!digest || !size || *size == 0) {
    return wrong(file + ": " + part + " wants sha256 (64 hexadecimal digits) and size_bytes");
  }
  return std::optional(
      Blob{part, *digest, *size, number(*object, "virtual_size_bytes").value_or(0)});
}

// Sends the file unless it is there already.
Outcome<bool> upload(Session& session, const Blob& blob, const std::string& directory) {
  UploadView view(session.terminal, blob.part);
  const auto known = session.api.get("/blobs/" + blob.digest.str());
  if (known) {
    view.finish("is there already");
    return true;
  }
  if (known.failure().exit != Exit::not_found) return known.failure();
  const auto file = directory + "blobs/" + blob.digest.str();
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return wrong(file + " (" + blob.part + ") is missing");
  }
  if (static_cast<std::uint64_t>(info.st_size) != blob.size_bytes) {
    return wrong(file + " has " + std::to_string(info.st_size) + " bytes, the manifest says " +
                 std::to_string(blob.size_bytes));
  }
  const auto sent = session.api.upload(
      "/blobs?sha256=" + blob.digest.str(), file,
      [&view](std::uint64_t done, std::uint64_t total) { view.update(done, total); });
  if (!sent) return sent.failure();
  view.finish("sent");
  return true;
}

}  // namespace

Outcome<json::object> import_blobs(Session& session, const std::string& name,
                                   const std::string& manifest) {
  const auto text = read_file(manifest, kMostManifestBytes);
  if (!text) return wrong(text.error().message);
  json::error_code error;
  const auto value = json::parse(*text, error);
  if (error || !value.is_object()) return wrong(manifest + " is not a JSON object");
  const auto& object = value.get_object();
  json::object body{{"name", name}};
  const auto slash = manifest.rfind('/');
  const auto directory = slash == std::string::npos ? std::string() : manifest.substr(0, slash + 1);
  session.patience.listen();
  for (const std::string part : {"disk", "kernel", "initrd"}) {
    const auto blob = read_blob(object, part, manifest);
    if (!blob) return blob.failure();
    if (!blob->has_value()) {
      if (part == "disk") return wrong(manifest + " has no disk");
      continue;
    }
    if (const auto sent = upload(session, **blob, directory); !sent) return sent.failure();
    body[part] = (*blob)->body();
    if (part == "disk") {
      body["min_disk_gib"] = ((*blob)->virtual_size_bytes + kGib - 1) / kGib;
    }
  }
  if (const auto* cmdline = object.if_contains("cmdline"); cmdline && cmdline->is_string()) {
    body["cmdline"] = *cmdline;
  }
  if (const auto* version = object.if_contains("kubernetes"); version && version->is_string()) {
    body["kubernetes"] = *version;
  }
  return body;
}

}  // namespace dure::cli
