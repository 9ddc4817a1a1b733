/* SPDX-License-Identifier: MPL-2.0 */
/*  format - what all wire formats share */

#include "ops/simulator/format.h"

void
cf_request_free (cf_request_t *self)
{
    cf_buf_free (&self->instructions);
    cf_buf_free (&self->words);
}

unsigned
cf_format_tokens (cf_slice_t text)
{
    unsigned tokens = 0, run = 0;
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char) text.text [at];
        if ((unsigned char) ((byte | 0x20) - 'a') < 26 || (unsigned char) (byte - '0') < 10 || byte >= 0x80) {
            tokens += run == 0;
            run = run == 5? 0: run + 1;
        }
        else {
            run = 0;
            tokens += byte > ' ';
        }
    }
    return tokens;
}

size_t
cf_format_piece_end (cf_slice_t text, size_t at, size_t count)
{
    size_t end = at + 1 == count? text.size: text.size * (at + 1) / count;
    while (end && end < text.size && ((unsigned char) text.text [end] & 0xC0) == 0x80)
        end--;
    return end;
}
