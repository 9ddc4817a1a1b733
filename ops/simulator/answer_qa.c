/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_qa - a review by simple rules, of whatever files it is given
 *
 *  It finds what can be found without understanding: missing files, unbalanced brackets, empty files, forbidden
 *  constructs, must-have features nobody mentions. What it does not report it has not proved right.
 */

#include "ops/simulator/answer.h"
#include "ops/simulator/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  Issues are written most severe first: one pass a severity over what the rules found. */
static void
s_put_issues (const cf_review_t *review, cf_buf_t *out)
{
    cf_answer_key (out, "issues");
    cf_buf_putc (out, '[');
    for (int severity = 0; severity < CF_SEVERITIES; severity++)
        for (size_t at = 0; at < review->issue_count; at++) {
            const cf_issue_t *issue = &review->issues [at];
            if ((int) issue->severity != severity)
                continue;
            cf_answer_key (out, NULL);
            cf_buf_putc (out, '{');
            cf_answer_put (out, "severity", cf_review_severity (issue->severity));
            cf_answer_put (out, "category", issue->category);
            cf_answer_put (out, "file_path", issue->path);
            cf_answer_put (out, "line_hint", issue->line);
            cf_answer_put (out, "description", issue->description);
            cf_answer_put (out, "suggestion", issue->suggestion);
            cf_buf_putc (out, '}');
        }
    cf_buf_putc (out, ']');
}

static unsigned
s_score (const cf_review_t *review)
{
    static const unsigned costs [CF_SEVERITIES] = { 45, 25, 6, 4 };
    unsigned lost = 0;
    for (size_t at = 0; at < review->issue_count; at++)
        lost += costs [review->issues [at].severity];
    return lost > 95? 5: 100 - lost;
}

/*  The fault a directive asks for: plausible, and about a file that is there. */
static void
s_complain (cf_review_t *review, const cf_project_t *project)
{
    const char *path = review->file_count? review->files [0].path.bytes: "index.html";
    for (size_t at = 0; at < review->file_count; at++)
        if (!strcmp (review->files [at].path.bytes, "src/store.js"))
            path = review->files [at].path.bytes;
    char description [400];
    snprintf (description, sizeof description, "After a reload with damaged stored text the list of %s stays empty, and nothing tells why.",
              project->idea.items);
    cf_review_add (review, CF_SEVERITY_HIGH, "correctness", path, "load", description,
                   "Tell the person that the stored text could not be read, and offer to start afresh.");
}

void
cf_answer_qa (const cf_project_t *project, const cf_brief_t *brief, bool complaining, cf_buf_t *out)
{
    cf_review_t *review = cf_review_new (brief->files);
    if (!review) {
        out->overflowed = true;         /* out of memory: the caller answers with an error */
        return;
    }
    cf_review_run (review, project);
    if (complaining)
        s_complain (review, project);
    size_t counts [CF_SEVERITIES] = { 0 };
    for (size_t at = 0; at < review->issue_count; at++)
        counts [review->issues [at].severity]++;
    bool passed = !counts [CF_SEVERITY_CRITICAL] && !counts [CF_SEVERITY_HIGH];
    char summary [600];
    snprintf (summary, sizeof summary, "%s: %zu files of %s were read by the rules of a simulated review: %zu critical, %zu high, %zu medium "
              "and %zu low issues.", passed? "Passed": "Not passed", review->file_count, project->idea.name, counts [CF_SEVERITY_CRITICAL],
              counts [CF_SEVERITY_HIGH], counts [CF_SEVERITY_MEDIUM], counts [CF_SEVERITY_LOW]);
    cf_buf_printf (out, "{\"passed\":%s", passed? "true": "false");
    s_put_issues (review, out);
    cf_answer_put (out, "summary", summary);
    cf_buf_printf (out, ",\"score\":%u}", s_score (review));
    cf_review_destroy (&review);
}
