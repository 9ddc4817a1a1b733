/* SPDX-License-Identifier: MPL-2.0 */
/*  route - the settings MODELS_<AGENT>, MODEL_EMBEDDING, MODEL_PRICES and MODEL_MAX_TOKENS as tables
 *
 *  A route is one provider/model, with everything about it that is the same in every request.
 */
#ifndef CF_PROVIDERS_ROUTE_H
#define CF_PROVIDERS_ROUTE_H

#include "actors/providers/provider.h"

#define CF_ROUTE_MAX 8                  /* models of one agent */
#define CF_ROUTE_PRICES 64              /* models with a price; as many with a limit */

typedef struct {
    const cf_provider_t *provider;
    char *name;                         /* "openai/gpt-4o" */
    const char *model;                  /* "gpt-4o": within name */
    char *url;
    char *const *headers;               /* the provider's */
    bool priced;                        /* MODEL_PRICES has it */
    double input_price, output_price;   /* US dollars per million tokens; 0 where none is set */
    uint32_t max_tokens;                /* most that the model can give; 0 where none is set */
} cf_route_t;

typedef struct {
    cf_config_id_t setting;
    cf_route_t routes [CF_ROUTE_MAX];   /* in order of preference, but for those of providers that are not set up */
    size_t count;                       /* 0: error says why */
    cf_error_t error;                   /* PROVIDER_SETTINGS naming the setting */
} cf_routes_t;

/*  Reads all of them. 0, or -1 with error naming the setting where MODEL_PRICES or MODEL_MAX_TOKENS is malformed. What is wrong
    with a list of models is found out by who asks for it. */
int cf_route_load (cf_error_t *error);
/*  Routes of an agent; NULL where no setting MODELS_<AGENT> exists. Borrowed. */
const cf_routes_t *cf_route_of_agent (const char *agent);
/*  Routes of the embeddings; only the first is used. Borrowed. */
const cf_routes_t *cf_route_of_embedding (void);
void cf_route_free (void);

/*  Reads one list "provider/model, …" of a setting into routes. embeds: the addresses are those of the embeddings. */
void cf_route_read (cf_routes_t *routes, cf_config_id_t setting, const char *list, bool embeds);
/*  Frees what cf_route_read made. */
void cf_route_clear (cf_routes_t *routes);
/*  Reads "provider/model=input:output, …". 0, or -1 with error; the former prices are gone in either case. */
int cf_route_read_prices (const char *list, cf_error_t *error);
/*  Reads "provider/model=tokens, …", in the same way. */
int cf_route_read_limits (const char *list, cf_error_t *error);

/*  What that many tokens cost on a route, in US dollars, to the millionth. */
double cf_route_cost (const cf_route_t *route, uint32_t input_tokens, uint32_t output_tokens);
/*  Name of the setting that limits what calls may cost, NULL where none does. With it, a route of a chat needs a price. */
const char *cf_route_budget (void);

/*  Tokens to ask a route for where the agent wants so many (0: as many as there are): no more than its model can give. */
uint32_t cf_route_max_tokens (const cf_route_t *route, uint32_t wanted);

#endif
