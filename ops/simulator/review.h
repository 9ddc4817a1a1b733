/* SPDX-License-Identifier: MPL-2.0 */
/*  review - rules over a set of files
 *
 *  TO ADD A RULE: one function s_check_… in review.c, one line in s_rules.
 */
#ifndef CF_SIMULATOR_REVIEW_H
#define CF_SIMULATOR_REVIEW_H

#include "ops/simulator/project.h"

#define CF_REVIEW_MAX_FILES 400
#define CF_REVIEW_MAX_ISSUES 60

typedef enum { CF_SEVERITY_CRITICAL, CF_SEVERITY_HIGH, CF_SEVERITY_MEDIUM, CF_SEVERITY_LOW, CF_SEVERITIES } cf_severity_t;

typedef struct {
    cf_buf_t path, content;
} cf_review_file_t;

typedef struct {
    cf_severity_t severity;
    const char *category;               /* static */
    char path [520];
    char line [64];
    char description [400];
    const char *suggestion;             /* static */
} cf_issue_t;

typedef struct {
    cf_review_file_t files [CF_REVIEW_MAX_FILES];
    size_t file_count;
    cf_issue_t issues [CF_REVIEW_MAX_ISSUES];
    size_t issue_count;
} cf_review_t;

/*  Reads a JSON list of {file_path (or path), content}; what is not of that form is left out. NULL when out of memory. */
cf_review_t *cf_review_new (cf_slice_t files);
void cf_review_destroy (cf_review_t **self_p);
/*  Applies all rules; project says which features must be there. */
void cf_review_run (cf_review_t *self, const cf_project_t *project);
/*  Notes an issue; beyond the maximum it is dropped. category and suggestion are static strings. */
void cf_review_add (cf_review_t *self, cf_severity_t severity, const char *category, const char *path, const char *line,
                    const char *description, const char *suggestion);
const char *cf_review_severity (cf_severity_t severity);

#endif
