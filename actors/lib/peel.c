/* SPDX-License-Identifier: MPL-2.0 */
/*  peel - one walk: from brace to brace, strings left out of account, each candidate parsed once */

#include "actors/lib/peel.h"

#include <string.h>

/*  Behind the brace that closes the one at `open`; NULL where none does. */
static const char *
s_close (const char *open)
{
    size_t depth = 0;
    bool quoted = false;
    for (const char *at = open; *at; at++) {
        if (quoted && *at == '\\' && at [1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '{')
            depth++;
        else if (!quoted && *at == '}' && --depth == 0)
            return at + 1;
    }
    return NULL;
}

/*  The longest that parses; NULL with error where none does. */
static cf_json_t *
s_search (const char *text, cf_error_t *error)
{
    cf_json_t *longest = NULL;
    size_t longest_size = 0;
    cf_error_set (error, CF_ERROR_MODEL_INVALID, "the answer holds no JSON object");
    for (const char *open = strchr (text, '{'), *end; open; open = strchr (end, '{')) {
        cf_error_t fault = { 0 };
        end = s_close (open);
        if (!end) {
            json_decref (longest);
            cf_error_set (error, CF_ERROR_MODEL_INVALID, "the answer breaks off: a brace is opened and never closed");
            return NULL;
        }
        size_t size = (size_t) (end - open);
        if (size <= longest_size)
            continue;
        cf_json_t *object = cf_json_parse (open, size, &fault);
        if (object) {
            json_decref (longest);
            longest = object;
            longest_size = size;
        }
        else if (!longest)
            cf_error_set (error, CF_ERROR_MODEL_INVALID, "the answer is no JSON: %.300s", fault.text);
    }
    return longest;
}

cf_json_t *
cf_peel_object (const char *text, cf_error_t *error)
{
    cf_json_t *document = cf_json_parse (text, strlen (text), NULL);
    if (json_is_object (document))
        return document;
    json_decref (document);
    return s_search (text, error);
}
