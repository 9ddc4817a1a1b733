/* SPDX-License-Identifier: MPL-2.0 */
/*  buf - a byte buffer that grows up to the maximum it was born with
 *
 *  An append that would pass the maximum appends nothing and marks the buffer overflowed: write a whole
 *  document, then ask once. Content is always NUL-terminated (the NUL is not counted in size).
 */
#ifndef CF_BASE_BUF_H
#define CF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *bytes;                /* NUL-terminated; "" while empty */
    size_t size;                /* bytes in use */
    size_t capacity;            /* bytes allocated, 0 while nothing is */
    size_t max;                 /* size never passes this */
    bool overflowed;            /* an append was refused, or memory ran out */
} cf_buf_t;

/*  Makes an empty buffer; allocates nothing. */
void cf_buf_init (cf_buf_t *self, size_t max_bytes);
/*  Frees the content; the buffer stays usable, empty, with the same maximum. Safe twice. */
void cf_buf_free (cf_buf_t *self);
/*  Empties, keeps the memory; clears overflowed. */
void cf_buf_reset (cf_buf_t *self);
/*  Each returns 0, or -1 with overflowed set and nothing appended. */
int cf_buf_append (cf_buf_t *self, const void *bytes, size_t size);
int cf_buf_puts (cf_buf_t *self, const char *string);
int cf_buf_putc (cf_buf_t *self, char byte);
int cf_buf_printf (cf_buf_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/*  Appends a JSON string literal with quotes and escapes; invalid UTF-8 becomes U+FFFD. */
int cf_buf_put_json (cf_buf_t *self, const char *string, size_t size);
/*  Makes room for size more bytes and returns where to write them (then add to size yourself); NULL if refused. */
char *cf_buf_reserve (cf_buf_t *self, size_t size);
/*  Drops the first size bytes, moving the rest to the front. */
void cf_buf_consume (cf_buf_t *self, size_t size);
/*  Hands the bytes to the caller, who frees them with free (); never NULL unless out of memory. Leaves self empty. */
char *cf_buf_take (cf_buf_t *self);

#endif
