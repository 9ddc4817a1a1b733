/* SPDX-License-Identifier: MPL-2.0 */
/*  envelope - the first frame of every message on the bus; all that the broker reads
 *
 *  THE GRAMMAR between a peer and the broker:
 *
 *      broker  WELCOME              on every new connection: number = the broker's epoch
 *      peer    HELLO                after each WELCOME: to = service, number = credit (calls taken at once)
 *      peer    READY                calls may be handed to it from now on
 *      peer    SUBSCRIBE            to = topic, or prefix ending in '*'; number = 1 on, 0 off
 *      peer    BEAT                 every CF_ENVELOPE_BEAT_MS: number = turns of its loop; body METRICS
 *      peer    CALL  -> callee      to = service or peer; call = number of the call, unique within the caller
 *      callee  REPLY | FAILED -> caller    the same call number, to = the caller; FAILED: number = error code
 *      caller  CANCEL -> callee     the caller no longer wants it; ends in FAILED CANCELLED
 *      peer    EVENT -> subscribers to = topic; the last one on state.* is kept and given to who subscribes later
 *      peer    BYE                  hand it no more calls; what it has it finishes
 *      supervisor  GONE             to = a peer whose process has ended
 *      broker  GONE -> subscribers of "state.peer.*" see EVENT state.peer.<peer>: number 1 ready, 0 gone, 2 said BYE
 *      broker  EVENT wanted.<topic> to subscribers of "wanted.*": number 1 when a topic under tokens. gets its first
 *                                   subscriber, 0 when it lost the last
 *
 *  A peer's name is service.instance.pid, its ZeroMQ routing id; the broker fills `from` in itself.
 */
#ifndef CF_ENVELOPE_H
#define CF_ENVELOPE_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/trace.h"
#include "proto/base/uuid.h"

#define CF_ENVELOPE_VERSION 6
#define CF_ENVELOPE_BEAT_MS 2000        /* a peer that missed three is gone */
#define CF_ENVELOPE_NAME_SIZE 128       /* names of peers, services and topics */
#define CF_ENVELOPE_MAX_BYTES 1024      /* no envelope is larger */

typedef enum {
    CF_KIND_HELLO = 1, CF_KIND_WELCOME, CF_KIND_READY, CF_KIND_BYE, CF_KIND_BEAT,
    CF_KIND_CALL, CF_KIND_REPLY, CF_KIND_FAILED, CF_KIND_CANCEL, CF_KIND_EVENT, CF_KIND_SUBSCRIBE, CF_KIND_GONE,
    CF_KIND_END
} cf_kind_t;

typedef struct {
    cf_kind_t kind;
    uint32_t message;                   /* cf_message_id_t of the body, 0: there is none */
    uint64_t call;                      /* number of the call within its caller */
    char from [CF_ENVELOPE_NAME_SIZE];  /* peer */
    char to [CF_ENVELOPE_NAME_SIZE];    /* service, peer or topic */
    char job [CF_UUID_SIZE];            /* or "" */
    char user [CF_UUID_SIZE];           /* or "" */
    char request [CF_ENVELOPE_NAME_SIZE];       /* X-Request-ID, or "" */
    char trace [CF_TRACE_SIZE];         /* traceparent, or "" */
    uint32_t priority;                  /* 0 normal, more is sooner, at most 9 */
    uint32_t attempt;                   /* fencing token of the job */
    uint32_t deadline_ms;               /* what is left of the call's time */
    uint64_t number;                    /* by kind: credit, epoch, turns, error code, on/off */
    uint64_t sent_us;                   /* monotonic clock of the sender's host */
    uint64_t routed_us;                 /* of the broker's */
} cf_envelope_t;

/*  Appends the frame. 0, or -1 when the buffer refused. */
int cf_envelope_encode (const cf_envelope_t *self, cf_buf_t *out);
/*  Strict. 0, or -1 with BAD_MESSAGE. */
int cf_envelope_decode (cf_envelope_t *self, const void *bytes, size_t size, cf_error_t *error);
/*  "CALL" …; "?" for a number that is no kind. */
const char *cf_envelope_kind_name (cf_kind_t kind);
/*  Copies the service of a peer's name (up to the first dot) into out. */
void cf_envelope_service (const char *peer, char out [CF_ENVELOPE_NAME_SIZE]);

#endif
