/* SPDX-License-Identifier: MPL-2.0 */
/*  base64url - digit by digit; bits of the last digit that stand for nothing must be zero */

#include "http-edge/base64url.h"

static int
s_digit (char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '-'? 62: byte == '_'? 63: -1;
}

int
cf_base64url_decode (const char *text, size_t size, unsigned char *out)
{
    unsigned bits = 0, have = 0;
    int filled = 0;
    for (size_t at = 0; at < size; at++) {
        int digit = s_digit (text [at]);
        if (digit < 0)
            return -1;
        bits = (bits << 6 | (unsigned) digit) & 0xFFFu;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out [filled++] = (unsigned char) (bits >> have);
        }
    }
    return size % 4 == 1 || bits & ((1u << have) - 1)? -1: filled;
}

int
cf_base64url_encode (const void *bytes, size_t size, cf_buf_t *out)
{
    static const char digits [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *from = bytes;
    unsigned bits = 0, have = 0;
    for (size_t at = 0; at < size; at++) {
        bits = bits << 8 | from [at];
        for (have += 8; have >= 6; have -= 6)
            cf_buf_putc (out, digits [bits >> (have - 6) & 63]);
        bits &= 0xFFu;
    }
    if (have)
        cf_buf_putc (out, digits [bits << (6 - have) & 63]);
    return out->overflowed? -1: 0;
}
