// SPDX-License-Identifier: MPL-2.0
// dom - elements without markup: text is always text, so nothing that comes from a server can become an element

/** An element: attributes by name, listeners as functions named on…; children are nodes, strings, lists or null. */
export function el (tag, attributes = {}, ...children) {
    const node = document.createElement (tag);
    for (const [name, value] of Object.entries (attributes)) {
        if (typeof value === "function")
            node.addEventListener (name.slice (2), value);
        else if (value !== null && value !== undefined && value !== false)
            node.setAttribute (name, value === true ? "" : value);
    }
    node.append (...children.flat (4).filter (child => child !== null && child !== undefined && child !== false));
    return node;
}

/** Text with `code` in it. */
export function prose (text) {
    return text.split ("`").map ((part, at) => at % 2 ? el ("code", {}, part) : part);
}

/** Paragraphs between empty lines. */
export function paragraphs (text) {
    return text.trim ().split (/\n\s*\n/).map (part => el ("p", {}, prose (part)));
}

/** Pieces of printed JSON, coloured by what they are. */
export function coloured (text) {
    const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
    const pieces = [];
    let last = 0;
    for (const match of text.matchAll (pattern)) {
        const kind = match [2] ? "key" : match [1] ? "str" : match [3] ? "word" : "num";
        pieces.push (text.slice (last, match.index), el ("span", { class: kind }, match [1] ?? match [0]), match [2] ?? "");
        last = match.index + match [0].length;
    }
    return [...pieces, text.slice (last)];
}

/** A block of code that can be copied and scrolled with the keyboard; what it shows is a value (printed as JSON) or text. */
export function block (label, value) {
    const text = typeof value === "string" ? value : JSON.stringify (value, null, 2);
    const state = el ("button", { type: "button", class: "quiet copy", onclick: copy }, "Copy");
    async function copy () {
        try {
            await navigator.clipboard.writeText (text);
            state.textContent = "Copied";
        } catch {
            state.textContent = "Not allowed";
        }
    }
    return el ("div", { class: "block" }, state,
               el ("pre", { tabindex: "0", role: "region", "aria-label": label }, el ("code", {}, typeof value === "string" ? text : coloured (text))));
}

/** A part that is made when it is first opened. */
export function fold (summary, make, open = false) {
    const node = el ("details", {}, el ("summary", {}, summary));
    let made = false;
    const fill = () => {
        if (!made)
            node.append (...[make ()].flat ());
        made = true;
    };
    node.addEventListener ("toggle", () => node.open && fill ());
    if (open) {
        fill ();
        node.open = true;
    }
    return node;
}
