/* SPDX-License-Identifier: MPL-2.0 */
/*  reading - a model's stream as far as it came, and what all providers share in reading theirs
 */
#ifndef CF_PROVIDERS_READING_H
#define CF_PROVIDERS_READING_H

#include "actors/providers/failure.h"
#include "actors/providers/scan.h"
#include "proto/base/json.h"

#define CF_READING_TEXT_MAX (8u << 20)          /* bytes of output kept; more is a failure */
#define CF_READING_MODEL_SIZE 128
#define CF_READING_DIMENSIONS 1536              /* of an embedding */

/*  How a stream ended, in the provider's own words. */
typedef enum {
    CF_READING_OPEN,                    /* it has not */
    CF_READING_STOP,                    /* the model had said everything */
    CF_READING_LENGTH,                  /* at the token limit */
    CF_READING_REFUSED,                 /* filtered, or the model declined */
    CF_READING_OTHER                    /* in a way that we did not ask for */
} cf_reading_end_t;

typedef struct {
    cf_buf_t text;                      /* output so far */
    cf_buf_t refusal;                   /* why the model declined */
    char model [CF_READING_MODEL_SIZE]; /* that really answers; "" where not said */
    cf_reading_end_t end;
    bool marked;                        /* the end marker was seen: nothing comes any more */
    unsigned counted;                   /* times that the provider told the usage */
    uint32_t input_tokens, output_tokens;
    unsigned malformed;                 /* events that could not be understood */
    cf_failure_class_t failure;         /* the provider itself said that it failed midway */
} cf_reading_t;

void cf_reading_init (cf_reading_t *self);
void cf_reading_free (cf_reading_t *self);

/*  Notes an event that could not be understood; nothing once the stream has said how it ended: the answer is whole. */
void cf_reading_malformed (cf_reading_t *self);
/*  Appends what a JSON string stands for to out (text or refusal); one that is broken counts as malformed and leaves out as it
    was. Whatever is no string is passed over. */
void cf_reading_put (cf_reading_t *self, cf_slice_t string, cf_buf_t *out);
/*  Notes the model's name, the first time that a string comes. */
void cf_reading_name (cf_reading_t *self, cf_slice_t string);
/*  Notes that the provider itself failed midway. INVALID counts as CUT: it had accepted the request, so that what ended the
    stream was its own doing; so does, once there was output, what else would be tried again on the same route: a stream that
    broke begins anew on the next one. refused: it is no failure, the answer was declined. Nothing, likewise, after the end. */
void cf_reading_fail (cf_reading_t *self, cf_failure_class_t failure, bool refused);

/*  Reads an array of exactly CF_READING_DIMENSIONS finite numbers. 0, or -1 where it is none. */
int cf_reading_vector (const cf_json_t *array, float values [CF_READING_DIMENSIONS]);

#endif
