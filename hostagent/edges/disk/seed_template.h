#pragma once

#include <cstddef>
#include <string>

#include "common/result.h"
#include "hostagent/edges/disk/seed_documents.h"

namespace dure::host {

// An ISO image, made once by xorriso, in which each document has a slot of fixed size. An image for
// a VM is a copy with the slots filled in and padded by line ends, which no parser of the documents
// minds. xorriso sleeps 100 ms whenever it writes an image: with the template a VM does not wait
// for that.
class SeedTemplate {
 public:
  // `work_dir` must exist; what is made in it is removed again.
  static Result<SeedTemplate> make(const std::string& work_dir);

  // `invalid_argument`: a document is larger than its slot.
  Result<std::string> fill(const SeedDocuments& documents) const;

 private:
  struct Slot {
    std::size_t offset = 0;
    std::size_t size = 0;
  };

  SeedTemplate() = default;
  std::string image_;
  Slot user_data_, meta_data_, network_config_;
};

}  // namespace dure::host
