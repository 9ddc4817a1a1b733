/* SPDX-License-Identifier: MPL-2.0 */
/*  anthropic - fuzzes what actors/providers/anthropic.c makes of a provider's bytes
 */

#include "tests/fuzz/stream.h"

extern const cf_provider_api_t cf_provider_anthropic;

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    return fuzz_provider (&cf_provider_anthropic, bytes, size);
}
