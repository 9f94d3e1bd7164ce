#pragma once

#include <libvirt/libvirt.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/result.h"
#include "hostagent/ports/hypervisor.h"

namespace dure::host {

// libvirt's event loop is one for the whole process; this thread drives it. Keepalive and events
// work only while it runs.
class LibvirtEventLoop {
 public:
  static Result<std::unique_ptr<LibvirtEventLoop>> start();
  ~LibvirtEventLoop();
  LibvirtEventLoop(const LibvirtEventLoop&) = delete;
  LibvirtEventLoop& operator=(const LibvirtEventLoop&) = delete;

 private:
  LibvirtEventLoop() = default;
  void run();

  std::atomic<bool> stopping_ = false;
  int wake_timer_ = -1;
  std::thread thread_;
};

// One opened connection. It lives as long as somebody uses it, even after a newer one has taken its
// place.
class LibvirtSession {
 public:
  // `unavailable`: libvirtd does not answer.
  static Result<std::shared_ptr<LibvirtSession>> open(const std::string& uri,
                                                      HypervisorListener& listener);
  ~LibvirtSession();
  LibvirtSession(const LibvirtSession&) = delete;
  LibvirtSession& operator=(const LibvirtSession&) = delete;

  virConnectPtr get() const { return connection_; }
  bool alive() const;

  // Set when the pool is known to be there and active in this libvirtd.
  std::atomic<bool> pool_ready = false;

 private:
  // What the callbacks hold. Freed by libvirt after the last of them has run.
  struct Watch {
    HypervisorListener* listener;
    std::shared_ptr<std::atomic<bool>> closed;
  };
  static void free_watch(void* watch);
  static void on_close(virConnectPtr connection, int reason, void* watch);
  static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                          void* watch);

  LibvirtSession(virConnectPtr connection, HypervisorListener& listener);
  bool subscribe();

  virConnectPtr connection_;
  HypervisorListener& listener_;
  std::shared_ptr<std::atomic<bool>> closed_;
  int lifecycle_id_ = -1;
};

// Hands out the current session and opens a new one when libvirtd has gone in between.
class LibvirtConnector {
 public:
  LibvirtConnector(std::string uri, HypervisorListener& listener);
  Result<std::shared_ptr<LibvirtSession>> session();

 private:
  const std::string uri_;
  HypervisorListener& listener_;
  std::mutex mutex_;
  std::shared_ptr<LibvirtSession> current_;
  bool had_one_ = false;
};

}  // namespace dure::host
