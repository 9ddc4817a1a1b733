/* SPDX-License-Identifier: MPL-2.0 */
/*  prompt - a table by name; a file is known by the time, size and number that the file system gives it */

#include "actors/lib/prompt.h"
#include "proto/base/config.h"
#include "proto/base/json.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#define CF_PROMPT_NAME_BYTES 64

typedef struct {
    UT_hash_handle hh;
    char name [CF_PROMPT_NAME_BYTES];
    char *path;
    struct stat seen;           /* the file as it was last looked into, good or not */
    bool missing;               /* it was not there, and that was said */
    char *text;                 /* the last good one; NULL: none yet */
} prompt_t;

static prompt_t *s_prompts;

static char *
s_path (const char *name)
{
    char relative [96];
    snprintf (relative, sizeof relative, "prompts/%s.md", name);
    return strdup (cf_config_share (relative));
}

static prompt_t *
s_lookup (const char *name)
{
    prompt_t *prompt;
    HASH_FIND_STR (s_prompts, name, prompt);
    if (prompt || HASH_COUNT (s_prompts) == CF_PROMPT_MAX_FILES || strlen (name) >= CF_PROMPT_NAME_BYTES)
        return prompt;
    prompt = calloc (1, sizeof *prompt);
    if (!prompt || !(prompt->path = s_path (name))) {
        free (prompt);
        return NULL;
    }
    strcpy (prompt->name, name);
    HASH_ADD_STR (s_prompts, name, prompt);
    return prompt;
}

/* ---- reading */

static int
s_read (const char *path, cf_buf_t *text)
{
    FILE *file = fopen (path, "re");
    char chunk [4096];
    size_t size;
    if (!file)
        return -1;
    while ((size = fread (chunk, 1, sizeof chunk, file)) > 0)
        cf_buf_append (text, chunk, size);
    int rc = ferror (file)? -1: 0;
    fclose (file);
    return rc;
}

/*  The place that begins behind "{{": its number, or -1. */
static int
s_place (const char *at, size_t *size)
{
    static const char *const places [] = { CF_PROMPT_PLACES };
    for (size_t place = 0; place < sizeof places / sizeof places [0]; place++) {
        *size = strlen (places [place]);
        if (strncmp (at, places [place], *size) == 0 && strncmp (at + *size, "}}", 2) == 0)
            return (int) place;
    }
    return -1;
}

static bool
s_is_utf8 (const cf_buf_t *text)
{
    cf_json_t *string = json_stringn (text->bytes, text->size);
    json_decref (string);
    return string != NULL;
}

/*  What is wrong with a text; NULL: nothing. */
static const char *
s_fault (const cf_buf_t *text)
{
    size_t size;
    if (text->overflowed)
        return "it is too large";
    if (strlen (text->bytes) != text->size || !s_is_utf8 (text))
        return "it is not UTF-8 text";
    if (strspn (text->bytes, " \t\r\n") == text->size)
        return "it is empty";
    for (const char *at = text->bytes; (at = strstr (at, "{{")); at += 2)
        if (s_place (at + 2, &size) < 0)
            return "nobody fills its place {{…}}";
    return NULL;
}

static void
s_complain (const prompt_t *self, const char *path, const char *fault, cf_error_t *error)
{
    cf_error_set (error, CF_ERROR_INTERNAL, "the prompt %s cannot be used: %s", path, fault);
    cf_log_error ("%s%s", error->text, self->text? "; the one before is used": "");
}

static bool
s_is_same (const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec
        && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/*  Looks whether the file changed, and takes what is good of it. */
static void
s_refresh (prompt_t *self, cf_error_t *error)
{
    const char *path = self->path;
    struct stat found;
    cf_buf_t text;
    if (stat (path, &found)) {
        if (!self->missing || !self->text)
            s_complain (self, path, "it is not there", error);
        self->missing = true;
        return;
    }
    if (!self->missing && self->text && s_is_same (&self->seen, &found))
        return;
    self->missing = false;
    self->seen = found;
    cf_buf_init (&text, CF_PROMPT_MAX_BYTES);
    const char *fault = s_read (path, &text)? "it cannot be read": s_fault (&text);
    if (fault)
        s_complain (self, path, fault, error);
    else {
        free (self->text);
        self->text = cf_buf_take (&text);
    }
    cf_buf_free (&text);
}

/* ---- putting */

static const char *
s_value (const cf_prompt_value_t *values, const char *place, size_t size)
{
    for (; values && values->place; values++)
        if (strlen (values->place) == size && strncmp (values->place, place, size) == 0)
            return values->value;
    return "";
}

int
cf_prompt_put (cf_buf_t *out, const char *name, const cf_prompt_value_t *values, cf_error_t *error)
{
    cf_error_t fault = { 0 };
    prompt_t *self = s_lookup (name);
    if (!self)
        return cf_error_set (error, CF_ERROR_INTERNAL, "no room for the prompt %.100s", name);
    s_refresh (self, &fault);
    if (!self->text) {
        *error = fault;
        return -1;
    }
    const char *at = self->text;
    for (const char *open; (open = strstr (at, "{{")); ) {
        size_t size;
        (void) s_place (open + 2, &size);
        cf_buf_append (out, at, (size_t) (open - at));
        cf_buf_puts (out, s_value (values, open + 2, size));
        at = open + 2 + size + 2;
    }
    cf_buf_puts (out, at);
    return out->overflowed? cf_error_set (error, CF_ERROR_INTERNAL, "the prompt %.100s is too large", name): 0;
}

void
cf_prompt_free (void)
{
    prompt_t *prompt, *next;
    HASH_ITER (hh, s_prompts, prompt, next) {
        HASH_DEL (s_prompts, prompt);
        free (prompt->text);
        free (prompt->path);
        free (prompt);
    }
}
