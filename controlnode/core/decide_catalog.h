#pragma once

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// Sites, flavors, images and key pairs. Asking for what exists with equal content is accepted
// again; with other content it is refused.
Reply create_site(Deciding& deciding, const CreateSite& request);
Reply create_flavor(Deciding& deciding, const CreateFlavor& request);
Reply create_image(Deciding& deciding, const CreateImage& request);
Reply create_key_pair(Deciding& deciding, const CreateKeyPair& request);

Reply create_project(Deciding& deciding, const CreateProject& request);
Reply update_project(Deciding& deciding, const UpdateProject& request);

// Refused while something uses it, naming the user.
Reply delete_object(Deciding& deciding, const DeleteObject& request);

}  // namespace dure::control
