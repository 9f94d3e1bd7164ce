#include "hostagent/edges/libvirt/libvirt_hypervisor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <utility>

#include "common/files.h"
#include "common/log.h"
#include "hostagent/core/vm_file_name.h"
#include "hostagent/edges/libvirt/domain_xml.h"
#include "hostagent/edges/libvirt/kvm_probe.h"
#include "hostagent/edges/libvirt/libvirt_connection.h"
#include "hostagent/edges/libvirt/libvirt_error.h"
#include "hostagent/edges/libvirt/libvirt_handles.h"
#include "hostagent/edges/libvirt/overlay_pool.h"

namespace dure::host {
namespace {

using Session = std::shared_ptr<LibvirtSession>;

struct DomainStatus {
  VmState state = VmState::unknown;
  // Paused for a reason that a start which was cut off leaves behind, possibly without a QEMU.
  bool half_started = false;
};

DomainStatus status_of(int state, int reason) {
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:  // its guest is on the way down, its QEMU still there
      return {VmState::running, false};
    case VIR_DOMAIN_PAUSED:
      if (reason == VIR_DOMAIN_PAUSED_STARTING_UP) return {VmState::creating, true};
      if (reason == VIR_DOMAIN_PAUSED_CRASHED) return {VmState::crashed, false};
      return {VmState::paused, reason == VIR_DOMAIN_PAUSED_UNKNOWN};
    case VIR_DOMAIN_PMSUSPENDED:
      return {VmState::paused, false};
    case VIR_DOMAIN_CRASHED:
      return {VmState::crashed, false};
    case VIR_DOMAIN_SHUTOFF:
      if (reason == VIR_DOMAIN_SHUTOFF_CRASHED) return {VmState::crashed, false};
      // libvirt forgets the reason when it is started anew: then it is merely off.
      return {reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN ? VmState::shut_down : VmState::stopped, false};
    default:  // libvirt may add states; what we do not know is no evidence
      return {};
  }
}

// nullopt: the domain has gone meanwhile.
Result<std::optional<DomainStatus>> read_status(const Session& session, virDomainPtr domain) {
  int state = 0, reason = 0;
  if (virDomainGetState(domain, &state, &reason, 0) == 0)
    return std::optional(status_of(state, reason));
  if (last_code() == VIR_ERR_NO_DOMAIN) return std::optional<DomainStatus>();
  return libvirt_error(*session, CallKind::read, "domain state");
}

// nullopt: not ours (or gone meanwhile).
Result<std::optional<DomainIdentity>> read_identity(const Session& session, virDomainPtr domain) {
  const LibvirtText xml(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, kMetadataUri,
                                             VIR_DOMAIN_AFFECT_CURRENT));
  if (!xml) {
    if (last_code() == VIR_ERR_NO_DOMAIN_METADATA || last_code() == VIR_ERR_NO_DOMAIN)
      return std::optional<DomainIdentity>();
    return libvirt_error(*session, CallKind::read, "domain metadata");
  }
  auto identity = parse_identity(xml.get());
  // A copy of one of our definitions under another UUID is not ours.
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  if (identity && (virDomainGetUUIDString(domain, uuid) != 0 || identity->id.str() != uuid))
    identity.reset();
  return identity;
}

struct FoundDomain {
  DomainHandle handle;
  std::optional<DomainIdentity> identity;  // none: not ours
};

// An empty handle: there is no domain of this UUID.
Result<FoundDomain> find_domain(const Session& session, const NodeId& id) {
  FoundDomain found;
  found.handle.reset(virDomainLookupByUUIDString(session->get(), id.str().c_str()));
  if (!found.handle) {
    if (last_code() == VIR_ERR_NO_DOMAIN) return found;
    return libvirt_error(*session, CallKind::read, "looking for domain " + id.str());
  }
  auto identity = read_identity(session, found.handle.get());
  if (!identity) return identity.error();
  found.identity = std::move(*identity);
  return found;
}

void unlink_socket(const std::string& path) {
  struct stat what {};
  if (!path.empty() && lstat(path.c_str(), &what) == 0 && S_ISSOCK(what.st_mode))
    unlink(path.c_str());
}

Result<void> power_on(const Session& session, virDomainPtr domain, const NodeId& id) {
  if (virDomainCreate(domain) == 0) return {};
  const int code = last_code();
  Error error = libvirt_error(*session, CallKind::change, "starting " + id.str());
  // Somebody else was faster.
  if (code == VIR_ERR_OPERATION_INVALID && virDomainIsActive(domain) == 1) return {};
  return error;
}

// The domain is ours and of the wanted generation: brings it to `running` if it is not.
Result<void> resume_or_start(const Session& session, virDomainPtr domain, const NodeId& id) {
  const auto status = read_status(session, domain);
  if (!status) return status.error();
  if (!*status) return Error{Errc::in_doubt, "domain " + id.str() + " vanished while it was started"};
  if ((*status)->half_started) {
    if ((*status)->state == VmState::paused && virDomainResume(domain) == 0) return {};
    if (virDomainDestroy(domain) != 0 && last_code() != VIR_ERR_OPERATION_INVALID)
      return libvirt_error(*session, CallKind::change, "ending the half-started " + id.str());
    return power_on(session, domain, id);
  }
  switch ((*status)->state) {
    case VmState::running:
      return {};
    case VmState::paused:
      // By a disk that was full, or by somebody at the PC: the order wants it to run.
      if (virDomainResume(domain) == 0) return {};
      return libvirt_error(*session, CallKind::change, "resuming " + id.str());
    case VmState::crashed:
      // A crashed domain may still have its QEMU.
      if (virDomainIsActive(domain) == 1) virDomainDestroy(domain);
      return power_on(session, domain, id);
    case VmState::stopped:
    case VmState::shut_down:
      return power_on(session, domain, id);
    case VmState::unknown:
    case VmState::creating:
      break;
  }
  return Error{Errc::in_doubt, "domain " + id.str() + " is in a state that is not understood"};
}

Result<void> define_and_start(const Session& session, const DomainSpec& spec) {
  const DomainHandle domain(
      virDomainDefineXMLFlags(session->get(), domain_xml(spec).c_str(), 0));
  if (!domain) {
    const bool taken = last_code() == VIR_ERR_OPERATION_FAILED;
    Error error = libvirt_error(*session, CallKind::change, "defining " + spec.vm.id.str());
    if (taken && error.code == Errc::internal) {
      const DomainHandle other(
          virDomainLookupByName(session->get(), domain_name(spec.vm.id).c_str()));
      if (other) error.code = Errc::already_exists;
    }
    return error;
  }
  return power_on(session, domain.get(), spec.vm.id);
}

Result<void> destroy_and_undefine(const Session& session, virDomainPtr domain, const NodeId& id) {
  if (virDomainDestroy(domain) != 0) {
    const int code = last_code();
    if (code == VIR_ERR_NO_DOMAIN) return {};
    if (code != VIR_ERR_OPERATION_INVALID)
      return libvirt_error(*session, CallKind::change, "ending " + id.str());
  }
  constexpr unsigned kEverything = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                                   VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                   VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
                                   VIR_DOMAIN_UNDEFINE_NVRAM;
  if (virDomainUndefineFlags(domain, kEverything) == 0 || last_code() == VIR_ERR_NO_DOMAIN)
    return {};
  return libvirt_error(*session, CallKind::change, "undefining " + id.str());
}

// Frees what virConnectListAllDomains gives, however far the loop came.
std::vector<DomainHandle> take_all(virDomainPtr* domains, int count) {
  std::vector<DomainHandle> handles;
  for (int n = 0; n < count; ++n) handles.emplace_back(domains[n]);
  std::free(domains);
  return handles;
}

}  // namespace

struct LibvirtHypervisor::State {
  State(const LibvirtOptions& given, HypervisorListener& listener)
      : options(given), connector(given.uri, listener), pool(given.state_dir + "/volumes") {}

  DomainSpec spec(const VmSpec& vm, const OrderId& order, const NetworkSpec& network, const VmPaths& paths, bool kvm_runs) const {
    return {vm, network, order, paths, pool.path_of(vm.id, vm.generation), kvm_runs};
  }

  const LibvirtOptions options;
  std::unique_ptr<LibvirtEventLoop> events;  // outlives the connections
  LibvirtConnector connector;
  OverlayPool pool;
  std::mutex probing;
  std::optional<bool> kvm;
};

Result<std::unique_ptr<LibvirtHypervisor>> LibvirtHypervisor::open(const LibvirtOptions& options,
                                                                   HypervisorListener& listener) {
  if (options.force_type && *options.force_type != "kvm" && *options.force_type != "qemu")
    return Error{Errc::invalid_argument, "virtualisation is \"kvm\" or \"qemu\""};
  auto state = std::make_unique<State>(options, listener);
  if (auto made = make_directories(options.state_dir + "/volumes", 0711); !made)
    return made.error();
  auto events = LibvirtEventLoop::start();
  if (!events) return events.error();
  // The first look connects: a libvirtd that takes the connection and says nothing must not keep the agent from starting.
  state->events = std::move(*events);
  return std::unique_ptr<LibvirtHypervisor>(new LibvirtHypervisor(std::move(state)));
}

LibvirtHypervisor::LibvirtHypervisor(std::unique_ptr<State> state) : state_(std::move(state)) {}
LibvirtHypervisor::~LibvirtHypervisor() = default;

Result<std::vector<ObservedVm>> LibvirtHypervisor::list() {
  const auto opened = state_->connector.session();
  if (!opened) return opened.error();
  const Session& session = *opened;
  virDomainPtr* raw = nullptr;
  const int count = virConnectListAllDomains(session->get(), &raw, 0);
  if (count < 0) return libvirt_error(*session, CallKind::read, "listing domains");
  std::vector<ObservedVm> found;
  for (const DomainHandle& domain : take_all(raw, count)) {
    const auto identity = read_identity(session, domain.get());
    if (!identity) return identity.error();
    if (!*identity) continue;
    const auto status = read_status(session, domain.get());
    if (!status) return status.error();
    if (!*status) continue;
    const DomainIdentity& who = **identity;
    found.push_back({who.id, who.generation, who.order, who.network, who.vni, (*status)->state,
                     who.restart});
  }
  return found;
}

Result<std::vector<ObservedVmFiles>> LibvirtHypervisor::volumes() { return state_->pool.list(); }

Result<void> LibvirtHypervisor::start(const VmSpec& vm, const OrderId& order,
                                      const NetworkSpec& network, const VmPaths& paths) {
  const auto opened = state_->connector.session();
  if (!opened) return opened.error();
  const Session& session = *opened;
  const auto found = find_domain(session, vm.id);
  if (!found) return found.error();
  if (found->handle) {
    if (!found->identity)
      return Error{Errc::already_exists, "a domain " + vm.id.str() + " exists that is not ours"};
    if (found->identity->generation > vm.generation)
      return Error{Errc::already_exists, "domain " + vm.id.str() + " is of a newer generation"};
    if (found->identity->generation < vm.generation)
      return Error{Errc::conflict, "domain " + vm.id.str() + " of an older generation is still there"};
    // Off, and to be switched on under a higher number: the number stands in its definition.
    if (found->identity->restart < vm.restart && virDomainIsActive(found->handle.get()) == 0)
      return define_and_start(session, state_->spec(vm, order, network, paths, hardware_virtualisation()));
    return resume_or_start(session, found->handle.get(), vm.id);
  }

  const OverlaySpec overlay{vm_file_name({vm.id, vm.generation}, ".qcow2"), paths.base_disk,
                            std::uint64_t{vm.disk_gib} << 30};
  if (auto made = state_->pool.make(*session, overlay); !made) return made;
  return define_and_start(session, state_->spec(vm, order, network, paths, hardware_virtualisation()));
}

Result<void> LibvirtHypervisor::stop(const NodeId& id, std::uint64_t generation, bool hard) {
  const auto opened = state_->connector.session();
  if (!opened) return opened.error();
  const Session& session = *opened;
  const auto found = find_domain(session, id);
  if (!found) return found.error();
  if (!found->handle || !found->identity || found->identity->generation != generation) return {};
  const int done = hard ? virDomainDestroy(found->handle.get()) : virDomainShutdown(found->handle.get());
  if (done == 0) return {};
  const int code = last_code();
  if (code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_OPERATION_INVALID) return {};  // off already
  return libvirt_error(*session, CallKind::change, (hard ? "switching off " : "asking to stop: ") + id.str());
}

Result<void> LibvirtHypervisor::remove(const NodeId& id, std::uint64_t generation) {
  const auto opened = state_->connector.session();
  if (!opened) return opened.error();
  const Session& session = *opened;
  const auto found = find_domain(session, id);
  if (!found) return found.error();
  if (found->handle) {
    if (!found->identity)
      return Error{Errc::already_exists, "a domain " + id.str() + " exists that is not ours"};
    if (found->identity->generation > generation)
      return Error{Errc::superseded, "domain " + id.str() + " is of a newer generation"};
    if (auto ended = destroy_and_undefine(session, found->handle.get(), id); !ended) return ended;
    unlink_socket(found->identity->channel);
  }
  return state_->pool.remove(*session, id, generation);
}

bool LibvirtHypervisor::hardware_virtualisation() {
  if (state_->options.force_type) return *state_->options.force_type == "kvm";
  const std::lock_guard lock(state_->probing);
  if (!state_->kvm) {
    const auto runs = kvm_guest_runs(state_->options.state_dir);
    if (!runs) {
      // Asked again the next time: QEMU may not be installed yet.
      log::warn("KVM cannot be tried", {{"reason", runs.error().message}});
      return false;
    }
    log::info("KVM was tried", {{"guest_runs", *runs ? "yes" : "no"}});
    state_->kvm = *runs;
  }
  return *state_->kvm;
}

}  // namespace dure::host
