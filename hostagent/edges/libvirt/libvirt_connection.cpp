#include "hostagent/edges/libvirt/libvirt_connection.h"

#include <utility>

#include "common/log.h"
#include "hostagent/edges/libvirt/libvirt_handles.h"

namespace dure::host {
namespace {

constexpr int kKeepaliveSeconds = 5;
constexpr unsigned kKeepaliveMisses = 3;

// libvirt prints every error to stderr unless told otherwise; ours carry it in their message.
void ignore_error(void*, virErrorPtr) {}

int register_loop_once() {
  virSetErrorFunc(nullptr, ignore_error);
  return virEventRegisterDefaultImpl();
}

void no_operation(int, void*) {}

}  // namespace

Result<std::unique_ptr<LibvirtEventLoop>> LibvirtEventLoop::start() {
  static const int registered = register_loop_once();
  if (registered != 0) return Error{Errc::internal, "libvirt's event loop: " + last_message()};
  std::unique_ptr<LibvirtEventLoop> loop(new LibvirtEventLoop);
  // Disarmed; armed with zero it wakes the loop to see that it should end.
  loop->wake_timer_ = virEventAddTimeout(-1, no_operation, nullptr, nullptr);
  if (loop->wake_timer_ < 0) return Error{Errc::internal, "libvirt's event loop has no timer"};
  loop->thread_ = std::thread([raw = loop.get()] { raw->run(); });
  return loop;
}

LibvirtEventLoop::~LibvirtEventLoop() {
  stopping_ = true;
  if (thread_.joinable()) {
    virEventUpdateTimeout(wake_timer_, 0);
    thread_.join();
  }
  if (wake_timer_ >= 0) virEventRemoveTimeout(wake_timer_);
}

void LibvirtEventLoop::run() {
  while (!stopping_) {
    if (virEventRunDefaultImpl() != 0) {
      log::error("libvirt's event loop has stopped", {{"reason", last_message()}});
      return;
    }
  }
}

Result<std::shared_ptr<LibvirtSession>> LibvirtSession::open(const std::string& uri,
                                                             HypervisorListener& listener) {
  const virConnectPtr connection = virConnectOpen(uri.c_str());
  if (!connection) return Error{Errc::unavailable, "libvirt does not answer: " + last_message()};
  std::shared_ptr<LibvirtSession> session(new LibvirtSession(connection, listener));
  if (!session->subscribe())
    return Error{Errc::unavailable, "libvirt gives no events: " + last_message()};
  return session;
}

LibvirtSession::LibvirtSession(virConnectPtr connection, HypervisorListener& listener)
    : connection_(connection),
      listener_(listener),
      closed_(std::make_shared<std::atomic<bool>>(false)) {}

bool LibvirtSession::subscribe() {
  // Without keepalive a hung libvirtd would hang its callers for ever.
  if (virConnectSetKeepAlive(connection_, kKeepaliveSeconds, kKeepaliveMisses) < 0) return false;
  auto* close_watch = new Watch{&listener_, closed_};
  if (virConnectRegisterCloseCallback(connection_, on_close, close_watch, free_watch) != 0) {
    free_watch(close_watch);
    return false;
  }
  auto* watch = new Watch{&listener_, closed_};
  // libvirt calls it by its own type again; void (*)() in between tells compilers it is meant.
  const auto callback = VIR_DOMAIN_EVENT_CALLBACK(reinterpret_cast<void (*)()>(on_lifecycle));
  lifecycle_id_ = virConnectDomainEventRegisterAny(
      connection_, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE, callback, watch, free_watch);
  if (lifecycle_id_ < 0) free_watch(watch);
  return lifecycle_id_ >= 0;
}

LibvirtSession::~LibvirtSession() {
  virConnectUnregisterCloseCallback(connection_, on_close);
  if (lifecycle_id_ >= 0) virConnectDomainEventDeregisterAny(connection_, lifecycle_id_);
  virConnectClose(connection_);
}

bool LibvirtSession::alive() const { return !*closed_ && virConnectIsAlive(connection_) == 1; }

void LibvirtSession::free_watch(void* watch) { delete static_cast<Watch*>(watch); }

void LibvirtSession::on_close(virConnectPtr, int, void* watch) {
  const auto* self = static_cast<Watch*>(watch);
  *self->closed = true;
  self->listener->on_hypervisor_change();
}

int LibvirtSession::on_lifecycle(virConnectPtr, virDomainPtr, int, int, void* watch) {
  static_cast<Watch*>(watch)->listener->on_hypervisor_change();
  return 0;
}

LibvirtConnector::LibvirtConnector(std::string uri, HypervisorListener& listener)
    : uri_(std::move(uri)), listener_(listener) {}

Result<std::shared_ptr<LibvirtSession>> LibvirtConnector::session() {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->alive()) return current_;
  current_.reset();
  auto opened = LibvirtSession::open(uri_, listener_);
  if (!opened) return opened.error();
  current_ = std::move(*opened);
  // What happened while nobody listened is seen only by looking.
  if (std::exchange(had_one_, true)) listener_.on_hypervisor_change();
  return current_;
}

}  // namespace dure::host
