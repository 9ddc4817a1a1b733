/* SPDX-License-Identifier: MPL-2.0 */
/*  capture - an XPUB socket: subscriptions come in as messages, so it knows when to be quiet */

#include "broker/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CF_CAPTURE_HWM 10000            /* copies that wait for one listener */

struct cf_capture {
    void *socket;
    size_t listeners;                   /* distinct subscriptions */
    cf_buf_t frame;
    size_t secret_count;
    uint32_t secrets [CF_CAPTURE_MAX_SECRETS];
};

static int
s_read_secrets (cf_capture_t *self, const char *list)
{
    while (*list) {
        char *end;
        errno = 0;
        unsigned long id = strtoul (list, &end, 10);
        if (*list < '0' || *list > '9' || errno || id > UINT32_MAX || self->secret_count == CF_CAPTURE_MAX_SECRETS)
            return -1;
        self->secrets [self->secret_count++] = (uint32_t) id;
        if (*end && (*end != ',' || !end [1]))
            return -1;
        list = *end? end + 1: end;
    }
    return 0;
}

cf_capture_t *
cf_capture_new (void *context, const char *endpoint, const char *without_body, cf_error_t *error)
{
    cf_capture_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    cf_buf_init (&self->frame, CF_ENVELOPE_MAX_BYTES);
    if (s_read_secrets (self, without_body)) {
        /* never start with fewer secrets than were meant */
        cf_error_set (error, CF_ERROR_INVALID, "captured without body: \"%s\" is not a list of message ids", without_body);
        cf_capture_destroy (&self);
        return NULL;
    }
    int hwm = CF_CAPTURE_HWM, none = 0;
    self->socket = zmq_socket (context, ZMQ_XPUB);
    if (!self->socket || zmq_setsockopt (self->socket, ZMQ_SNDHWM, &hwm, sizeof hwm)
        || zmq_setsockopt (self->socket, ZMQ_LINGER, &none, sizeof none) || zmq_bind (self->socket, endpoint)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot bind %s: %s", endpoint, zmq_strerror (errno));
        cf_capture_destroy (&self);
    }
    return self;
}

void
cf_capture_destroy (cf_capture_t **self_p)
{
    cf_capture_t *self = *self_p;
    if (!self)
        return;
    if (self->socket)
        zmq_close (self->socket);
    cf_buf_free (&self->frame);
    free (self);
    *self_p = NULL;
}

void *
cf_capture_socket (cf_capture_t *self)
{
    return self->socket;
}

void
cf_capture_watch (cf_capture_t *self)
{
    char first [1];
    while (zmq_recv (self->socket, first, sizeof first, ZMQ_DONTWAIT) >= 0) {
        if (first [0] == 1)
            self->listeners++;
        else if (first [0] == 0 && self->listeners)
            self->listeners--;
    }
}

bool
cf_capture_is_on (const cf_capture_t *self)
{
    return self->listeners > 0;
}

static bool
s_is_secret (const cf_capture_t *self, uint32_t message)
{
    for (size_t at = 0; at < self->secret_count; at++)
        if (self->secrets [at] == message)
            return true;
    return false;
}

void
cf_capture_put (cf_capture_t *self, const cf_envelope_t *envelope, zmq_msg_t *body)
{
    cf_buf_reset (&self->frame);
    if (cf_envelope_encode (envelope, &self->frame))
        return;
    bool shown = body && !s_is_secret (self, envelope->message);
    zmq_msg_t copy;
    zmq_msg_init (&copy);
    if (shown && zmq_msg_copy (&copy, body))
        shown = false;
    if (zmq_send (self->socket, self->frame.bytes, self->frame.size, ZMQ_DONTWAIT | (shown? ZMQ_SNDMORE: 0)) >= 0 && shown)
        zmq_msg_send (&copy, self->socket, ZMQ_DONTWAIT);
    zmq_msg_close (&copy);
}
