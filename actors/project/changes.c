/* SPDX-License-Identifier: MPL-2.0 */
/*  changes - one reader for each member; a member nobody knows is refused, not ignored */

#include "actors/project/changes.h"
#include "actors/project/language.h"

#include <stdlib.h>
#include <string.h>

#define CF_CHANGES_PATH_MAX 500         /* characters */
#define CF_CHANGES_CONTENT_MAX 100000   /* characters of a file */
#define CF_CHANGES_ARRAY_BYTES (48u << 20)      /* of an array literal: a message's most bytes, with every one escaped */

typedef int (s_read_fn) (cf_changes_t *self, const cf_json_t *value, cf_error_t *error);

static const char *
s_choose (const char *said, const char *const *choices)
{
    for (; *choices; choices++)
        if (strcmp (said, *choices) == 0)
            return *choices;
    return NULL;
}

static size_t
s_characters (const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char) *text & 0xC0) != 0x80;
    return count;
}

bool
cf_changes_path_is_safe (const char *path)
{
    size_t size = strlen (path);
    if (!size || size > CF_CHANGES_PATH_MAX
        || strspn (path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") != size)
        return false;
    for (const char *segment = path;; segment++) {
        size_t length = strcspn (segment, "/");
        if (!length || (length == 1 && *segment == '.') || (length == 2 && strncmp (segment, "..", 2) == 0))
            return false;
        segment += length;
        if (!*segment)
            return true;
    }
}

/* ---- members ---- */

static int
s_read_status (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    static const char *const statuses [] = { "planning", "in-progress", "building", "completed", "archived", NULL };
    const char *said = json_string_value (value);
    if (!said || !(self->status = s_choose (said, statuses)))
        return cf_error_set (error, CF_ERROR_INVALID, "status is none of a project's");
    return 0;
}

static int
s_read_document (char **kept, const cf_json_t *value, const char *name, cf_error_t *error)
{
    if (!json_is_object (value))
        return cf_error_set (error, CF_ERROR_INVALID, "%s is not an object", name);
    *kept = cf_json_print (value);
    return *kept? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
}

static int
s_read_requirements (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    return s_read_document (&self->requirements, value, "requirements_spec", error);
}

static int
s_read_architecture (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    return s_read_document (&self->architecture, value, "architecture_spec", error);
}

static int
s_read_roadmap (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    const cf_json_t *modules = json_object_get (value, "modules");
    if (!json_is_array (modules))
        return cf_error_set (error, CF_ERROR_INVALID, "roadmap has no modules");
    self->modules = cf_json_print (modules);
    return self->modules? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
}

static int
s_read_message (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    static const char *const roles [] = { "user", "assistant", "system", NULL };
    self->role = s_choose (cf_json_str (value, "role", ""), roles);
    self->content = json_string_value (json_object_get (value, "content"));
    if (!self->role || !self->content || strlen (self->content) > CF_CHANGES_MESSAGE_BYTES)
        return cf_error_set (error, CF_ERROR_INVALID, "message has no role, no content, or is too long");
    return 0;
}

/*  One element of an array literal, as text[] is written in SQL. */
static void
s_put_element (cf_buf_t *array, const char *text)
{
    cf_buf_puts (array, array->size? ",\"": "{\"");
    for (;;) {
        size_t plain = strcspn (text, "\"\\");
        cf_buf_append (array, text, plain);
        text += plain;
        if (!*text)
            break;
        cf_buf_putc (array, '\\');
        cf_buf_putc (array, *text++);
    }
    cf_buf_putc (array, '"');
}

static bool
s_comes_again (const cf_json_t *files, size_t at)
{
    const char *path = cf_json_str (json_array_get (files, at), "file_path", "");
    for (size_t later = at + 1; later < json_array_size (files); later++)
        if (strcmp (cf_json_str (json_array_get (files, later), "file_path", ""), path) == 0)
            return true;
    return false;
}

static int
s_check_file (const cf_json_t *file, cf_error_t *error)
{
    const char *path = cf_json_str (file, "file_path", ""), *content = json_string_value (json_object_get (file, "content"));
    if (!cf_changes_path_is_safe (path))
        return cf_error_set (error, CF_ERROR_INVALID, "The file path \"%.100s\" is not allowed.", path);
    if (!content || s_characters (content) > CF_CHANGES_CONTENT_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "The file %.100s has no content, or more than %d characters.", path,
                             CF_CHANGES_CONTENT_MAX);
    return 0;
}

/*  Closes an array literal and hands it over; NULL where it outgrew its maximum. */
static char *
s_close (cf_buf_t *array)
{
    cf_buf_putc (array, '}');
    char *text = array->overflowed? NULL: cf_buf_take (array);
    cf_buf_free (array);
    return text;
}

static int
s_read_files (cf_changes_t *self, const cf_json_t *value, cf_error_t *error)
{
    if (!json_is_array (value) || json_array_size (value) > CF_CHANGES_FILES)
        return cf_error_set (error, CF_ERROR_INVALID, "files is not a list of at most %d", CF_CHANGES_FILES);
    cf_buf_t paths, contents, languages;
    cf_buf_init (&paths, CF_CHANGES_ARRAY_BYTES);
    cf_buf_init (&contents, CF_CHANGES_ARRAY_BYTES);
    cf_buf_init (&languages, CF_CHANGES_ARRAY_BYTES);
    size_t at;
    const cf_json_t *file;
    int rc = 0;
    json_array_foreach (value, at, file) {
        if ((rc = s_check_file (file, error)))
            break;
        if (s_comes_again (value, at))
            continue;
        s_put_element (&paths, cf_json_str (file, "file_path", ""));
        s_put_element (&contents, cf_json_str (file, "content", ""));
        s_put_element (&languages, cf_language_named (cf_json_str (file, "language", "")));
        self->file_count++;
    }
    if (rc == 0 && self->file_count) {
        self->paths = s_close (&paths);
        self->contents = s_close (&contents);
        self->languages = s_close (&languages);
        if (!self->paths || !self->contents || !self->languages)
            rc = cf_error_set (error, CF_ERROR_INVALID, "the files are too large together");
    }
    cf_buf_free (&paths);
    cf_buf_free (&contents);
    cf_buf_free (&languages);
    return rc;
}

/* ---- the whole ---- */

static const struct {
    const char *name;
    s_read_fn *fn;
} s_members [] = {
    { "status", s_read_status }, { "requirements_spec", s_read_requirements }, { "architecture_spec", s_read_architecture },
    { "files", s_read_files }, { "message", s_read_message }, { "roadmap", s_read_roadmap }
};

static int
s_read_member (cf_changes_t *self, const char *name, const cf_json_t *value, cf_error_t *error)
{
    if (json_is_null (value))
        return 0;
    for (size_t at = 0; at < sizeof s_members / sizeof s_members [0]; at++)
        if (strcmp (name, s_members [at].name) == 0)
            return s_members [at].fn (self, value, error);
    return cf_error_set (error, CF_ERROR_INVALID, "a change of \"%.50s\" is not known", name);
}

/*  A copy of JSON text without its escaped NULs; the caller's. NULL when out of memory. */
static char *
s_strip_nul (const char *text)
{
    char *copy = malloc (strlen (text) + 1), *to = copy;
    while (copy && *text)
        if (strncmp (text, "\\u0000", 6) == 0)
            text += 6;
        else {
            if (*text == '\\' && text [1])      /* an escape goes as a whole, so that "\\u0000" stays the text it is */
                *to++ = *text++;
            *to++ = *text++;
        }
    if (copy)
        *to = 0;
    return copy;
}

int
cf_changes_parse (const char *text, cf_changes_t *self, cf_error_t *error)
{
    *self = (cf_changes_t) { 0 };
    char *stripped = NULL;
    if (strstr (text, "\\u0000")) {
        if (!(stripped = s_strip_nul (text)))
            return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        text = stripped;
    }
    self->document = cf_json_parse (text, strlen (text), error);
    free (stripped);
    int rc = self->document? 0: -1;
    if (self->document && !json_is_object (self->document))
        rc = cf_error_set (error, CF_ERROR_INVALID, "changes are not an object");
    const char *name;
    cf_json_t *value;
    if (rc == 0)
        json_object_foreach (self->document, name, value)
            if ((rc = s_read_member (self, name, value, error)))
                break;
    if (rc)
        cf_changes_free (self);
    return rc;
}

void
cf_changes_free (cf_changes_t *self)
{
    free (self->requirements);
    free (self->architecture);
    free (self->modules);
    free (self->paths);
    free (self->contents);
    free (self->languages);
    json_decref (self->document);
    *self = (cf_changes_t) { 0 };
}
