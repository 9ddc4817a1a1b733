/* SPDX-License-Identifier: MPL-2.0 */
/*  export - brings a project into a repository, from the first look at it to the commit its branch ends with */
#ifndef CF_GITHUB_EXPORT_H
#define CF_GITHUB_EXPORT_H

#include "actors/github/api.h"
#include "actors/github/gate.h"
#include "actors/lib/agent.h"

/*  input: {repo_name, description?, private?, update?}. Returns {repo_url, clone_url, commit_sha, files_exported}; NULL with error, the work having
    been told what its user may know. */
cf_json_t *cf_export (cf_work_t *work, cf_api_t *api, cf_gate_t *gate, const cf_json_t *input, cf_error_t *error);

#endif
