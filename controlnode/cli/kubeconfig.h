#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "common/result.h"

namespace dure::cli {

// A credential as the control node hands it out. These fields are taken from its answer and no others:
// a kubeconfig can also name programs for kubectl to run.
struct ClusterCredential {
  std::string cluster;          // also the name of the context
  std::string server;           // https://host:port
  std::string tls_server_name;  // in the API server's certificate
  std::string ca_data, user, certificate_data, key_data;  // data: base64
};

// From the "kubeconfig" of the answer. Nothing of the content is in an error's text.
Result<ClusterCredential> read_credential(const boost::json::value& kubeconfig);

// "https://" and something after it, without spaces.
bool is_api_address(const std::string& text);

// A kubeconfig of this credential alone; JSON, which is YAML too.
std::string kubeconfig_alone(const ClusterCredential& credential);

struct MergedKubeconfig {
  std::string text;              // YAML
  bool replaced_foreign = false; // a context of this name was there that is not of Dure
};

// `existing` with cluster, context and user of this credential in it, and the context current. An
// entry of the same name is replaced, and the user that only the replaced context had; everything
// else stays. Comments and layout do not: no program that edits these files keeps them.
Result<MergedKubeconfig> merge_kubeconfig(const std::string& existing,
                                          const ClusterCredential& credential);

}  // namespace dure::cli
