#include "controlnode/cli/session.h"

#include "controlnode/cli/layout.h"

namespace dure::cli {

Exit fail(Session& session, const Failure& failure) {
  session.terminal.err << describe(failure) << std::flush;
  return failure.exit;
}

Exit print(Session& session, const Result<std::string>& text) {
  if (!text) {
    Failure failure;
    failure.exit = text.error().code == Errc::invalid_argument ? Exit::usage : Exit::failure;
    failure.message = text.error().message;
    return fail(session, failure);
  }
  session.terminal.out << *text << std::flush;
  // A full disk or a reader that has gone must not look like success.
  if (session.terminal.out) return Exit::ok;
  Failure failure;
  failure.message = "stdout cannot be written";
  return fail(session, failure);
}

void say(Session& session, const std::string& text) {
  session.terminal.err << printable(text) << '\n' << std::flush;
}

}  // namespace dure::cli
