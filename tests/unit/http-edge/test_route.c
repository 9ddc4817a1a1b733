/* SPDX-License-Identifier: MPL-2.0 */
/*  route - the table as it answers */

#include "http-edge/route.h"
#include "tests/support/unit.h"

#include <string.h>

static cf_match_t
s_match (const char *method, const char *path)
{
    cf_match_t match;
    cf_route_match (method, strlen (method), path, strlen (path), &match);
    return match;
}

static const char *
s_pattern (const char *method, const char *path)
{
    cf_match_t match = s_match (method, path);
    return match.route? match.route->pattern: match.methods? "another method": "none";
}

START_TEST (finds_rows)
{
    static const struct { const char *method, *path, *pattern; } rows [] = {
        { "GET", "/health", "/health" },
        { "HEAD", "/health", "/health" },
        { "GET", "/health/ready", "/health/ready" },
        { "GET", "/health/", "none" },
        { "GET", "/healthy", "none" },
        { "GET", "/", "none" },
        { "GET", "", "none" },
        { "POST", "/health", "another method" },
        { "get", "/health", "another method" },
        { "POST", "/v1/projects", "/v1/projects/" },
        { "GET", "/v1/projects/", "/v1/projects/" },
        { "GET", "/v1/projects//", "none" },
        { "GET", "/v1/projects/x", "/v1/projects/{project_id}" },
        { "GET", "/v1/projects/x/", "none" },
        { "GET", "/v1/projects/x/files", "/v1/projects/{project_id}/files" },
        { "GET", "/v1/projects/x/files/src/a/b.js", "/v1/projects/{project_id}/files/{path...}" },
        { "GET", "/v1/projects/x/files/../../y", "/v1/projects/{project_id}/files/{path...}" },
        { "POST", "/v1/projects/x/files/src/a/b.js/refactor", "/v1/projects/{project_id}/files/{path...}/refactor" },
        { "POST", "/v1/projects/x/files/refactor/refactor", "/v1/projects/{project_id}/files/{path...}/refactor" },
        { "GET", "/v1/projects/x/files/src/refactor", "/v1/projects/{project_id}/files/{path...}" },
        { "POST", "/v1/projects/x/files//refactor", "another method" },
        { "POST", "/v1/projects/x/files/refactor", "another method" },
        { "POST", "/v1/projects/x/files/a/refactor/", "another method" },
        { "POST", "/v1/projects/x/files/", "none" },
        { "POST", "/v1/student/roadmap", "/v1/student/roadmap" },
        { "POST", "/v1/student/x/roadmap", "/v1/student/{project_id}/roadmap" },
        { "GET", "/v1/profiles", "/v1/profiles/" },
        { "POST", "/v1/run-agent", "/v1/run-agent" },
        { "POST", "/v1/agents/run-agent", "/v1/run-agent" },
        { "GET", "/v1/agents/jobs/x", "/v1/jobs/{job_id}" },
        { "GET", "/v1/agents/jobs/x/stream", "/v1/jobs/{job_id}/stream" },
        { "GET", "/v1/agents/jobs/x/list", "/v1/jobs/{project_id}/list" },
        { "POST", "/v1/agents/jobs/x/respond", "/v1/agents/jobs/{job_id}/respond" },
        { "POST", "/v1/jobs/x/respond", "none" },
        { "GET", "/v1/agents/projects/", "none" },
        { "GET", "/v1/agents/", "none" },
        { "DELETE", "/v1/jobs/x", "another method" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++)
        ck_assert_msg (strcmp (s_pattern (rows [at].method, rows [at].path), rows [at].pattern) == 0, "%s %s: %s", rows [at].method,
                       rows [at].path, s_pattern (rows [at].method, rows [at].path));
}
END_TEST

START_TEST (finds_parameters)
{
    cf_match_t match = s_match ("GET", "/v1/projects/abc/files/src/x.js");
    ck_assert_uint_eq (match.param_count, 2);
    ck_assert (match.params [0].name_size == 10 && strncmp (match.params [0].name, "project_id", 10) == 0);
    ck_assert (match.params [0].size == 3 && strncmp (match.params [0].bytes, "abc", 3) == 0);
    ck_assert (match.params [1].name_size == 4 && strncmp (match.params [1].name, "path", 4) == 0);
    ck_assert (match.params [1].size == 8 && strncmp (match.params [1].bytes, "src/x.js", 8) == 0);
    match = s_match ("POST", "/v1/projects/abc/files/src/refactor/refactor");
    ck_assert_uint_eq (match.param_count, 2);
    ck_assert (match.params [1].size == 12 && strncmp (match.params [1].bytes, "src/refactor", 12) == 0);
    match = s_match ("GET", "/v1/agents/jobs/abc");
    ck_assert_uint_eq (match.param_count, 1);
    ck_assert (match.params [0].size == 3 && strncmp (match.params [0].bytes, "abc", 3) == 0);
}
END_TEST

START_TEST (tells_the_methods_of_a_path)
{
    ck_assert_uint_eq (s_match ("DELETE", "/v1/projects/").methods, 1u << CF_METHOD_GET | 1u << CF_METHOD_POST);
    ck_assert_uint_eq (s_match ("GET", "/v1/agents/clarify").methods, 1u << CF_METHOD_POST);
    ck_assert_uint_eq (s_match ("GET", "/v1/none").methods, 0);
}
END_TEST

START_TEST (has_no_row_that_another_hides)
{
    const cf_route_t *route;
    for (size_t at = 0; (route = cf_route_at (at)); at++)
        ck_assert_msg (s_match (cf_route_method_name (route->method), route->pattern).route == route, "%s", route->pattern);
}
END_TEST

UNIT_MAIN ("route", finds_rows, finds_parameters, tells_the_methods_of_a_path, has_no_row_that_another_hides)
