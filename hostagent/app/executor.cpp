#include "hostagent/app/executor.h"

#include <algorithm>
#include <utility>

namespace dure::host {
namespace {

// Overlays and seeds of one VM are reported together.
void merge_files(std::vector<ObservedVmFiles>& into, const std::vector<ObservedVmFiles>& more) {
  for (const auto& files : more) {
    const auto same = std::find_if(into.begin(), into.end(), [&](const auto& known) {
      return known.id == files.id && known.generation == files.generation;
    });
    if (same == into.end()) {
      into.push_back(files);
    } else {
      same->overlay = same->overlay || files.overlay;
      same->seed = same->seed || files.seed;
    }
  }
}

void observe_hypervisor(AgentParts& parts, Observed& observed) {
  auto vms = parts.hypervisor.list();
  auto volumes = vms ? parts.hypervisor.volumes() : Result<std::vector<ObservedVmFiles>>(vms.error());
  if (!vms || !volumes) {
    note(observed, ConditionCode::hypervisor_away, vms ? volumes.error().message : vms.error().message);
    return;
  }
  observed.hypervisor_answers = true;
  observed.vms = std::move(*vms);
  merge_files(observed.files, *volumes);
  observed.hardware_virtualisation = parts.hypervisor.hardware_virtualisation();
}

struct Execute {
  AgentParts& parts;
  const std::string& channels_dir;
  bool& seed_failed;

  Result<void> operator()(const FetchBlob& op) const {
    return parts.blobs.fetch(op.blob, [this, digest = op.blob.digest](std::uint64_t bytes_done) {
      parts.inbox.post(BlobProgress{digest, bytes_done});
    });
  }
  Result<void> operator()(const ApplyNetwork& op) const { return parts.dataplane.apply(op.network); }
  Result<void> operator()(const RemoveNetwork& op) const { return parts.dataplane.remove(op.vni); }
  Result<void> operator()(const ApplyFirewall& op) const {
    return parts.firewall.apply(op.networks, firewall_digest(op.networks, parts.firewall.rules()));
  }
  Result<void> operator()(const RemoveFirewall&) const { return parts.firewall.remove(); }
  Result<void> operator()(const StopVm& op) const { return parts.hypervisor.stop(op.id, op.generation, op.hard); }
  Result<void> operator()(const RemoveBlob& op) const { return parts.blobs.remove(op.digest); }
  Result<void> operator()(const StartVm& op) const {
    auto seed = parts.seeds.make(op.vm, op.network);
    seed_failed = !seed.ok();
    if (seed_failed) return seed.error();
    const auto blob_path = [this](const BlobRef& blob) {
      return blob.size_bytes == 0 ? std::string() : parts.blobs.path_of(blob.digest);
    };
    const VmPaths paths{blob_path(op.image.disk), blob_path(op.image.kernel),
                        blob_path(op.image.initrd), op.image.cmdline, *seed,
                        channel_path(channels_dir, op.vm.id)};
    return parts.hypervisor.start(op.vm, op.order, op.network, paths);
  }
  Result<void> operator()(const RemoveVm& op) const {
    // The domain first: its seed is in use while it runs.
    if (auto removed = parts.hypervisor.remove(op.id, op.generation); !removed) return removed;
    auto removed = parts.seeds.remove(op.id, op.generation);
    seed_failed = !removed.ok();
    return removed;
  }
};

void observe_machine(AgentParts& parts, Observed& observed) {
  auto state = parts.machine.state();
  observed.conditions = std::move(state.conditions);
  observed.disk_free_gib = state.disk_free_gib;
}

void observe_the_rest(AgentParts& parts, Observed& observed) {
  if (auto seeds = parts.seeds.list()) {
    merge_files(observed.files, *seeds);
  } else {
    note(observed, ConditionCode::storage, seeds.error().message);
    observed.hypervisor_answers = false;  // an unseen seed must not read as removed
  }
  if (auto networks = parts.dataplane.list()) {
    observed.networks = std::move(*networks);
  } else {
    note(observed, ConditionCode::network, networks.error().message);
    observed.hypervisor_answers = false;
  }
  if (auto digest = parts.firewall.applied()) {
    observed.firewall = *digest;
  } else {
    note(observed, ConditionCode::network, digest.error().message);
  }
  if (auto blobs = parts.blobs.list()) {
    observed.blobs = std::move(*blobs);
  } else {
    note(observed, ConditionCode::storage, blobs.error().message);
  }
}

}  // namespace

Observed observe(AgentParts& parts) {
  Observed observed;
  observe_machine(parts, observed);
  observe_hypervisor(parts, observed);
  observe_the_rest(parts, observed);
  return observed;
}

Observed glance(AgentParts& parts) {
  Observed observed;
  observe_machine(parts, observed);
  observe_the_rest(parts, observed);
  return observed;
}

OpDone execute(AgentParts& parts, const HostOp& op, const std::string& channels_dir) {
  bool seed_failed = false;
  auto outcome = std::visit(Execute{parts, channels_dir, seed_failed}, op);
  const auto code = outcome ? FailureCode::internal : failure_code(op, outcome.error().code, seed_failed);
  return {op, std::move(outcome), code};
}

std::string channel_path(const std::string& channels_dir, const NodeId& vm) {
  return channels_dir + "/" + vm.str() + ".sock";
}

FailureCode failure_code(const HostOp& op, Errc code, bool of_seed) {
  if (code == Errc::no_space) return FailureCode::no_space;
  if (of_seed) return FailureCode::seed;
  if (code == Errc::already_exists) return FailureCode::identity;
  struct ByOp {
    Errc code;
    FailureCode operator()(const FetchBlob&) const {
      return code == Errc::corrupt ? FailureCode::image_digest : FailureCode::image_fetch;
    }
    FailureCode operator()(const RemoveBlob&) const { return FailureCode::image_fetch; }
    FailureCode operator()(const ApplyNetwork&) const { return FailureCode::network; }
    FailureCode operator()(const RemoveNetwork&) const { return FailureCode::network; }
    FailureCode operator()(const ApplyFirewall&) const { return FailureCode::network; }
    FailureCode operator()(const RemoveFirewall&) const { return FailureCode::network; }
    FailureCode operator()(const StopVm&) const { return vm_code(); }
    FailureCode operator()(const StartVm&) const { return vm_code(); }
    FailureCode operator()(const RemoveVm&) const { return vm_code(); }
    FailureCode vm_code() const {
      return code == Errc::unavailable ? FailureCode::hypervisor_away : FailureCode::hypervisor;
    }
  };
  return std::visit(ByOp{code}, op);
}

}  // namespace dure::host
