#pragma once

#include "controlnode/core/model_index.h"

namespace dure::control {

// A model as readers get it: with the index that finds what refers to a row, so that showing one row does not take a
// walk over all others. Both live as long as the call that hands it out.
class ModelView {
 public:
  ModelView(const Model& model, const ModelIndex& index) : model_(&model), index_(&index) {}

  const Model& operator*() const { return *model_; }
  const Model* operator->() const { return model_; }
  const ModelIndex& index() const { return *index_; }

 private:
  const Model* model_;
  const ModelIndex* index_;
};

}  // namespace dure::control
