#pragma once

#include <string>

#include "common/result.h"
#include "controlnode/cli/kubeconfig.h"
#include "controlnode/cli/patience.h"
#include "controlnode/cli/settings.h"

namespace dure::cli {

// The first file of $KUBECONFIG, else ~/.kube/config: what kubectl uses.
Result<std::string> default_kubeconfig(const Environment& environment);

// Whether a credential can be merged into this file; asked before one is made. Changes nothing.
Result<void> check_kubeconfig(const std::string& path);

// Merges into the file, under the lock that kubectl takes for it as well, and replaces it in one
// step, for its owner alone. A symbolic link stays one. After an error the file is as it was.
Result<MergedKubeconfig> merge_into_file(const std::string& path, const ClusterCredential& credential,
                                         Patience& patience);

}  // namespace dure::cli
