/* SPDX-License-Identifier: MPL-2.0 */
/*  message - expands the tables of messages and actors into descriptors */

#include "proto/message.h"
#include "proto/base/config.h"

#include <string.h>

#define SECRET(name_) (UINT64_C (1) << CF_CONFIG_##name_)
static const cf_actor_row_t s_actors [CF_ACTOR_COUNT] = {
#define ACTOR(id_, name_, kind_, instances_, credit_, secrets_, caption_) \
    { #name_, CF_ACTOR_KIND_##kind_, instances_, credit_, secrets_, caption_ },
#include "proto/actors.def"
#undef ACTOR
};
#undef SECRET

/*  One descriptor array a message; self_t lets FIELD use offsetof. */
#define NO_FIELDS
#define FIELD(type_, name_, caption_) { #name_, CF_FIELD_##type_, offsetof (self_t, name_), caption_ },
#define MSG(id_, name_, number_, handled_by_, reply_, fields_)                  \
    static const cf_field_t *s_fields_##name_ (size_t *count)                   \
    {                                                                           \
        typedef cf_##name_##_t self_t;                                          \
        static const cf_field_t fields [] = { fields_ { NULL, CF_FIELD_bool, 0, sizeof (self_t)? NULL: NULL } }; \
        *count = sizeof fields / sizeof fields [0] - 1;                         \
        return fields;                                                          \
    }
#include "proto/messages.def"
#undef MSG
#undef FIELD
#undef NO_FIELDS

enum {
#define NO_FIELDS
#define FIELD(type_, name_, caption_)
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) S_AT_##id_,
#include "proto/messages.def"
#undef MSG
    S_COUNT
};

static cf_message_row_t s_rows [S_COUNT] = {
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) \
    { CF_##id_, #id_, CF_ACTOR_##handled_by_, CF_##reply_, NULL, 0, sizeof (cf_##name_##_t) },
#include "proto/messages.def"
#undef MSG
};

static void
s_complete_rows (void)
{
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) \
    s_rows [S_AT_##id_].fields = s_fields_##name_ (&s_rows [S_AT_##id_].field_count);
#include "proto/messages.def"
#undef MSG
}

const cf_message_row_t *
cf_message_row_at (size_t at)
{
    if (!s_rows [0].fields)
        s_complete_rows ();
    return at < S_COUNT? &s_rows [at]: NULL;
}

bool
cf_message_is_secret (const cf_message_row_t *row)
{
    for (const cf_field_t *field = row->fields; field->name; field++)
        if (field->type == CF_FIELD_secret)
            return true;
    return false;
}

/*  A switch, so that a number given twice does not compile. */
const cf_message_row_t *
cf_message_row (uint32_t id)
{
    switch (id) {
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) case number_: return cf_message_row_at (S_AT_##id_);
#include "proto/messages.def"
#undef MSG
#undef FIELD
#undef NO_FIELDS
        default: return NULL;
    }
}

const cf_actor_row_t *
cf_message_actor (cf_actor_id_t id)
{
    return id < CF_ACTOR_COUNT? &s_actors [id]: NULL;
}

const cf_actor_row_t *
cf_message_actor_named (const char *service)
{
    for (int id = 0; id < CF_ACTOR_COUNT; id++)
        if (strcmp (s_actors [id].name, service) == 0)
            return &s_actors [id];
    return NULL;
}
