/* SPDX-License-Identifier: MPL-2.0 */
/*  message - what proto/messages.def and proto/actors.def say, as C
 *
 *  For MSG (MODEL_CALL, model_call, 20, …) there is CF_MODEL_CALL = 20 and struct cf_model_call_t with a member for each
 *  field. Strings are NUL-terminated; in a decoded message they live as long as the message.
 */
#ifndef CF_MESSAGE_H
#define CF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const void *bytes;
    size_t size;
} cf_bytes_t;

/*  C types of the field types */
typedef bool cf_field_bool_t;
typedef uint32_t cf_field_u32_t;
typedef uint64_t cf_field_u64_t;
typedef int64_t cf_field_i64_t;
typedef double cf_field_f64_t;
typedef const char *cf_field_str_t;
typedef const char *cf_field_json_t;
typedef const char *cf_field_uuid_t;
typedef const char *cf_field_secret_t;
typedef cf_bytes_t cf_field_bin_t;
typedef cf_bytes_t cf_field_vec_t;

typedef enum {
    CF_FIELD_bool, CF_FIELD_u32, CF_FIELD_u64, CF_FIELD_i64, CF_FIELD_f64,
    CF_FIELD_str, CF_FIELD_json, CF_FIELD_uuid, CF_FIELD_secret, CF_FIELD_bin, CF_FIELD_vec
} cf_field_type_t;

/*  Processes: CF_ACTOR_ROUTER … */
typedef enum {
#define SECRET(name_) 0
#define ACTOR(id_, name_, kind_, instances_, credit_, secrets_, caption_) CF_ACTOR_##id_,
#include "proto/actors.def"
#undef ACTOR
#undef SECRET
    CF_ACTOR_COUNT,
    CF_ACTOR_AGENTS,            /* each agent */
    CF_ACTOR_CALLER,            /* whoever asked */
    CF_ACTOR_ANYONE             /* whoever subscribed */
} cf_actor_id_t;

typedef enum { CF_ACTOR_KIND_ACTOR, CF_ACTOR_KIND_AGENT, CF_ACTOR_KIND_OTHER } cf_actor_kind_t;

typedef struct {
    const char *name;           /* service */
    cf_actor_kind_t kind;
    uint32_t instances;         /* 0: EDGE_INSTANCES */
    uint32_t credit;            /* calls taken at once */
    uint64_t secrets;           /* bit (1 << cf_config_id_t) for each setting it receives */
    const char *caption;
} cf_actor_row_t;

/*  Row of an id below CF_ACTOR_COUNT; row by service name or NULL. Static storage. */
const cf_actor_row_t *cf_message_actor (cf_actor_id_t id);
const cf_actor_row_t *cf_message_actor_named (const char *service);

/*  Messages: CF_MODEL_CALL = 20 … */
typedef enum {
    CF_NONE = 0,
#define NO_FIELDS
#define FIELD(type_, name_, caption_)
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) CF_##id_ = number_,
#include "proto/messages.def"
#undef MSG
#undef FIELD
#undef NO_FIELDS
} cf_message_id_t;

/*  Structs: cf_model_call_t … */
#define NO_FIELDS uint8_t nothing;
#define FIELD(type_, name_, caption_) cf_field_##type_##_t name_;
#define MSG(id_, name_, number_, handled_by_, reply_, fields_) typedef struct { fields_ } cf_##name_##_t;
#include "proto/messages.def"
#undef MSG
#undef FIELD
#undef NO_FIELDS

typedef struct {
    const char *name;
    cf_field_type_t type;
    size_t offset;              /* within the struct */
    const char *caption;
} cf_field_t;

typedef struct {
    cf_message_id_t id;
    const char *name;           /* "MODEL_CALL" */
    cf_actor_id_t handled_by;
    cf_message_id_t reply;      /* CF_NONE for replies and events */
    const cf_field_t *fields;   /* ends with a NULL name */
    size_t field_count;
    size_t struct_size;
} cf_message_row_t;

/*  The row of a message, or NULL for a number that is in no row. Static storage. */
const cf_message_row_t *cf_message_row (uint32_t id);
/*  Rows in the table's order; NULL from at = count on. */
const cf_message_row_t *cf_message_row_at (size_t at);
/*  Whether a body of that message holds a secret. */
bool cf_message_is_secret (const cf_message_row_t *row);

#endif
