/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_node - what schema_compile.c makes and schema.c walks; nobody else includes this
 *
 *  A schema is a graph: a node for each subschema (one for each JSON value, so that a recursive $ref ends at
 *  the node that is already there), in it a rule for each keyword that a document can break.
 */
#ifndef CF_PROTO_SCHEMA_NODE_H
#define CF_PROTO_SCHEMA_NODE_H

#include "proto/schema.h"
#include "proto/schema_format.h"
#include "proto/schema_pattern.h"

/*  Kinds of JSON values; 1.0 is an integer too. */
enum {
    CF_SCHEMA_NONE = 0, CF_SCHEMA_NULL = 1, CF_SCHEMA_BOOLEAN = 2, CF_SCHEMA_INTEGER = 4, CF_SCHEMA_NUMBER = 8,
    CF_SCHEMA_STRING = 16, CF_SCHEMA_ARRAY = 32, CF_SCHEMA_OBJECT = 64, CF_SCHEMA_ANY = 127
};

typedef struct {
    const char *name;           /* as `type` spells it */
    const char *words;          /* "must be …" */
    unsigned kind;
} cf_schema_kind_t;

/*  The types, ended by a row without name. */
extern const cf_schema_kind_t cf_schema_kinds [];

typedef struct cf_schema_node_t cf_schema_node_t;
typedef struct cf_schema_rule_t cf_schema_rule_t;

struct cf_schema_rule_t {
    unsigned keyword;           /* row of schema_keywords.def */
    unsigned kinds;             /* the values it speaks about */
    const cf_schema_node_t *owner;      /* for keywords that look at their siblings */
    cf_json_t *operand;         /* borrowed from the document */
    cf_schema_node_t **nodes;   /* subschemas, in the operand's order */
    cf_schema_pattern_t **patterns;
    size_t count;               /* of nodes, or of patterns where there are no nodes */
    size_t limit;               /* operand of minLength and its like; of items: where they begin */
    cf_schema_format_fn *format;
};

struct cf_schema_node_t {
    cf_json_t *source;
    bool impossible;            /* the schema false */
    bool trimmed;               /* x-trim */
    unsigned kinds;             /* `type`: judged first, since a wrong type needs no further complaints */
    cf_schema_rule_t *rules;
    size_t count;
    const cf_schema_rule_t *properties;         /* those of the rules above that siblings ask for, or NULL */
    const cf_schema_rule_t *pattern_properties;
    const cf_schema_rule_t *required;
    cf_schema_node_t *then_node;
    cf_schema_node_t *else_node;
};

struct cf_schema_t {
    cf_json_t *document;
    cf_schema_node_t **nodes;   /* all of them */
    size_t count;
    size_t capacity;
    cf_schema_node_t *root;
};

/*  Where a walk is: "a.b.0" in documents, "#/a/b" in schemas. In one buffer, so that walks need little stack. */
typedef struct {
    char text [256];
    size_t size;
    char separator;
} cf_schema_path_t;

/*  Goes one step down; returns what leave needs to come back. A path too long for the buffer is cut. */
size_t cf_schema_path_enter (cf_schema_path_t *self, const char *key);
size_t cf_schema_path_enter_index (cf_schema_path_t *self, size_t index);
void cf_schema_path_leave (cf_schema_path_t *self, size_t before);
/*  Ends a text that filled its size bytes (NUL included) so that no UTF-8 sequence is torn; its new length. */
size_t cf_schema_cut (char *text, size_t size);

/*  Whether a number has no fraction. */
bool cf_schema_whole (double number);
/*  The kinds that value is of: one of the above, INTEGER with NUMBER where it is whole. */
unsigned cf_schema_kind (const cf_json_t *value);
/*  Whether a member is neither in node's properties nor matched by its patternProperties; TOO_COMPLEX where a
    pattern could not be judged. MATCHED means: it is additional. */
cf_schema_match_t cf_schema_additional (const cf_schema_node_t *node, const char *key);

/*  Fills self->nodes and self->root from self->document. 0, or -1 with error. */
int cf_schema_compile (cf_schema_t *self, bool strict, cf_error_t *error);
void cf_schema_node_destroy (cf_schema_node_t **self_p);

#endif
