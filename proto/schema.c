/* SPDX-License-Identifier: MPL-2.0 */
/*  schema - its life, and what the files of the family share
 *
 *  schema_keywords.def lists the keywords; schema_compile.c makes the graph of nodes and rules out of a
 *  document, schema_check.c and schema_trim.c walk it beside a value, schema_pattern.c and schema_format.c
 *  judge strings.
 */

#include "proto/schema_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cf_schema_t *
cf_schema_new (const cf_json_t *document, bool strict, cf_error_t *error)
{
    cf_schema_t *self = calloc (1, sizeof *self);
    if (self)
        self->document = json_deep_copy (document);
    if (!self || !self->document)
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    else if (cf_schema_compile (self, strict, error) == 0)
        return self;
    cf_schema_destroy (&self);
    return NULL;
}

cf_schema_t *
cf_schema_load (const char *path, cf_error_t *error)
{
    cf_json_t *document = cf_json_load (path, error);
    if (!document)
        return NULL;
    cf_error_t reason = { CF_OK, "" };
    cf_schema_t *self = cf_schema_new (document, true, &reason);
    json_decref (document);
    if (!self)
        cf_error_set (error, reason.code, "%s: %.400s", path, reason.text);
    return self;
}

void
cf_schema_destroy (cf_schema_t **self_p)
{
    cf_schema_t *self = *self_p;
    if (!self)
        return;
    for (size_t at = 0; at < self->count; at++)
        cf_schema_node_destroy (&self->nodes [at]);
    free (self->nodes);
    json_decref (self->document);
    free (self);
    *self_p = NULL;
}

const cf_json_t *
cf_schema_document (const cf_schema_t *self)
{
    return self->document;
}

cf_json_t *
cf_schema_faults_json (const cf_schema_fault_t *faults, size_t count)
{
    cf_json_t *list = json_array ();
    for (size_t at = 0; list && at < count; at++) {
        cf_json_t *fault = json_pack ("{s:s, s:s, s:s}", "field", faults [at].field, "message", faults [at].message,
                                      "type", faults [at].type);
        if (!fault || json_array_append_new (list, fault)) {
            json_decref (list);
            list = NULL;
        }
    }
    return list? json_pack ("{s:o}", "errors", list): NULL;
}

bool
cf_schema_whole (double number)
{
    const double always = 9007199254740992.0;   /* from 2^53 on no double has a fraction */
    return number >= always || number <= -always || (double) (int64_t) number == number;
}

unsigned
cf_schema_kind (const cf_json_t *value)
{
    switch (json_typeof (value)) {
    case JSON_OBJECT:
        return CF_SCHEMA_OBJECT;
    case JSON_ARRAY:
        return CF_SCHEMA_ARRAY;
    case JSON_STRING:
        return CF_SCHEMA_STRING;
    case JSON_INTEGER:
        return CF_SCHEMA_INTEGER | CF_SCHEMA_NUMBER;
    case JSON_REAL:
        return CF_SCHEMA_NUMBER | (cf_schema_whole (json_real_value (value))? CF_SCHEMA_INTEGER: 0u);
    case JSON_NULL:
        return CF_SCHEMA_NULL;
    default:
        return CF_SCHEMA_BOOLEAN;
    }
}

size_t
cf_schema_cut (char *text, size_t size)
{
    size_t end = size - 1;
    size_t lead = end;
    while (lead > 0 && end - lead < 3 && ((unsigned char) text [lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead > 0 && (unsigned char) text [lead - 1] >= 0xC0) {
        unsigned char byte = (unsigned char) text [--lead];
        size_t length = byte >= 0xF0? 4: byte >= 0xE0? 3: 2;
        if (end - lead < length)
            end = lead;
    }
    text [end] = 0;
    return end;
}

size_t
cf_schema_path_enter (cf_schema_path_t *self, const char *key)
{
    size_t before = self->size;
    size_t room = sizeof self->text - before;
    int wrote = before? snprintf (self->text + before, room, "%c%s", self->separator, key)
                      : snprintf (self->text, room, "%s", key);
    if (wrote >= 0)
        self->size = (size_t) wrote < room? before + (size_t) wrote: cf_schema_cut (self->text, sizeof self->text);
    return before;
}

size_t
cf_schema_path_enter_index (cf_schema_path_t *self, size_t index)
{
    char key [24];
    snprintf (key, sizeof key, "%zu", index);
    return cf_schema_path_enter (self, key);
}

void
cf_schema_path_leave (cf_schema_path_t *self, size_t before)
{
    self->size = before;
    self->text [before] = 0;
}

cf_schema_match_t
cf_schema_additional (const cf_schema_node_t *node, const char *key)
{
    if (node->properties && json_object_get (node->properties->operand, key))
        return CF_SCHEMA_PATTERN_DIFFERENT;
    const cf_schema_rule_t *patterns = node->pattern_properties;
    for (size_t at = 0; patterns && at < patterns->count; at++) {
        cf_schema_match_t match = cf_schema_pattern_match (patterns->patterns [at], key, strlen (key));
        if (match != CF_SCHEMA_PATTERN_DIFFERENT)
            return match == CF_SCHEMA_PATTERN_MATCHED? CF_SCHEMA_PATTERN_DIFFERENT: match;
    }
    return CF_SCHEMA_PATTERN_MATCHED;
}
