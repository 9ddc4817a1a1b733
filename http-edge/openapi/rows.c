/* SPDX-License-Identifier: MPL-2.0 */
/*  rows - each table expanded once */

#include "http-edge/openapi/rows.h"

#include <string.h>

#define COUNT(array_) (sizeof (array_) / sizeof (array_) [0])
#define AT(array_, at_) ((at_) < COUNT (array_)? &(array_) [at_]: NULL)

#define IS_LIMITED true
#define IS_EXEMPT false
#define IS_TASK true
#define IS_INLINE false
#define IS_AGENTS true
#define IS_ALONE false

static const cf_route_row_t s_routes [] = {
#define ROUTE(method_, pattern_, access_, limit_, runs_, twin_, schema_, handler_, caption_) \
    { #method_, pattern_, #access_, schema_, #handler_, caption_, IS_##limit_, IS_##runs_, IS_##twin_ },
#include "http-edge/routes.def"
#undef ROUTE
};

#define NUMBER(least_, most_, default_) .type = CF_TYPE_NUMBER, .least = least_, .most = most_, .fallback = #default_
#define CHOICE(choices_, default_) .type = CF_TYPE_CHOICE, .choices = choices_, .fallback = default_
#define TEXT(least_, most_, example_) .type = CF_TYPE_TEXT, .least = least_, .most = most_, .example = example_
#define UUID .type = CF_TYPE_UUID
#define DATE .type = CF_TYPE_DATE

static const cf_operation_row_t s_operations [] = {
#define NOTE(handler_, text_) { .said = CF_SAID_NOTE, .handler = #handler_, .text = text_ },
#define PARAM(handler_, place_, name_, type_, text_) \
    { .said = CF_SAID_PARAM, .handler = #handler_, .place = #place_, .name = name_, type_, .text = text_ },
#define ANSWER(handler_, status_, kind_, schema_, text_) \
    { .said = CF_SAID_ANSWER, .handler = #handler_, .status = status_, .kind = CF_ANSWER_##kind_, .schema = schema_, .text = text_ },
#define SENDS(handler_, status_, name_, text_) \
    { .said = CF_SAID_SENDS, .handler = #handler_, .status = status_, .name = name_, .text = text_ },
#define REFUSES(handler_, status_, text_) { .said = CF_SAID_REFUSES, .handler = #handler_, .status = status_, .text = text_ },
#define EVENT(name_, schema_, text_) { .said = CF_SAID_EVENT, .name = name_, .schema = schema_, .text = text_ },
#include "http-edge/openapi/operations.def"
#undef NOTE
#undef PARAM
#undef ANSWER
#undef SENDS
#undef REFUSES
#undef EVENT
};

static const cf_refusal_row_t s_refusals [] = {
#define FAULT(name_, status_, api_, sentence_) { status_, api_, sentence_ },
#include "http-edge/faults.def"
#undef FAULT
#define ERROR(name_, number_, status_, api_, retryable_, sentence_) { status_, api_, sentence_ },
#include "proto/errors.def"
#undef ERROR
};

static const cf_tag_row_t s_tags [] = {
#define TAG(prefix_, name_, text_) { prefix_, name_, text_ },
#include "http-edge/openapi/tags.def"
#undef TAG
};

const cf_route_row_t *
cf_rows_route_at (size_t at)
{
    return AT (s_routes, at);
}

const cf_operation_row_t *
cf_rows_operation_at (size_t at)
{
    return AT (s_operations, at);
}

const cf_refusal_row_t *
cf_rows_refusal_at (size_t at)
{
    return AT (s_refusals, at);
}

const cf_tag_row_t *
cf_rows_tag_at (size_t at)
{
    return AT (s_tags, at);
}

const cf_operation_row_t *
cf_rows_said (cf_said_t said, const char *handler, size_t *at)
{
    while (*at < COUNT (s_operations)) {
        const cf_operation_row_t *row = &s_operations [(*at)++];
        if (row->said == said && (!row->handler || strcmp (row->handler, handler) == 0))
            return row;
    }
    return NULL;
}

const cf_tag_row_t *
cf_rows_tag_of (const char *path)
{
    for (size_t at = 0; at < COUNT (s_tags); at++)
        if (strncmp (path, s_tags [at].prefix, strlen (s_tags [at].prefix)) == 0)
            return &s_tags [at];
    return NULL;
}
