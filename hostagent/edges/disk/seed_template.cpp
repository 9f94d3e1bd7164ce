#include "hostagent/edges/disk/seed_template.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/files.h"
#include "common/run_process.h"

namespace dure::host {
namespace {

namespace fs = std::filesystem;

constexpr Duration kToolTimeout = std::chrono::seconds(60);
constexpr std::size_t kUserDataBytes = 128 << 10;
constexpr std::size_t kSmallBytes = 8 << 10;
constexpr std::size_t kMaxImageBytes = 1 << 20;

// A private directory that is gone when the object is.
class WorkDirectory {
 public:
  explicit WorkDirectory(std::string path) : path_(std::move(path)) { clear(); }
  ~WorkDirectory() { clear(); }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  Result<void> make() const {
    for (const std::string& path : {path_, files()})
      if (mkdir(path.c_str(), 0700) != 0)
        return Error{errno == ENOSPC ? Errc::no_space : Errc::internal,
                     path + ": " + std::strerror(errno)};
    return {};
  }
  std::string files() const { return path_ + "/files"; }
  std::string image() const { return path_ + "/image.iso"; }

 private:
  void clear() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string path_;
};

Result<void> run_xorriso(const WorkDirectory& work) {
  // All dates are fixed, so that every host makes the same template.
  auto outcome = run_process({"xorriso", "-no_rc", "-as", "mkisofs", "-quiet", "-V", "CIDATA", "-J",
                              "-r", "-no-pad", "--set_all_file_dates", "=1", "-o", work.image(),
                              work.files()},
                             kToolTimeout, {"SOURCE_DATE_EPOCH=1"});
  if (!outcome) return outcome.error();
  if (outcome->exit_code == 0) return {};
  // Its last words say why; the first lines are a banner.
  std::string words = outcome->output;
  if (words.size() > 300) words.erase(0, words.size() - 300);
  const bool full = words.find("No space left on device") != std::string::npos;
  return Error{full ? Errc::no_space : Errc::internal,
               "xorriso ended with " + std::to_string(outcome->exit_code) + ": " + words};
}

// What fills a slot in the template; unlike anything else in the image.
std::string filling(char letter, std::size_t size) { return std::string(size, letter); }

}  // namespace

Result<SeedTemplate> SeedTemplate::make(const std::string& work_dir) {
  const WorkDirectory work(work_dir + "/template.tmp");
  if (auto made = work.make(); !made) return made.error();
  SeedTemplate seed;
  struct Part {
    const char* file;
    char letter;
    std::size_t size;
    Slot* slot;
  };
  const std::array<Part, 3> parts{Part{"user-data", 'U', kUserDataBytes, &seed.user_data_},
                                  Part{"meta-data", 'M', kSmallBytes, &seed.meta_data_},
                                  Part{"network-config", 'N', kSmallBytes, &seed.network_config_}};
  for (const Part& part : parts)
    if (auto written = write_file_durably(work.files() + "/" + part.file,
                                          filling(part.letter, part.size), 0600);
        !written)
      return written.error();
  if (auto built = run_xorriso(work); !built) return built.error();
  auto image = read_file(work.image(), kMaxImageBytes);
  if (!image) return image.error();
  seed.image_ = std::move(*image);
  for (const Part& part : parts) {
    const std::size_t at = seed.image_.find(filling(part.letter, part.size));
    if (at == std::string::npos)
      return Error{Errc::internal, std::string("xorriso's image does not hold ") + part.file};
    *part.slot = {at, part.size};
  }
  return seed;
}

Result<std::string> SeedTemplate::fill(const SeedDocuments& documents) const {
  std::string image = image_;
  const std::array<std::pair<const Slot*, const std::string*>, 3> parts{
      std::pair{&user_data_, &documents.user_data}, std::pair{&meta_data_, &documents.meta_data},
      std::pair{&network_config_, &documents.network_config}};
  for (const auto& [slot, text] : parts) {
    if (text->size() > slot->size)
      return Error{Errc::invalid_argument,
                   "seed: a document of " + std::to_string(text->size()) + " bytes; at most " +
                       std::to_string(slot->size) + " fit"};
    std::string padded = *text;
    padded.resize(slot->size, '\n');
    image.replace(slot->offset, slot->size, padded);
  }
  return image;
}

}  // namespace dure::host
