#include "hostagent/core/agent_report.h"

#include <algorithm>
#include <utility>

#include "hostagent/core/host_plan.h"

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

VmReport report_vm(const ObservedVm& vm, const GuestBook& guests, SteadyPoint now) {
  VmReport report;
  report.id = vm.id;
  report.generation = vm.generation;
  report.order = vm.order;
  report.state = vm.state;
  report.restart = vm.restart;
  const auto words = guests.find(vm.id);
  if (words == guests.end() || vm.state != VmState::running) return report;
  report.silent_s = silence_step(now - words->second.silent_since);
  if (!words->second.status) return report;
  const auto& status = *words->second.status;
  report.stages = status.stages;
  report.guest_error = status.error;
  report.boot = status.boot;
  // Of its own boot it has said all there is to say; its cluster has gone on without it.
  if (now - words->second.silent_since >= kSilentAfter) return report;
  report.departed = status.departed;
  report.not_ready = status.not_ready;
  report.judges = status.judges;
  report.access = status.access;
  return report;
}

bool is_part(const ImageSpec& image, const Uuid& object) {
  for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
    if (blob->size_bytes > 0 && key_of(FetchBlob{*blob}).object == object) return true;
  }
  return false;
}

}  // namespace

std::vector<ObjectFailure> by_image(const std::vector<ObjectFailure>& failures, const HostOrder* order) {
  std::vector<ObjectFailure> told;
  for (const auto& failure : failures) {
    const auto before = told.size();
    for (std::size_t n = 0; order != nullptr && failure.kind == ObjectKind::image && n < order->images.size(); ++n) {
      if (!is_part(order->images[n], failure.object)) continue;
      told.push_back(failure);
      told.back().object = order->images[n].id.uuid;
    }
    if (told.size() == before) told.push_back(failure);  // of an image that is on its way out, or of something else
  }
  return told;
}

void add_observed(HostReport& report, const Observed& observed, const HostOrder* order, const GuestBook& guests,
                  const std::map<Digest, std::uint64_t>& progress, SteadyPoint now) {
  report.capacity.hardware_virtualisation = observed.hardware_virtualisation;
  report.capacity.disk_free_gib = observed.disk_free_gib;
  report.observed = observed.hypervisor_answers;
  report.conditions = observed.conditions;
  for (const auto& vm : observed.vms) report.vms.push_back(report_vm(vm, guests, now));
  for (const auto& network : observed.networks) report.networks.push_back({network.spec.id, network.spec.vni});
  if (order == nullptr) return;
  for (const auto& image : order->images) report.images.push_back(report_image(image, observed.blobs, progress));
}

bool same_news(const HostReport& a, const HostReport& b) {
  auto other = b;
  other.sequence = a.sequence;
  other.clock = a.clock;
  return a == other;
}

}  // namespace dure::host
