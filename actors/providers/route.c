/* SPDX-License-Identifier: MPL-2.0 */
/*  route - comma-separated settings, read once at start
 *
 *  Prices are looked up by the configured name: providers answer with dated names (gpt-4o-2024-08-06) that no
 *  price list has.
 */

#include "actors/providers/route.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_ROUTE_NAME_SIZE 160
#define CF_ROUTE_URL_MAX 2048
#define CF_ROUTE_LISTS (size_t) CF_CONFIG_COUNT

typedef struct {
    char name [CF_ROUTE_NAME_SIZE];
    double input, output;
} price_t;

typedef struct {
    char name [CF_ROUTE_NAME_SIZE];
    uint32_t tokens;
} limit_t;

static price_t s_prices [CF_ROUTE_PRICES];
static limit_t s_limits [CF_ROUTE_PRICES];
static size_t s_price_count, s_limit_count;
static cf_routes_t s_lists [CF_ROUTE_LISTS];    /* by setting; those that are no list of models stay empty */

/*  The next element of a comma-separated list, without white space around it; false at the end. Empty elements count. */
static bool
s_next (const char **at, const char **item, size_t *size)
{
    if (!*at)
        return false;
    const char *end = strchr (*at, ',');
    const char *stop = end? end: *at + strlen (*at);
    *item = *at;
    while (*item < stop && isspace ((unsigned char) **item))
        ++*item;
    while (stop > *item && isspace ((unsigned char) stop [-1]))
        stop--;
    *size = (size_t) (stop - *item);
    *at = end? end + 1: NULL;
    return true;
}

/* ---- prices ---- */

/*  A price in US dollars, not negative; its end in *end, or NULL. */
static double
s_number (const char *text, const char **end)
{
    char *stop;
    double number = strtod (text, &stop);
    *end = isdigit ((unsigned char) *text) && number < 1e6? stop: NULL;
    return number;
}

static int
s_read_price (const char *item, size_t size)
{
    const char *equals = memchr (item, '=', size);
    price_t *price = &s_prices [s_price_count];
    if (s_price_count == CF_ROUTE_PRICES || !equals || equals == item || equals - item >= CF_ROUTE_NAME_SIZE)
        return -1;
    snprintf (price->name, sizeof price->name, "%.*s", (int) (equals - item), item);
    const char *at;
    price->input = s_number (equals + 1, &at);
    if (!at || *at != ':')
        return -1;
    price->output = s_number (at + 1, &at);
    if (at != item + size)
        return -1;
    s_price_count++;
    return 0;
}

int
cf_route_read_prices (const char *list, cf_error_t *error)
{
    const char *item;
    size_t size;
    s_price_count = 0;
    for (const char *at = *list? list: NULL; s_next (&at, &item, &size); )
        if (s_read_price (item, size))
            return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s: \"%.*s\" is not provider/model=input:output",
                                 cf_config_name (CF_CONFIG_MODEL_PRICES), (int) (size < 200? size: 200), item);
    return 0;
}

double
cf_route_cost (const cf_route_t *route, uint32_t input_tokens, uint32_t output_tokens)
{
    double millionths = input_tokens * route->input_price + output_tokens * route->output_price;
    return (double) (uint64_t) (millionths + 0.5) / 1e6;
}

const char *
cf_route_budget (void)
{
    static const cf_config_id_t budgets [] = { CF_CONFIG_MAX_JOB_COST_USD, CF_CONFIG_MAX_USER_COST_USD_PER_DAY };
    for (size_t at = 0; at < sizeof budgets / sizeof budgets [0]; at++)
        if (cf_config_usd (budgets [at]))
            return cf_config_name (budgets [at]);
    return NULL;
}

/* ---- limits ---- */

static int
s_read_limit (const char *item, size_t size)
{
    const char *equals = memchr (item, '=', size);
    limit_t *limit = &s_limits [s_limit_count];
    if (s_limit_count == CF_ROUTE_PRICES || !equals || equals == item || equals - item >= CF_ROUTE_NAME_SIZE)
        return -1;
    char *end;
    unsigned long tokens = strtoul (equals + 1, &end, 10);
    if (!isdigit ((unsigned char) equals [1]) || end != item + size || tokens == 0 || tokens > UINT32_MAX)
        return -1;
    snprintf (limit->name, sizeof limit->name, "%.*s", (int) (equals - item), item);
    limit->tokens = (uint32_t) tokens;
    s_limit_count++;
    return 0;
}

int
cf_route_read_limits (const char *list, cf_error_t *error)
{
    const char *item;
    size_t size;
    s_limit_count = 0;
    for (const char *at = *list? list: NULL; s_next (&at, &item, &size); )
        if (s_read_limit (item, size))
            return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s: \"%.*s\" is not provider/model=tokens",
                                 cf_config_name (CF_CONFIG_MODEL_MAX_TOKENS), (int) (size < 200? size: 200), item);
    return 0;
}

uint32_t
cf_route_max_tokens (const cf_route_t *route, uint32_t wanted)
{
    return route->max_tokens && (wanted == 0 || wanted > route->max_tokens)? route->max_tokens: wanted;
}

/* ---- routes ---- */

static void
s_clear_route (cf_route_t *route)
{
    free (route->name);
    free (route->url);
    *route = (cf_route_t) { 0 };
}

void
cf_route_clear (cf_routes_t *self)
{
    for (size_t at = 0; at < CF_ROUTE_MAX; at++)
        s_clear_route (&self->routes [at]);
    self->count = 0;
}

static char *
s_url (const cf_route_t *route, bool embeds)
{
    cf_buf_t url;
    cf_buf_init (&url, CF_ROUTE_URL_MAX);
    char base [1024];
    snprintf (base, sizeof base, "%s", cf_provider_base (route->provider));
    for (size_t size = strlen (base); size && base [size - 1] == '/'; )
        base [--size] = 0;
    const cf_provider_api_t *api = route->provider->api;
    int rc = !embeds? api->chat_url (base, route->model, &url): api->embed_url? api->embed_url (base, route->model, &url): -1;
    if (rc == 0)
        return cf_buf_take (&url);
    cf_buf_free (&url);
    return NULL;
}

static void
s_find_numbers (cf_route_t *route)
{
    for (size_t at = 0; at < s_price_count; at++)
        if (strcmp (s_prices [at].name, route->name) == 0) {
            route->priced = true;
            route->input_price = s_prices [at].input;
            route->output_price = s_prices [at].output;
        }
    for (size_t at = 0; at < s_limit_count; at++)
        if (strcmp (s_limits [at].name, route->name) == 0)
            route->max_tokens = s_limits [at].tokens;
}

/*  Finds the provider of "provider/model". 0, or -1 with error but for the setting's name. */
static int
s_read_name (cf_route_t *route, const char *item, size_t size, cf_error_t *error)
{
    const char *slash = memchr (item, '/', size);
    if (!slash || slash == item || slash + 1 == item + size || size >= CF_ROUTE_NAME_SIZE)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "\"%.*s\" is not provider/model", (int) (size < 200? size: 200), item);
    route->provider = cf_provider_named (item, (size_t) (slash - item));
    if (!route->provider)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "there is no provider \"%.*s\"", (int) (slash - item), item);
    route->name = strndup (item, size);
    route->model = route->name? route->name + (slash - item) + 1: NULL;
    return route->name? 0: cf_error_set (error, CF_ERROR_INTERNAL, "no memory left");
}

/*  Fills in the rest. 0, or -1 with error. */
static int
s_complete (cf_route_t *route, bool embeds, cf_error_t *error)
{
    const cf_provider_t *provider = route->provider;
    route->headers = cf_provider_headers (provider);
    if (!route->headers)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s is no key", cf_config_name (provider->key_setting));
    route->url = s_url (route, embeds);
    if (!route->url && embeds && !provider->api->embed_url)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s has no embeddings", provider->name);
    if (!route->url)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "\"%s\" gives no address", route->name);
    s_find_numbers (route);
    if (cf_route_budget () && !embeds && !route->priced)        /* what it costs would have no bound */
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s has no price in %s, which %s asks for", route->name,
                             cf_config_name (CF_CONFIG_MODEL_PRICES), cf_route_budget ());
    return 0;
}

/*  Notes a provider that is not set up: that matters only if no other is. */
static void
s_note_missing (const cf_provider_t *provider, cf_buf_t *missing)
{
    cf_buf_printf (missing, "%s%s is used, but neither %s nor %s is set", missing->size? "; ": "", provider->name,
                   cf_config_name (provider->key_setting), cf_config_name (provider->base_setting));
}

void
cf_route_read (cf_routes_t *self, cf_config_id_t setting, const char *list, bool embeds)
{
    cf_error_t error = { 0 };
    cf_buf_t missing;
    const char *item;
    size_t size;
    cf_buf_init (&missing, 400);
    *self = (cf_routes_t) { .setting = setting };
    for (const char *at = list; error.code == CF_OK && s_next (&at, &item, &size); ) {
        cf_route_t route = { .provider = NULL };
        if (self->count == CF_ROUTE_MAX)
            cf_error_set (&error, CF_ERROR_PROVIDER_SETTINGS, "more than %d models", CF_ROUTE_MAX);
        else if (s_read_name (&route, item, size, &error) == 0 && !*cf_provider_base (route.provider))
            s_note_missing (route.provider, &missing);
        else if (error.code == CF_OK && s_complete (&route, embeds, &error) == 0) {
            self->routes [self->count++] = route;
            continue;
        }
        s_clear_route (&route);
    }
    if (error.code == CF_OK && self->count == 0)
        cf_error_set (&error, CF_ERROR_PROVIDER_SETTINGS, "%s", missing.bytes);
    cf_buf_free (&missing);
    if (error.code != CF_OK) {
        cf_route_clear (self);
        cf_error_set (&self->error, CF_ERROR_PROVIDER_SETTINGS, "%s: %.400s", cf_config_name (setting), error.text);
    }
}

/*  The defaults say what real models can give. The simulator, which stands in for all of them, gives what it is asked for. */
static const char *
s_limits_text (void)
{
    bool real = !cf_config_bool (CF_CONFIG_SIMULATED) || cf_config_is_set (CF_CONFIG_MODEL_MAX_TOKENS);
    return real? cf_config_str (CF_CONFIG_MODEL_MAX_TOKENS): "";
}

int
cf_route_load (cf_error_t *error)
{
    if (cf_route_read_prices (cf_config_str (CF_CONFIG_MODEL_PRICES), error) || cf_route_read_limits (s_limits_text (), error))
        return -1;
    for (size_t at = 0; at < CF_ROUTE_LISTS; at++) {
        cf_config_id_t setting = (cf_config_id_t) at;
        if (strncmp (cf_config_name (setting), "MODELS_", 7) == 0 || setting == CF_CONFIG_MODEL_EMBEDDING)
            cf_route_read (&s_lists [at], setting, cf_config_str (setting), setting == CF_CONFIG_MODEL_EMBEDDING);
    }
    return 0;
}

const cf_routes_t *
cf_route_of_agent (const char *agent)
{
    char name [64];
    int size = snprintf (name, sizeof name, "MODELS_%s", agent);
    for (char *at = name; *at; at++)
        *at = (char) toupper ((unsigned char) *at);
    cf_config_id_t setting = size < (int) sizeof name? cf_config_lookup (name): CF_CONFIG_COUNT;
    return setting == CF_CONFIG_COUNT? NULL: &s_lists [setting];
}

const cf_routes_t *
cf_route_of_embedding (void)
{
    return &s_lists [CF_CONFIG_MODEL_EMBEDDING];
}

void
cf_route_free (void)
{
    for (size_t at = 0; at < CF_ROUTE_LISTS; at++)
        cf_route_clear (&s_lists [at]);
    s_price_count = s_limit_count = 0;
}
