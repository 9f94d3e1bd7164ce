#include "controlnode/cli/exit_codes.h"

namespace dure::cli {

Exit exit_for(unsigned status, std::string_view code) {
  if (status < 400) return Exit::ok;
  if (code == "no-capacity" || code == "quota") return Exit::no_capacity;
  switch (status) {
    case 400: return Exit::usage;
    case 401:
    case 403: return Exit::denied;
    case 404: return Exit::not_found;
    case 409:
    case 412:
    case 422: return Exit::conflict;
    default: return Exit::failure;
  }
}

std::string_view exit_codes_help() {
  return R"(Exit codes of dure:

    0  it is done
    1  it failed, or the control node cannot be reached
    2  the command or a value in it is wrong
    3  there is no such thing
    4  no or a wrong token
    5  conflict: the name is taken, the thing is in use, or its state forbids it now
    6  there is no capacity for it (the reasons per host are printed), or the project's quota is used up
    7  the time to wait has passed; the work goes on ('dure operation wait ID')
  130  interrupted by Ctrl-C; work that was accepted goes on
)";
}

}  // namespace dure::cli
