/* SPDX-License-Identifier: MPL-2.0 */
/*  reading - bounded buffers; a broken part never leaves half of itself behind */

#include "actors/providers/reading.h"

#include <float.h>
#include <string.h>

#define CF_READING_REFUSAL_MAX (64u << 10)

void
cf_reading_init (cf_reading_t *self)
{
    *self = (cf_reading_t) { .end = CF_READING_OPEN };
    cf_buf_init (&self->text, CF_READING_TEXT_MAX);
    cf_buf_init (&self->refusal, CF_READING_REFUSAL_MAX);
}

void
cf_reading_free (cf_reading_t *self)
{
    cf_buf_free (&self->text);
    cf_buf_free (&self->refusal);
}

static bool
s_is_string (cf_slice_t slice)
{
    return slice.size > 0 && *slice.text == '"';
}

void
cf_reading_malformed (cf_reading_t *self)
{
    self->malformed += self->end == CF_READING_OPEN;
}

void
cf_reading_put (cf_reading_t *self, cf_slice_t string, cf_buf_t *out)
{
    size_t former = out->size;
    if (!s_is_string (string) || cf_slice_decode (string, out) == 0 || out->overflowed)
        return;
    cf_reading_malformed (self);
    out->size = former;
    if (out->capacity)
        out->bytes [former] = 0;
}

void
cf_reading_name (cf_reading_t *self, cf_slice_t string)
{
    cf_buf_t name;
    if (*self->model || !s_is_string (string))
        return;
    cf_buf_init (&name, sizeof self->model - 1);
    if (cf_slice_decode (string, &name) == 0)
        memcpy (self->model, name.bytes, name.size);
    cf_buf_free (&name);
}

void
cf_reading_fail (cf_reading_t *self, cf_failure_class_t failure, bool refused)
{
    bool broken = failure == CF_FAILURE_INVALID
        || (self->text.size > 0 && cf_failure_row (failure)->same == CF_FAILURE_SAME_BACKOFF);
    if (self->end != CF_READING_OPEN)
        return;
    if (refused)
        self->end = CF_READING_REFUSED;
    else
        self->failure = broken? CF_FAILURE_CUT: failure;
}

int
cf_reading_vector (const cf_json_t *array, float values [CF_READING_DIMENSIONS])
{
    if (json_array_size (array) != CF_READING_DIMENSIONS)
        return -1;
    for (size_t at = 0; at < CF_READING_DIMENSIONS; at++) {
        const cf_json_t *element = json_array_get (array, at);
        double number = json_number_value (element);
        if (!json_is_number (element) || !(number >= -FLT_MAX && number <= FLT_MAX))
            return -1;
        values [at] = (float) number;
    }
    return 0;
}
