/* SPDX-License-Identifier: MPL-2.0 */
/*  token - codeforge token */

#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/token.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <string.h>

#define CF_TOKEN_TTL_S 86400
#define CF_TOKEN_TTL_MOST_S (10ul * 365 * 86400)

int
cf_command_token (int argc, char **argv)
{
    const char *given = NULL, *email = NULL, *role = "authenticated", *ttl = NULL;
    const cf_option_t options [] = {
        { "--user", NULL, &given }, { "--email", NULL, &email }, { "--role", NULL, &role }, { "--ttl", NULL, &ttl }, { NULL, NULL, NULL }
    };
    unsigned long seconds = CF_TOKEN_TTL_S;
    char user [CF_UUID_SIZE], secret [CF_TOKEN_SECRET_SIZE];
    cf_error_t error = { 0 };
    if (cf_options_parse (argc, argv, options, NULL, 0) < 0 || (ttl && cf_options_number ("--ttl", ttl, 1, CF_TOKEN_TTL_MOST_S, &seconds)))
        return cf_fail_usage (argv [0]);
    if (given && !cf_uuid_parse (given, user))
        return cf_fail (CF_EXIT_USAGE, "--user wants a UUID, not \"%s\".", given);
    if (cf_token_secret (secret, &error) || (!given && cf_token_user (user, &error)))
        return cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    cf_token_claims_t claims = {
        .user = user, .email = email, .role = role, .issued_s = cf_clock_wall_us () / 1000000u, .ttl_s = seconds
    };
    cf_buf_t token;
    cf_buf_init (&token, 8192);
    int result = cf_token_sign (&claims, secret, &token, &error);
    if (result == 0)
        printf ("%s\n", token.bytes);
    cf_buf_free (&token);
    explicit_bzero (secret, sizeof secret);
    return result? cf_fail (CF_EXIT_USAGE, "%s.", error.text): CF_EXIT_OK;
}
