#include <algorithm>

#include "common/log.h"
#include "hostagent/app/agent_loop.h"
#include "protocol/wire/codec.h"

namespace dure::host {
namespace {

ImageReport report_image(const ImageSpec& image, const std::vector<ObservedBlob>& blobs,
                         const std::map<Digest, std::uint64_t>& progress) {
  ImageReport report{image.id, true, 0, 0};
  for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
    if (blob->size_bytes == 0) continue;
    report.bytes_total += blob->size_bytes;
    const auto found = std::find_if(blobs.begin(), blobs.end(), [&](const auto& candidate) {
      return candidate.digest == blob->digest;
    });
    if (found != blobs.end() && found->complete) {
      report.bytes_done += blob->size_bytes;
      continue;
    }
    report.complete = false;
    const auto running = progress.find(blob->digest);
    report.bytes_done += running != progress.end() ? running->second
                         : found != blobs.end()    ? found->bytes_done
                                                   : 0;
  }
  return report;
}

}  // namespace

HostReport AgentLoop::make_report() const {
  HostReport report;
  report.system = identity_.system;
  report.host = identity_.host;
  report.session = identity_.session;
  report.boot = identity_.boot;
  report.agent_version = identity_.version;
  report.capacity = identity_.capacity;
  report.highest_fence = accepted_.fence;
  report.accepted_generation = order_ ? order_->generation : 0;
  report.applied_generation = applied_generation_;
  report.applied_order = applied_order_;
  if (seen_) {
    const auto& observed = seen_->observed;
    report.capacity.hardware_virtualisation = seen_->hardware_virtualisation;
    report.observed = observed.hypervisor_answers;
    report.failures = seen_->failures;
    for (const auto& vm : observed.vms) {
      VmReport vm_report{vm.id, vm.generation, vm.order, vm.state, {}, {}, {}};
      if (const auto guest = guests_.find(vm.id);
          guest != guests_.end() && vm.state == VmState::running) {
        vm_report.stages = guest->second.stages;
        vm_report.guest_error = guest->second.error;
        vm_report.departed = guest->second.departed;
      }
      report.vms.push_back(std::move(vm_report));
    }
    for (const auto& network : observed.networks) {
      report.networks.push_back({network.spec.id, network.spec.vni});
    }
    if (order_) {
      for (const auto& image : order_->images) {
        report.images.push_back(report_image(image, observed.blobs, progress_));
      }
    }
  }
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.failures > 0) report.failures.push_back(attempt.failure);
  }
  for (const auto& [site, trip] : round_trips_) report.round_trips.push_back(trip);
  return report;
}

void AgentLoop::report_if_changed() {
  auto report = make_report();
  if (last_report_) report.sequence = last_report_->sequence;
  if (!last_report_ || report != *last_report_) send_report();
}

void AgentLoop::send_report() {
  send_acknowledgements();  // what was said first arrives first
  auto report = make_report();
  report.sequence = ++sequence_;
  last_sent_ = parts_.clock.now();
  const auto sent = parts_.control.send(wire::encode(wire::AgentMessage{report}));
  if (!sent) {
    // Not kept: the next heartbeat carries the newer state.
    log::debug("report not sent", {{"reason", sent.error().message}});
    last_report_.reset();
    return;
  }
  last_report_ = std::move(report);
}

}  // namespace dure::host
