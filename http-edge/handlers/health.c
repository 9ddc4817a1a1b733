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

static const char *
s_provider (const char *name, bool configured)
{
    const char *said = cf_peers_breaker (name);
    if (configured && cf_config_bool (CF_CONFIG_SIMULATED))
        return "simulated";
    return said? said: configured? "closed": "not configured";
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
    bool agents_ok;
    cf_json_t *agents = s_agents (&agents_ok);
    const char *openai = s_provider ("openai", true);
    bool healthy = agents_ok && cf_peers_broker () == CF_PEERS_OK && s_database () == CF_PEERS_OK && strcmp (openai, "open");
    cf_json_t *health = json_pack ("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:o}}",
                                   "status", healthy? "healthy": "degraded", "service", "codeforge", "version", CF_VERSION,
                                   "dependencies", "database", s_state (s_database ()), "redis", "not configured",
                                   "broker", s_state (cf_peers_broker ()), "providers", "openai", openai,
                                   "google", s_provider ("google", false), "anthropic", s_provider ("anthropic", false),
                                   "agents", agents);
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
