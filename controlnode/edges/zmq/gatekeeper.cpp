#include "controlnode/edges/zmq/gatekeeper.h"

#include <zmq.h>

#include <exception>
#include <vector>

#include "common/log.h"

namespace dure::control {
namespace {

constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";
constexpr std::size_t kMaxFrames = 16;
constexpr std::size_t kCurveKeyBytes = 32;

// All frames of one request; nothing when there is none.
std::vector<std::string> receive_request(void* socket) {
  std::vector<std::string> frames;
  ZmqFrame frame;
  bool more = true;
  while (more && frame.receive(socket)) {
    if (frames.size() < kMaxFrames) frames.emplace_back(frame.bytes());
    more = frame.more();
  }
  return frames;
}

// The CURVE key of a well-formed request, in Z85; empty for anything else.
std::string key_of(const std::vector<std::string>& request) {
  // version, request id, domain, address, routing id, mechanism, credentials
  if (request.size() != 7 || request[0] != "1.0" || request[5] != "CURVE" ||
      request[6].size() != kCurveKeyBytes) {
    return {};
  }
  char text[41] = {};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(request[6].data());
  return zmq_z85_encode(text, bytes, kCurveKeyBytes) == nullptr ? std::string{} : std::string(text);
}

// One ZMTP property: u8 name length, name, u32 value length, value.
std::string property(std::string_view name, std::string_view value) {
  std::string bytes;
  bytes.push_back(static_cast<char>(name.size()));
  bytes.append(name);
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((value.size() >> shift) & 0xff));
  }
  bytes.append(value);
  return bytes;
}

void send_reply(void* socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int flags = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    if (zmq_send(socket, frames[i].data(), frames[i].size(), flags) < 0) return;
  }
}

}  // namespace

Result<std::unique_ptr<Gatekeeper>> Gatekeeper::start(void* context, const Admission& admission,
                                                      std::string seal) {
  ZmqSocket socket(zmq_socket(context, ZMQ_REP));
  const int no_linger = 0;
  if (!socket || zmq_setsockopt(socket.get(), ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
      zmq_bind(socket.get(), kZapEndpoint) != 0) {
    return zmq_failure("cannot start the gatekeeper");
  }
  return std::unique_ptr<Gatekeeper>(new Gatekeeper(std::move(socket), admission, std::move(seal)));
}

Gatekeeper::Gatekeeper(ZmqSocket socket, const Admission& admission, std::string seal)
    : socket_(std::move(socket)),
      admission_(admission),
      seal_(std::move(seal)),
      thread_([this] { run(); }) {}

Gatekeeper::~Gatekeeper() {
  stopping_ = true;
  wakeup_.signal();
  thread_.join();
}

void Gatekeeper::run() {
  while (!stopping_) {
    wait_for_input({socket_.get()}, wakeup_);
    try {
      answer();
    } catch (const std::exception& error) {
      // Without an answer the connection stays out; the next one gets its own.
      log::error("the gatekeeper could not answer", {{"reason", error.what()}});
    }
  }
}

void Gatekeeper::answer() {
  const auto request = receive_request(socket_.get());
  if (request.empty()) return;
  const std::string request_id = request.size() > 1 ? request[1] : std::string{};
  const std::string key = key_of(request);
  const auto host = key.empty() ? std::nullopt : admission_.host_of(key);
  if (host && rate_.may_connect(key, ConnectionRate::Steady::now())) {
    send_reply(socket_.get(), {"1.0", request_id, "200", "", host->str(),
                               property(kKeyProperty, key) + property(kSealProperty, seal_)});
    return;
  }
  // 300 (try again later) and not 400: libzmq's client never dials again after 400, so that an agent
  // that was started before its host was registered would have to be restarted.
  send_reply(socket_.get(), {"1.0", request_id, "300", host ? "connects too often" : "not admitted", "", ""});
}

}  // namespace dure::control
