/* SPDX-License-Identifier: MPL-2.0 */
/*  split - the plan's files as an array of contents, filled in any order */

#include "actors/coder/split.h"
#include "actors/coder/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_SPLIT_INPUT_BYTES (4u << 20)
#define CF_SPLIT_PLAN_TOKENS 8000
#define CF_SPLIT_FILE_TOKENS 16000
#define CF_SPLIT_FROM 30                /* progress of a job of code with the first file, and … */
#define CF_SPLIT_TO 90                  /* with the last one */

typedef struct {
    const char *input;
    const cf_json_t *files;             /* of the plan */
    size_t count, done;
    cf_json_t **contents;               /* by file; NULL: not finished */
    unsigned spare;
    const cf_json_t *plan;
} split_t;

static size_t
s_check_plan (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    (void) arg;
    return cf_sources_check (json_object_get (document, "files"), complaints);
}

static cf_json_t *
s_plan (cf_work_t *work, const char *input, cf_error_t *error)
{
    const cf_agent_step_t step = {
        .suffix = ".plan", .prompt = "code-plan code-rules", .schema = "code-plan", .input = input, .stage = "code plan",
        .note = "The answer was too long; planning it file by file", .progress = CF_SPLIT_FROM - 5,
        .max_tokens = CF_SPLIT_PLAN_TOKENS, .temperature = 0.2, .check = s_check_plan
    };
    return cf_work_generate (work, &step, error);
}

/* ---- one file ---- */

/*  Finished files, in the plan's order; those that do not fit are left out. */
static void
s_put_written (const split_t *self, cf_buf_t *out)
{
    cf_json_t *written = json_array ();
    size_t bytes = 0;
    for (size_t at = 0; at < self->count; at++) {
        size_t size = json_string_length (self->contents [at]);
        if (!self->contents [at] || bytes + size > CF_SPLIT_SHOWN_BYTES)
            continue;
        bytes += size;
        json_array_append_new (written, json_pack ("{sOsO}", "file_path", json_object_get (json_array_get (self->files, at), "file_path"),
                                                   "content", self->contents [at]));
    }
    if (json_array_size (written))
        cf_agent_put_document (out, "written", written);
    json_decref (written);
}

static size_t
s_check_file (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    if (!cf_sources_is_fenced (cf_json_str (document, "content", ""), arg))
        return 0;
    cf_buf_puts (complaints, "- content: it is stored as it is, so there must be no code fence around it\n");
    return 1;
}

/*  The file's content, a JSON string of the caller's; NULL with error. */
static cf_json_t *
s_write_file (cf_work_t *work, split_t *self, const cf_json_t *file, cf_error_t *error)
{
    const char *path = cf_json_str (file, "file_path", "");
    char suffix [160], stage [176];
    cf_buf_t input;
    snprintf (suffix, sizeof suffix, ".file.%s", path);
    snprintf (stage, sizeof stage, "%s %s", cf_work_agent (work), path);
    cf_buf_init (&input, CF_SPLIT_INPUT_BYTES);
    cf_buf_puts (&input, self->input);
    cf_agent_put_document (&input, "plan", self->plan);
    s_put_written (self, &input);
    cf_agent_put_data (&input, "file_to_write", path);
    const cf_agent_step_t step = {
        .suffix = suffix, .prompt = "code-file code-rules", .schema = "code-file", .input = input.bytes, .stage = stage, .note = "",
        .max_tokens = CF_SPLIT_FILE_TOKENS, .temperature = 0.2, .check = s_check_file, .check_arg = cf_json_str (file, "language", ""),
        .shorter = CF_AGENT_SHORTER_ONCE, .spare = &self->spare
    };
    cf_json_t *document = NULL;
    if (input.overflowed)
        cf_error_set (error, CF_ERROR_INVALID, "what the model must read is larger than %u bytes", CF_SPLIT_INPUT_BYTES);
    else
        document = cf_work_generate (work, &step, error);
    cf_json_t *content = json_incref (json_object_get (document, "content"));
    cf_buf_free (&input);
    json_decref (document);
    return content;
}

static void
s_tell (cf_work_t *work, const split_t *self)
{
    char note [120];
    snprintf (note, sizeof note, "The answer was too long; writing file by file (%zu of %zu)", self->done, self->count);
    cf_work_progress (work, (uint32_t) (CF_SPLIT_FROM + (CF_SPLIT_TO - CF_SPLIT_FROM) * self->done / self->count), cf_work_agent (work), note);
}

static int
s_do_file (cf_work_t *part, size_t index, void *arg, cf_error_t *error)
{
    split_t *self = arg;
    self->contents [index] = s_write_file (part, self, json_array_get (self->files, index), error);
    if (!self->contents [index])
        return -1;
    self->done++;
    s_tell (part, self);
    return 0;
}

/* ---- all of them ---- */

/*  The result, as if it had come in one piece. */
static cf_json_t *
s_join (const split_t *self)
{
    cf_json_t *files = json_array (), *file;
    size_t at;
    json_array_foreach (self->files, at, file)
        json_array_append_new (files, json_pack ("{sOsOsOsO}", "file_path", json_object_get (file, "file_path"), "content", self->contents [at],
                                                 "language", json_object_get (file, "language"), "explanation", json_object_get (file, "purpose")));
    return json_pack ("{sosOsO}", "files", files, "summary", json_object_get (self->plan, "summary"),
                      "dependencies", json_object_get (self->plan, "dependencies"));
}

static cf_json_t *
s_write (cf_work_t *work, const char *input, const cf_json_t *plan, cf_error_t *error)
{
    split_t self = { .input = input, .plan = plan, .files = json_object_get (plan, "files"), .spare = CF_SPLIT_SPARE };
    cf_json_t *result = NULL;
    self.count = json_array_size (self.files);
    self.contents = calloc (self.count, sizeof *self.contents);
    if (!self.contents) {
        cf_error_set (error, CF_ERROR_BUSY, "no memory left");
        return NULL;
    }
    s_tell (work, &self);
    if (cf_work_each (work, self.count, CF_SPLIT_AT_ONCE, s_do_file, &self, error) == 0)
        result = s_join (&self);
    if (result && cf_work_check ("code", result, error)) {
        json_decref (result);
        result = NULL;
    }
    for (size_t at = 0; at < self.count; at++)
        json_decref (self.contents [at]);
    free (self.contents);
    return result;
}

cf_json_t *
cf_split_generate (cf_work_t *work, const char *input, cf_error_t *error)
{
    cf_json_t *plan = s_plan (work, input, error);
    cf_json_t *result = plan? s_write (work, input, plan, error): NULL;
    json_decref (plan);
    return result;
}
