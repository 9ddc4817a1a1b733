/* SPDX-License-Identifier: MPL-2.0 */
/*  readme - what a repository gets where the project has no such files of its own */
#ifndef CF_GITHUB_README_H
#define CF_GITHUB_README_H

#include "proto/base/json.h"

#define CF_README_PATH "README.md"
#define CF_README_IGNORED_PATH ".gitignore"

/*  README.md of a Project of the HTTP API; yours to free, NULL when out of memory. */
char *cf_readme_text (const cf_json_t *project);
/*  .gitignore; static storage. */
const char *cf_readme_ignored (void);

#endif
