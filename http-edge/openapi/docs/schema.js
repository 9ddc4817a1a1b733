// SPDX-License-Identifier: MPL-2.0
// schema - what a document must look like, as a tree that opens level by level

import { el, fold, prose } from "./dom.js";

let described = {};

/** The document whose components references mean. */
export function describe (document) {
    described = document;
}

/** What a reference stands for; its own members win over those of its target. */
export function resolve (value) {
    if (!value?.$ref)
        return value;
    const target = value.$ref.slice (2).split ("/").reduce ((at, key) => at?.[key.replaceAll ("~1", "/").replaceAll ("~0", "~")], described);
    const { $ref, ...own } = value;
    return { ...resolve (target), ...own };
}

function range (least, most, unit) {
    if (least === undefined && most === undefined)
        return null;
    if (least !== undefined && most !== undefined)
        return least === most ? `${least} ${unit}` : `${least} to ${most} ${unit}`;
    return least !== undefined ? `at least ${least} ${unit}` : `at most ${most} ${unit}`;
}

/** A word or two for its type. */
export function typeName (given) {
    const schema = resolve (given) ?? {};
    const either = schema.anyOf ?? schema.oneOf;
    if (either)
        return either.map (typeName).join (" | ");
    if (schema.type === "array")
        return `list of ${schema.items ? typeName (schema.items) : "anything"}`;
    if (given?.$ref && schema.title)
        return schema.title;
    if (schema.const !== undefined)
        return JSON.stringify (schema.const);
    const type = [schema.type ?? "anything"].flat ().join (" | ");
    return schema.format ? type.replace ("string", schema.format) : type;
}

/** Its limits in words. */
function limits (schema) {
    const length = schema.minLength || schema.maxLength !== undefined ? range (schema.minLength || undefined, schema.maxLength, "characters") : null;
    const items = schema.items ?? {};
    return [
        length,
        (range (schema.minimum, schema.maximum, "") ?? "").trim () || null,
        range (schema.minItems || undefined, schema.maxItems, "items"),
        range (schema.minProperties || undefined, schema.maxProperties, "members"),
        items.maxLength !== undefined ? `each at most ${items.maxLength} characters` : null,
        schema.default !== undefined ? `default ${JSON.stringify (schema.default)}` : null,
    ].filter (Boolean);
}

function choices (schema) {
    const values = schema.enum ?? (schema.type === "array" ? resolve (schema.items)?.enum : null);
    return values ? el ("div", { class: "choices" }, values.map (value => el ("code", {}, String (value)))) : null;
}

/** The schemas that have members of their own, below the lists and choices they are wrapped in. */
function inner (given) {
    const schema = resolve (given) ?? {};
    if (schema.properties || (typeof schema.additionalProperties === "object" && schema.additionalProperties))
        return [given];
    if (schema.type === "array" && schema.items)
        return inner (schema.items);
    return (schema.anyOf ?? schema.oneOf ?? []).flatMap (inner);
}

/** In what is sent the members that must be there are marked, in what comes back those that may be missing. */
function mark (required, sent) {
    if (required === sent)
        return el ("span", { class: sent ? "required" : "optional" }, sent ? "required" : "optional");
    return null;
}

function row (name, given, required, sent) {
    const schema = resolve (given) ?? {};
    const nested = inner (given);
    const limit = limits (schema);
    return el ("li", {},
        el ("div", { class: "head" },
            el ("code", { class: "name" }, name), el ("span", { class: "type" }, typeName (given)),
            mark (required, sent),
            limit.length ? el ("span", { class: "limit" }, limit.join (", ")) : null),
        schema.description ? el ("p", {}, prose (schema.description)) : null,
        schema.pattern ? el ("p", { class: "pattern" }, "pattern ", el ("code", {}, schema.pattern)) : null,
        choices (schema),
        nested.length ? fold (nested.length > 1 ? `${nested.length} kinds` : "members", () => kinds (nested, sent)) : null);
}

/** One tree, or one for each kind with its name before it. */
function kinds (list, sent) {
    if (list.length === 1)
        return members (list [0], sent);
    return list.map (kind => fold (resolve (kind).title ?? "object", () => [note (resolve (kind)), members (kind, sent)]));
}

function note (schema) {
    return schema.description ? el ("p", { class: "note" }, prose (schema.description)) : "";
}

function members (given, sent) {
    const schema = resolve (given);
    const required = new Set (schema.required);
    const rows = Object.entries (schema.properties ?? {}).map (([name, one]) => row (name, one, required.has (name), sent));
    if (typeof schema.additionalProperties === "object" && schema.additionalProperties)
        rows.push (row ("any other name", schema.additionalProperties, !sent, sent));
    return el ("ul", { class: "members" }, rows.length ? rows : el ("li", {}, "no members"));
}

/** The whole tree of a schema; sent: of what the reader sends. */
export function tree (given, sent) {
    const nested = inner (given);
    const schema = resolve (given) ?? {};
    if (!nested.length)
        return el ("p", { class: "note" }, typeName (given), ...limits (schema).map (limit => `, ${limit}`));
    return el ("div", { class: "tree" }, note (schema), kinds (nested, sent));
}
