/* SPDX-License-Identifier: MPL-2.0 */
/*  address - whom X-Forwarded-For makes of a request, proxy by proxy */

#include "http-edge/address.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static cf_address_t
s_address (const char *text)
{
    cf_address_t address;
    ck_assert_msg (cf_address_parse (text, strlen (text), &address), "%s", text);
    return address;
}

START_TEST (reads_addresses)
{
    static const char *const same [] [2] = {
        { "10.0.0.1", "::ffff:10.0.0.1" }, { "10.0.0.1:8080", "10.0.0.1" }, { "[2001:db8::1]:443", "2001:db8::1" },
        { "[2001:db8::1]", "2001:DB8:0::1" },
    };
    for (size_t at = 0; at < sizeof same / sizeof same [0]; at++) {
        cf_address_t one = s_address (same [at] [0]), other = s_address (same [at] [1]);
        ck_assert_msg (memcmp (&one, &other, sizeof one) == 0, "%s", same [at] [0]);
    }
    static const char *const wrong [] = {
        "", " ", "unknown", "10.0.0", "10.0.0.256", "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:123456", "[::1", "[::1]x", "[::1]:", "[10.0.0.1]", "::1::",
        "10.0.0.1 ", "_hidden", "0x7f.1", "1.2.3.4.5", "2001:db8::1:2:3:4:5:6:7:8", "fe80::1%eth0",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++) {
        cf_address_t address;
        ck_assert_msg (!cf_address_parse (wrong [at], strlen (wrong [at]), &address), "%s", wrong [at]);
    }
}
END_TEST

START_TEST (reads_ranges)
{
    static const char *const wrong [] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10/8", "::/129", "10.0.0.1 10.0.0.300", "proxy", "10.0.0.1/-1", "/8" };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (cf_address_init (wrong [at]) == -1, "%s", wrong [at]);
    ck_assert_int_eq (cf_address_init ("10.1.0.0/15, 192.168.7.9,,fd00::/8\t2001:db8::8/125 "), 0);
    static const struct { const char *address; bool trusted; } rows [] = {
        { "10.0.255.255", true }, { "10.1.0.1", true }, { "10.2.0.1", false }, { "192.168.7.9", true }, { "192.168.7.8", false },
        { "fdff::1", true }, { "fc00::1", false }, { "2001:db8::f", true }, { "2001:db8::10", false }, { "::ffff:192.168.7.9", true },
        { "127.0.0.1", false },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_address_t address = s_address (rows [at].address);
        bool trusted = cf_address_is_trusted (&address);
        ck_assert_msg (trusted == rows [at].trusted, "%s", rows [at].address);
    }
    ck_assert_int_eq (cf_address_init ("0.0.0.0/0"), 0);
    cf_address_t v4 = s_address ("1.2.3.4"), v6 = s_address ("2001:db8::1");
    ck_assert (cf_address_is_trusted (&v4) && !cf_address_is_trusted (&v6));
    ck_assert_int_eq (cf_address_init (""), 0);
    ck_assert (!cf_address_is_trusted (&v4));
}
END_TEST

START_TEST (follows_only_who_is_believed)
{
    static const struct { const char *peer, *forwarded, *client; } rows [] = {
        { "203.0.113.9", "1.1.1.1", "203.0.113.9" },            /* not a proxy of ours: what it says counts for nothing */
        { "10.0.0.1", "1.1.1.1", "1.1.1.1" },
        { "10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1" },          /* the left one is the client's own invention */
        { "10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.7", "1.1.1.1" },
        { "10.0.0.1", "10.0.0.9,10.0.0.8", "10.0.0.9" },
        { "10.0.0.1", " 2001:db8::5 ", "2001:db8::5" },
        { "10.0.0.1", "1.1.1.1:4711", "1.1.1.1" },
        { "10.0.0.1", "", "10.0.0.1" },
        { "10.0.0.1", "unknown", "10.0.0.1" },
        { "10.0.0.1", "1.1.1.1, junk, 10.0.0.2", "10.0.0.2" },  /* the trail ends where it cannot be read */
        { "10.0.0.1", "1.1.1.1,", "10.0.0.1" },
        { "::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1" },
    };
    ck_assert_int_eq (cf_address_init ("10.0.0.0/8"), 0);
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_address_t address = s_address (rows [at].peer), client = s_address (rows [at].client);
        cf_address_follow (rows [at].forwarded, strlen (rows [at].forwarded), &address);
        ck_assert_msg (memcmp (&address, &client, sizeof client) == 0, "%s via %s", rows [at].forwarded, rows [at].peer);
    }
    cf_address_t address = s_address ("10.0.0.1");
    static char hops [4096] = "";
    for (unsigned hop = 0; hop < 200; hop++)
        strcat (hops, hop? ",10.0.0.2": "1.1.1.1");
    ck_assert (!cf_address_follow (hops, strlen (hops), &address));
    cf_address_t last = s_address ("10.0.0.2");
    ck_assert_mem_eq (&address, &last, sizeof last);
}
END_TEST

START_TEST (gives_one_key_a_client)
{
    const uint8_t *one, *other;
    cf_address_t a = s_address ("2001:db8:0:1::1"), b = s_address ("2001:db8:0:1:ffff::2"), c = s_address ("2001:db8:0:2::1");
    ck_assert_uint_eq (cf_address_key (&a, &one), 8);
    ck_assert_uint_eq (cf_address_key (&b, &other), 8);
    ck_assert_mem_eq (one, other, 8);
    cf_address_key (&c, &other);
    ck_assert_int_ne (memcmp (one, other, 8), 0);
    cf_address_t d = s_address ("1.2.3.4"), e = s_address ("1.2.3.5");
    ck_assert_uint_eq (cf_address_key (&d, &one), 4);
    cf_address_key (&e, &other);
    ck_assert_int_ne (memcmp (one, other, 4), 0);
    struct sockaddr_in peer = { .sin_family = AF_INET };
    inet_pton (AF_INET, "1.2.3.4", &peer.sin_addr);
    cf_address_of ((struct sockaddr *) &peer, &a);
    ck_assert_mem_eq (&a, &d, sizeof a);
}
END_TEST

UNIT_MAIN ("address", reads_addresses, reads_ranges, follows_only_who_is_believed, gives_one_key_a_client)
