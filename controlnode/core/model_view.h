#pragma once

#include "controlnode/core/model_index.h"
#include "controlnode/core/now.h"

namespace dure::control {

// A model as readers get it: with the index that finds what refers to a row, so that showing one row does not take a
// walk over all others, and with the instant at which it is read. Model and index live as long as the call that hands it out.
class ModelView {
 public:
  ModelView(const Model& model, const ModelIndex& index, const Now& now) : model_(&model), index_(&index), now_(now) {}

  const Model& operator*() const { return *model_; }
  const Model* operator->() const { return model_; }
  const ModelIndex& index() const { return *index_; }
  const Now& now() const { return now_; }

 private:
  const Model* model_;
  const ModelIndex* index_;
  Now now_;
};

}  // namespace dure::control
