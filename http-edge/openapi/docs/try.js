// SPDX-License-Identifier: MPL-2.0
// try - sends an operation's request for real, and shows what comes back as it comes

import { block, el, prose } from "./dom.js";
import { resolve, typeName } from "./schema.js";

const TOKEN = "codeforge.token";
const SEEN = "codeforge.seen";
const SHOWN_MAX = 2_000_000;            // characters of an answer that are shown

/** The bearer token in use, or "". */
export const token = () => sessionStorage.getItem (TOKEN) ?? "";
export const keepToken = value => value ? sessionStorage.setItem (TOKEN, value) : sessionStorage.removeItem (TOKEN);

/** Ids that answers have named, so that the next request need not be filled in by hand. */
const seen = () => JSON.parse (sessionStorage.getItem (SEEN) ?? "{}");

function remember (answer, made) {
    const ids = seen ();
    for (const name of ["job_id", "project_id"])
        if (typeof answer?.[name] === "string")
            ids [name] = answer [name];
    if (made?.startsWith ("/v1/projects/") && typeof answer?.id === "string")
        ids.project_id = answer.id;
    sessionStorage.setItem (SEEN, JSON.stringify (ids));
    for (const field of document.querySelectorAll ("[data-id]"))
        if (!field.value && ids [field.dataset.id])
            field.value = ids [field.dataset.id];
}

const cookie = name => document.cookie.split ("; ").find (pair => pair.startsWith (`${name}=`))?.slice (name.length + 1);

// ---- the form ----

function field (operation, param) {
    const schema = resolve (param.schema) ?? {};
    const id = `${operation.operationId}-${param.in}-${param.name}`;
    const isId = schema.format === "uuid";
    const about = el ("span", { class: "about", id: `${id}-about` }, prose (param.description ?? ""));
    const common = { id, name: param.name, "data-in": param.in, "aria-describedby": `${id}-about` };
    const input = schema.enum
        ? el ("select", common, param.required ? null : el ("option", { value: "" }, "—"), schema.enum.map (value => el ("option", { value }, value)))
        : el ("input", { ...common, type: schema.type === "integer" ? "number" : "text", min: schema.minimum, max: schema.maximum,
                         required: param.required, value: param.example ?? (isId ? seen () [param.name] : ""), "data-id": isId ? param.name : null,
                         placeholder: schema.default ?? typeName (param.schema), spellcheck: "false", autocomplete: "off" });
    return el ("div", { class: "field" }, el ("label", { for: id }, el ("code", {}, param.name), el ("span", { class: "in" }, param.in)), input, about);
}

/** The first example, with ids that are known here. */
function bodyText (media) {
    const example = resolve (Object.values (media.examples ?? {}) [0])?.value ?? {};
    const ids = seen ();
    const known = Object.fromEntries (Object.keys (example).filter (key => ids [key]).map (key => [key, ids [key]]));
    return JSON.stringify ({ ...example, ...known }, null, 2);
}

function bodyField (operation, media) {
    const id = `${operation.operationId}-body`;
    const area = el ("textarea", { id, rows: "9", spellcheck: "false", autocomplete: "off", oninput: () => area.dataset.touched = "1" });
    area.value = bodyText (media);
    area.addEventListener ("focus", () => area.dataset.touched || (area.value = bodyText (media)));
    return el ("div", { class: "field" }, el ("label", { for: id }, "Body", el ("span", { class: "in" }, "application/json")), area);
}

// ---- the request ----

function collect (path, method, form) {
    const query = new URLSearchParams ();
    const headers = {};
    let url = path;
    for (const input of form.querySelectorAll ("[data-in]")) {
        const value = input.value.trim ();
        if (input.dataset.in === "path")
            url = url.replace (`{${input.name}}`, value.split ("/").map (encodeURIComponent).join ("/"));
        else if (value && input.dataset.in === "query")
            query.set (input.name, value);
        else if (value)
            headers [input.name] = value;
    }
    if (token ())
        headers.Authorization = `Bearer ${token ()}`;
    else if (method !== "GET" && cookie ("csrf_token"))
        headers ["X-CSRF-Token"] = cookie ("csrf_token");
    const area = form.querySelector ("textarea");
    const body = area?.value.trim () ? area.value : undefined;
    if (body !== undefined)
        headers ["Content-Type"] = "application/json";
    return { url: query.size ? `${url}?${query}` : url, method, headers, body };
}

const quote = text => `'${text.replaceAll ("'", "'\\''")}'`;

function curl ({ url, method, headers, body }) {
    const words = [`curl -i${method === "GET" ? "N" : ` -X ${method}`} ${quote (location.origin + url)}`];
    for (const [name, value] of Object.entries (headers))
        words.push (name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H ${quote (`${name}: ${value}`)}`);
    if (body !== undefined)
        words.push (`--data-raw ${quote (body)}`);
    return words.join (" \\\n    ");
}

// ---- the answer ----

function shown (text, type) {
    if (!type.includes ("json"))
        return text;
    try {
        return JSON.parse (text);
    } catch {
        return text;
    }
}

/** A file to be kept: a link to what has come, with the name it was given. */
async function keep (response, into) {
    const name = /filename="([^"]+)"/.exec (response.headers.get ("content-disposition")) [1];
    const content = await response.blob ();
    into.append (el ("p", {}, el ("a", { href: URL.createObjectURL (content), download: name }, name), `, ${content.size} bytes`));
}

/** Lines as they come; events in one colour, their data in another. */
async function follow (response, into) {
    const lines = el ("code", {});
    const pre = el ("pre", { class: "live", tabindex: "0", role: "log", "aria-label": "Events" }, lines);
    into.append (pre);
    const reader = response.body.pipeThrough (new TextDecoderStream ()).getReader ();
    let rest = "", size = 0;
    for (;;) {
        const { value, done } = await reader.read ();
        if (done)
            break;
        size += value.length;
        if (size > SHOWN_MAX) {
            lines.append ("… more than is shown here\n");
            await reader.cancel ();
            break;
        }
        const parts = (rest + value).split ("\n");
        rest = parts.pop ();
        const atEnd = pre.scrollTop + pre.clientHeight > pre.scrollHeight - 30;
        for (const line of parts) {
            lines.append (el ("span", { class: /^event:/.test (line) ? "key" : /^data:/.test (line) ? "str" : "dim" }, line), "\n");
            const job = /^data:.*"job_id":"([0-9a-f-]{36})"/.exec (line);
            if (job)
                remember ({ job_id: job [1] });
        }
        if (atEnd)
            pre.scrollTop = pre.scrollHeight;
    }
    into.append (el ("p", { class: "ended" }, "The stream has ended."));
}

function headerTable (response) {
    return el ("details", { class: "headers" }, el ("summary", {}, "Headers"),
        el ("table", {}, el ("tbody", {}, [...response.headers].map (([name, value]) => el ("tr", {}, el ("th", { scope: "row" }, name), el ("td", {}, value))))));
}

async function run (request, into, signal) {
    const started = performance.now ();
    const response = await fetch (request.url, { ...request, signal, credentials: "same-origin", cache: "no-store" });
    const took = Math.round (performance.now () - started);
    const type = response.headers.get ("content-type") ?? "";
    const good = response.ok ? "good" : "bad";
    into.replaceChildren (
        el ("p", { class: "line" }, el ("strong", { class: `status ${good}` }, `${response.status} ${response.statusText}`.trim ()), ` in ${took} ms`),
        headerTable (response));
    if (type.startsWith ("text/event-stream")) {
        await follow (response, into);
        return;
    }
    if (response.headers.has ("content-disposition")) {
        await keep (response, into);
        return;
    }
    const text = await response.text ();
    const value = shown (text.slice (0, SHOWN_MAX), type);
    if (response.ok && typeof value === "object")
        remember (value, request.method === "POST" ? response.headers.get ("location") : null);
    if (text)
        into.append (block ("Body of the answer", value));
}

/** The form of an operation, with its answer below. */
export function tryIt (path, method, operation) {
    const media = operation.requestBody?.content ["application/json"];
    const answer = el ("div", { class: "answer", "aria-live": "polite" });
    const send = el ("button", { type: "submit", class: "main" }, "Send");
    const stop = el ("button", { type: "button", class: "quiet", hidden: true, onclick: () => running?.abort () }, "Stop");
    const asCurl = el ("button", { type: "button", class: "quiet", onclick: () => answer.replaceChildren (block ("curl command", curl (collect (path, method, form)))) }, "As curl");
    let running = null;
    const form = el ("form", { class: "try", "aria-label": `Try ${method} ${path}`, onsubmit: submit },
        (operation.parameters ?? []).map (param => field (operation, resolve (param))),
        media ? bodyField (operation, media) : null,
        el ("div", { class: "actions" }, send, stop, asCurl));
    async function submit (event) {
        event.preventDefault ();
        running?.abort ();
        const mine = running = new AbortController ();
        stop.hidden = false;
        answer.replaceChildren (el ("p", { class: "line" }, "Sending …"));
        try {
            await run (collect (path, method, form), answer, mine.signal);
        } catch (error) {
            answer.append (el ("p", { class: "line" }, mine.signal.aborted ? "Stopped." : `No answer: ${error.message}`));
        }
        if (running === mine) {
            running = null;
            stop.hidden = true;
        }
    }
    return [form, answer];
}
