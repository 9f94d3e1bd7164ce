#pragma once

#include <optional>

#include "controlnode/core/host_view.h"
#include "controlnode/core/model_index.h"
#include "controlnode/core/next_wake.h"

namespace dure::control {

// What deciding derives from a model and keeps in step with it, from round to round. Everything in it
// is built when it is first asked for, and is of that one model: who loads another one begins anew.
class Kept {
 public:
  const ModelIndex& index(const Model& model) {
    if (!index_) index_.emplace(model);
    return *index_;
  }
  HostView& hosts(const Model& model, const Now& now) {
    if (!hosts_) hosts_.emplace();
    hosts_->bring_up(model, now);
    return *hosts_;
  }
  void seen(const HostId& host) {
    if (hosts_) hosts_->seen(host);
  }
  // `look`: over all rows.
  std::optional<SteadyPoint> next_wake(const Model& model, const Now& now, bool look) {
    if (look || !wake_) wake_.emplace().look(model, index(model), now);
    return wake_->at();
  }

  template <class Row>
  void before(const Model& model, const Row& row) {
    if (index_) index_->before(model, row);
    if (hosts_) hosts_->before(model, row);
  }
  template <class Row>
  void after(const Model& model, const Row& row) {
    if (index_) index_->after(model, row);
    if (hosts_) hosts_->after(model, row);
    if (wake_) wake_->after(model, row);
  }

 private:
  std::optional<ModelIndex> index_;
  std::optional<HostView> hosts_;
  std::optional<NextWake> wake_;
};

}  // namespace dure::control
