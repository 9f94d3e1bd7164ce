#include "controlnode/edges/pki/openssl_handles.h"

#include <openssl/err.h>

#include <string>

namespace dure::control {

Error openssl_error(std::string_view doing) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string message = "cluster keys: " + std::string(doing) + " failed";
  if (reason != nullptr) message += std::string(": ") + reason;
  ERR_clear_error();
  return {Errc::internal, std::move(message)};
}

Error refused(Errc code, std::string_view message) {
  ERR_clear_error();
  return {code, "cluster keys: " + std::string(message)};
}

}  // namespace dure::control
