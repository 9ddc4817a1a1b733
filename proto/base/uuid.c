/* SPDX-License-Identifier: MPL-2.0 */
/*  uuid - text <-> bytes, and new ones from time and getrandom */

#include "proto/base/uuid.h"
#include "proto/base/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char s_hex [] = "0123456789abcdef";

void
cf_uuid_random (void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size) {
        ssize_t got = getrandom (at, size, 0);
        if (got < 0)
            abort ();
        at += got;
        size -= (size_t) got;
    }
}

/*  A system call for each id would be felt at ten thousand jobs a second. */
static void
s_random_pooled (uint8_t *bytes, size_t size)
{
    static uint8_t pool [4096];
    static size_t used = sizeof pool;
    if (used + size > sizeof pool) {
        cf_uuid_random (pool, sizeof pool);
        used = 0;
    }
    memcpy (bytes, pool + used, size);
    used += size;
}

char *
cf_uuid_new (char text [CF_UUID_SIZE])
{
    uint8_t bytes [16];
    s_random_pooled (bytes, sizeof bytes);
    uint64_t wall_ms = cf_clock_wall_us () / 1000u;
    for (int at = 0; at < 6; at++)
        bytes [at] = (uint8_t) (wall_ms >> (40 - 8 * at));
    bytes [6] = (uint8_t) ((bytes [6] & 0x0F) | 0x70);
    bytes [8] = (uint8_t) ((bytes [8] & 0x3F) | 0x80);
    return cf_uuid_unpack (bytes, text);
}

bool
cf_uuid_valid (const char *text)
{
    if (!text)
        return false;
    for (int at = 0; at < 36; at++) {
        bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        if (dash? text [at] != '-': !isxdigit ((unsigned char) text [at]))
            return false;
    }
    return text [36] == 0;
}

bool
cf_uuid_parse (const char *text, char out [CF_UUID_SIZE])
{
    out [0] = 0;
    if (!cf_uuid_valid (text))
        return false;
    for (int at = 0; at < CF_UUID_SIZE; at++)
        out [at] = (char) tolower ((unsigned char) text [at]);
    return true;
}

void
cf_uuid_pack (const char *text, uint8_t bytes [16])
{
    int nibble = 0;
    memset (bytes, 0, 16);
    for (const char *at = text; *at && nibble < 32; at++) {
        if (*at == '-')
            continue;
        int value = isdigit ((unsigned char) *at)? *at - '0': (tolower ((unsigned char) *at) - 'a') + 10;
        bytes [nibble / 2] = (uint8_t) (bytes [nibble / 2] | (nibble % 2? value: value << 4));
        nibble++;
    }
}

char *
cf_uuid_unpack (const uint8_t bytes [16], char text [CF_UUID_SIZE])
{
    char *out = text;
    for (int at = 0; at < 16; at++) {
        if (at == 4 || at == 6 || at == 8 || at == 10)
            *out++ = '-';
        *out++ = s_hex [bytes [at] >> 4];
        *out++ = s_hex [bytes [at] & 15];
    }
    *out = 0;
    return text;
}
