/* SPDX-License-Identifier: MPL-2.0 */
/*  google - fuzzes what actors/providers/google.c makes of a provider's bytes
 */

#include "tests/fuzz/stream.h"

extern const cf_provider_api_t cf_provider_google;

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    return fuzz_provider (&cf_provider_google, bytes, size);
}
