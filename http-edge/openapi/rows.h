/* SPDX-License-Identifier: MPL-2.0 */
/*  rows - the tables that the API's document is made of: routes, what is said of their handlers, refusals, parts
 *
 *  Each _at function gives the rows in the table's order, and NULL from the count on.
 */
#ifndef CF_OPENAPI_ROWS_H
#define CF_OPENAPI_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/*  A row of http-edge/routes.def. */
typedef struct {
    const char *method;         /* "GET" */
    const char *pattern;        /* "/v1/jobs/{job_id}" */
    const char *access;         /* "PUBLIC", "USER", "STREAM" */
    const char *schema;         /* of the body, or NULL */
    const char *handler;
    const char *caption;
    bool limited;               /* counts against the rate limit */
    bool asks;                  /* may call actors */
    bool twin;                  /* also answers under /v1/agents */
} cf_route_row_t;

typedef enum { CF_SAID_NOTE, CF_SAID_PARAM, CF_SAID_ANSWER, CF_SAID_SENDS, CF_SAID_REFUSES, CF_SAID_EVENT } cf_said_t;
typedef enum { CF_TYPE_NUMBER, CF_TYPE_CHOICE, CF_TYPE_TEXT, CF_TYPE_UUID, CF_TYPE_DATE } cf_param_type_t;
typedef enum { CF_ANSWER_JSON, CF_ANSWER_PAGE, CF_ANSWER_EVENTS, CF_ANSWER_FILE, CF_ANSWER_NOTHING } cf_answer_kind_t;

/*  A row of operations.def; a member that its kind does not have is 0. */
typedef struct {
    const char *handler;        /* NULL for an EVENT */
    const char *text;           /* note, caption, when */
    const char *name;           /* of a parameter, a header, an event */
    const char *place;          /* of a parameter: "QUERY", "HEADER", "PATH" */
    long least, most;           /* of a number; of a text's length */
    const char *choices;        /* "a|b" */
    const char *fallback;       /* a parameter's default, or NULL */
    const char *example;        /* a parameter's, or NULL */
    const char *schema;         /* name of the answer's or event's, or media type */
    cf_said_t said;
    cf_param_type_t type;
    int status;
    cf_answer_kind_t kind;
} cf_operation_row_t;

/*  A way to be refused, of http-edge/faults.def or proto/errors.def. */
typedef struct {
    int status;
    const char *code;
    const char *sentence;
} cf_refusal_row_t;

/*  A row of tags.def. */
typedef struct {
    const char *prefix, *name;
    const char *text;           /* or NULL */
} cf_tag_row_t;

const cf_route_row_t *cf_rows_route_at (size_t at);
const cf_operation_row_t *cf_rows_operation_at (size_t at);
const cf_refusal_row_t *cf_rows_refusal_at (size_t at);
const cf_tag_row_t *cf_rows_tag_at (size_t at);

/*  The next row of a kind that speaks of handler, from *at on, which is moved behind it; NULL when there is none left. */
const cf_operation_row_t *cf_rows_said (cf_said_t said, const char *handler, size_t *at);
/*  The part that a path belongs to, or NULL. */
const cf_tag_row_t *cf_rows_tag_of (const char *path);

#endif
