// SPDX-License-Identifier: MPL-2.0
// docs - the API's page, made of its own description; nothing is fetched from anywhere else

import { block, el, fold, paragraphs, prose } from "./dom.js";
import { describe, resolve, tree, typeName } from "./schema.js";
import { keepToken, token, tryIt } from "./try.js";

const $ = id => document.getElementById (id);

const badge = method => el ("span", { class: `method ${method.toLowerCase ()}` }, method.toUpperCase ());

/** A path with its parameters set off. */
const path = text => el ("code", { class: "path" }, text.split (/(\{[^}]+\})/).map (part => part.startsWith ("{") ? el ("em", {}, part) : part));

// ---- an operation ----

function parameters (operation) {
    const list = (operation.parameters ?? []).map (resolve);
    if (!list.length)
        return null;
    const row = param => {
        const schema = resolve (param.schema) ?? {};
        const limits = [
            schema.minimum !== undefined ? `${schema.minimum} to ${schema.maximum}` : null,
            schema.default !== undefined ? `default ${schema.default}` : null,
        ].filter (Boolean);
        return el ("li", {},
            el ("div", { class: "head" }, el ("code", { class: "name" }, param.name), el ("span", { class: "type" }, typeName (param.schema)),
                el ("span", { class: "in" }, param.in), param.required ? el ("span", { class: "required" }, "required") : null,
                limits.length ? el ("span", { class: "limit" }, limits.join (", ")) : null),
            el ("p", {}, prose (param.description ?? "")),
            schema.enum ? el ("div", { class: "choices" }, schema.enum.map (value => el ("code", {}, value))) : null);
    };
    return [el ("h4", {}, "Parameters"), el ("ul", { class: "members" }, list.map (row))];
}

/** One example, or several to choose from. */
function examples (media, label) {
    const list = Object.values (media?.examples ?? {}).map (example => resolve (example).value);
    if (list.length < 2)
        return list.length ? block (label, list [0]) : null;
    return list.map ((value, at) => fold (value?.message ? `Example: ${value.message}` : `Example ${at + 1}`, () => block (label, value), at === 0));
}

function body (operation) {
    const media = operation.requestBody?.content ["application/json"];
    if (!media)
        return null;
    return [el ("h4", {}, "Body ", el ("span", { class: "in" }, operation.requestBody.required ? "application/json" : "application/json, may be absent")), tree (media.schema, true)];
}

function content (response, withExamples) {
    return Object.entries (response.content ?? {}).map (([type, media]) => [
        el ("p", { class: "media" }, el ("code", {}, type)),
        media.schema ? tree (media.schema, false) : null,
        withExamples ? examples (media, "Example of the answer") : null,
    ]);
}

function headers (response) {
    const names = Object.entries (response.headers ?? {});
    if (!names.length)
        return null;
    return fold (`${names.length} headers`, () => el ("ul", { class: "members" }, names.map (([name, header]) =>
        el ("li", {}, el ("div", { class: "head" }, el ("code", { class: "name" }, name), el ("span", { class: "type" }, typeName (resolve (header).schema))),
            el ("p", {}, prose (resolve (header).description ?? ""))))));
}

function answers (operation) {
    const kind = status => status === "default" ? "other" : status < "400" ? "good" : "bad";
    const one = ([status, given]) => {
        const response = resolve (given);
        const good = kind (status) === "good";
        return fold ([el ("span", { class: `status ${kind (status)}` }, status === "default" ? "else" : status), " ", ...prose (response.description)],
                     () => [content (response, !good), headers (response)].flat (4).filter (Boolean), good && status < "300");
    };
    return [el ("h4", {}, "Answers"), el ("div", { class: "answers" }, Object.entries (operation.responses).map (one))];
}

function access (operation) {
    const names = (operation.security ?? []).flatMap (Object.keys);
    return el ("p", { class: "access" }, names.length ? ["Needs ", names.map ((name, at) => [at ? " or " : "", el ("code", {}, name)])] : "Open to all");
}

/** Of the body that is sent, and of what comes back when all is well. */
function examplesOf (operation) {
    const sent = examples (operation.requestBody?.content ["application/json"], "Example of the body");
    const good = Object.entries (operation.responses).filter (([status]) => status < "300").map (([status, given]) => {
        const shown = examples (resolve (given).content?.["application/json"], `Example of the answer ${status}`);
        return shown ? [el ("h4", {}, `Example of answer ${status}`), shown] : null;
    });
    return [sent ? [el ("h4", {}, "Example of the body"), sent] : null, good];
}

function section (url, method, operation) {
    const title = `${operation.operationId}-title`;
    const attempt = fold (el ("span", { class: "call" }, "Try it"), () => tryIt (url, method.toUpperCase (), operation));
    attempt.className = "try-it";
    return el ("section", { class: "operation", id: operation.operationId, "aria-labelledby": title },
        el ("h3", { id: title }, operation.summary, el ("a", { class: "anchor", href: `#${operation.operationId}`, "aria-label": `Link to ${operation.summary}` }, "#")),
        el ("p", { class: "url" }, badge (method), path (url)),
        el ("div", { class: "columns" },
            el ("div", { class: "words" }, operation.description ? paragraphs (operation.description) : null, access (operation),
                parameters (operation), body (operation), answers (operation)),
            el ("div", { class: "deeds" }, attempt, examplesOf (operation))));
}

// ---- the page ----

function operationsOf (description, tag) {
    return Object.entries (description.paths).flatMap (([url, item]) =>
        Object.keys (item).filter (method => item [method].tags.includes (tag)).map (method => ({ url, method, operation: item [method] })));
}

function renderNav (description) {
    const link = ({ url, method, operation }) => el ("li", {},
        el ("a", { href: `#${operation.operationId}`, "data-words": `${method} ${url} ${operation.summary}`.toLowerCase () }, badge (method), el ("span", {}, operation.summary)));
    $ ("parts").replaceChildren (...description.tags.map (tag =>
        el ("div", { class: "part" }, el ("h2", {}, el ("a", { href: `#part-${tag.name.replaceAll (" ", "-")}` }, tag.name)), el ("ul", {}, operationsOf (description, tag.name).map (link)))));
}

function renderMain (description) {
    const parts = description.tags.map (tag => el ("div", { class: "part", id: `part-${tag.name.replaceAll (" ", "-")}` },
        el ("h2", {}, tag.name), el ("p", { class: "lead" }, prose (tag.description)),
        operationsOf (description, tag.name).map (({ url, method, operation }) => section (url, method, operation))));
    $ ("main").replaceChildren (
        el ("div", { class: "intro", id: "top" }, el ("h1", {}, `${description.info.title} API`), paragraphs (description.info.description)), ...parts);
    $ ("version").textContent = description.info.version;
}

function filter () {
    const words = $ ("filter").value.toLowerCase ().split (/\s+/).filter (Boolean);
    for (const part of document.querySelectorAll ("#parts .part")) {
        let some = false;
        for (const item of part.querySelectorAll ("li")) {
            item.hidden = !words.every (word => item.firstElementChild.dataset.words.includes (word));
            some ||= !item.hidden;
        }
        part.hidden = !some;
    }
}

/** Marks where the reader is. */
function watchReading () {
    const links = new Map ([...document.querySelectorAll ("#parts li a")].map (link => [link.hash.slice (1), link]));
    const observer = new IntersectionObserver (entries => {
        for (const entry of entries)
            if (entry.isIntersecting) {
                document.querySelector ("#parts [aria-current]")?.removeAttribute ("aria-current");
                links.get (entry.target.id)?.setAttribute ("aria-current", "true");
            }
    }, { rootMargin: "-15% 0px -75% 0px" });
    document.querySelectorAll ("section.operation").forEach (node => observer.observe (node));
}

function openMenu (open) {
    document.body.classList.toggle ("menu-open", open);
    $ ("menu").setAttribute ("aria-expanded", String (open));
}

// ---- the token ----

/** What a JWT says of itself; it is the service that checks it. */
function claimsOf (text) {
    try {
        const part = text.split (".") [1].replaceAll ("-", "+").replaceAll ("_", "/");
        return JSON.parse (new TextDecoder ().decode (Uint8Array.from (atob (part), byte => byte.charCodeAt (0))));
    } catch {
        return null;
    }
}

function showToken () {
    const value = $ ("token").value.trim ();
    const claims = claimsOf (value);
    const until = claims?.exp ? `, until ${new Date (claims.exp * 1000).toLocaleString ()}` : "";
    $ ("claims").textContent = !value ? "" : claims ? `For ${claims.email ?? claims.sub ?? "nobody"}${until}` : "This does not look like a JWT.";
    $ ("authorize").textContent = token () ? "Authorized" : "Authorize";
    $ ("authorize").classList.toggle ("on", Boolean (token ()));
}

function useToken (value) {
    keepToken (value.trim ().replace (/^bearer\s+/i, ""));
    $ ("token").value = token ();
    showToken ();
}

function wire () {
    const dialog = $ ("token-dialog");
    $ ("authorize").addEventListener ("click", () => {
        $ ("token").value = token ();
        showToken ();
        dialog.showModal ();
    });
    $ ("token").addEventListener ("input", showToken);
    $ ("token-form").addEventListener ("submit", () => useToken ($ ("token").value));
    $ ("forget").addEventListener ("click", () => useToken (""));
    $ ("close").addEventListener ("click", () => dialog.close ());
    $ ("filter").addEventListener ("input", filter);
    $ ("menu").addEventListener ("click", () => openMenu (!document.body.classList.contains ("menu-open")));
    $ ("nav").addEventListener ("click", event => event.target.closest ("a") && openMenu (false));
    document.addEventListener ("keydown", event => {
        if (event.key === "Escape")
            openMenu (false);
        if (event.key === "/" && !/^(input|textarea|select)$/i.test (document.activeElement.tagName)) {
            event.preventDefault ();
            $ ("filter").focus ();
        }
    });
    showToken ();
}

async function start () {
    wire ();
    try {
        const response = await fetch ("/openapi.json");
        if (!response.ok)
            throw new Error (`status ${response.status}`);
        const description = await response.json ();
        describe (description);
        renderNav (description);
        renderMain (description);
        watchReading ();
        if (location.hash)
            $ (decodeURIComponent (location.hash.slice (1)))?.scrollIntoView ();
    } catch (error) {
        $ ("wait").textContent = `The description cannot be loaded: ${error.message}`;
    }
}

start ();
