/* SPDX-License-Identifier: MPL-2.0 */
/*  health - the service as the edge knows it from events; the text is made again only when something has changed */

#include "http-edge/handlers/handlers.h"
#include "http-edge/peers.h"
#include "http-edge/reply.h"
#include "proto/base/config.h"

#include <stdlib.h>
#include <string.h>

static const char *
s_state (cf_peers_state_t state)
{
    return state == CF_PEERS_OK? "ok": state == CF_PEERS_DEGRADED? "degraded": "down";
}

/*  Without the jobs actor nobody says how the database is. */
static cf_peers_state_t
s_database (void)
{
    return !cf_peers_database_up ()? CF_PEERS_DOWN: cf_peers_ready ("jobs")? CF_PEERS_OK: CF_PEERS_DEGRADED;
}

/*  Whether PROVIDERS, a list with commas, names it: the edge has no keys to look at. */
static bool
s_configured (const char *name)
{
    size_t size = strlen (name);
    for (const char *at = cf_config_str (CF_CONFIG_PROVIDERS); *at; at += strcspn (at, ","), at += *at == ',')
        if (strcspn (at, ",") == size && strncmp (at, name, size) == 0)
            return true;
    return false;
}

static const char *
s_provider (const char *name)
{
    const char *said = cf_peers_breaker (name);
    bool configured = s_configured (name);
    if (configured && cf_config_bool (CF_CONFIG_SIMULATED))
        return "simulated";
    return said? said: configured? "closed": "not configured";
}

/*  One of which the circuit is open degrades the whole, even where others stand in for it. */
static cf_json_t *
s_providers (bool *all)
{
    static const char *const names [] = { "openai", "google", "anthropic" };
    cf_json_t *providers = json_object ();
    *all = true;
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        const char *state = s_provider (names [at]);
        *all = *all && strcmp (state, "open") != 0;
        json_object_set_new (providers, names [at], json_string (state));
    }
    return providers;
}

static cf_json_t *
s_agents (bool *all)
{
    cf_json_t *agents = json_object ();
    *all = true;
    for (int id = 0; id < CF_ACTOR_COUNT; id++) {
        const cf_actor_row_t *row = cf_message_actor ((cf_actor_id_t) id);
        if (row->kind != CF_ACTOR_KIND_AGENT)
            continue;
        bool ready = cf_peers_ready (row->name) > 0;
        *all = *all && ready;
        json_object_set_new (agents, row->name, json_string (ready? "ok": "down"));
    }
    return agents;
}

static char *
s_text (void)
{
    bool agents_ok, providers_ok;
    cf_json_t *agents = s_agents (&agents_ok), *providers = s_providers (&providers_ok);
    bool healthy = agents_ok && providers_ok && cf_peers_broker () == CF_PEERS_OK && s_database () == CF_PEERS_OK;
    cf_json_t *health = json_pack ("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:o, s:o}}",
                                   "status", healthy? "healthy": "degraded", "service", "codeforge", "version", CF_VERSION,
                                   "dependencies", "database", s_state (s_database ()), "redis", "not configured",
                                   "broker", s_state (cf_peers_broker ()), "providers", providers, "agents", agents);
    char *text = health? cf_json_print (health): NULL;
    json_decref (health);
    return text;
}

void
cf_handle_health (cf_request_t *request)
{
    static char *text;
    static uint64_t version;
    if (!text || version != cf_peers_version ()) {
        free (text);
        text = s_text ();
        version = cf_peers_version ();
    }
    if (text)
        cf_reply_json (request, 200, text, strlen (text));
    else
        cf_reply_fault (request, CF_FAULT_INTERNAL, NULL);
}

void
cf_handle_ready (cf_request_t *request)
{
    cf_json_t *missing = json_array ();
    if (cf_peers_broker () == CF_PEERS_DOWN)
        json_array_append_new (missing, json_string ("broker"));
    if (!cf_peers_ready ("jobs"))
        json_array_append_new (missing, json_string ("jobs"));
    if (!cf_peers_database_up ())
        json_array_append_new (missing, json_string ("database"));
    if (json_array_size (missing))
        cf_reply_fault (request, CF_FAULT_NOT_READY, json_pack ("{s:O}", "missing", missing));
    else
        cf_reply_document (request, 200, json_pack ("{s:s}", "status", "ready"));
    json_decref (missing);
}
