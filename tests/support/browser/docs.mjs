// SPDX-License-Identifier: MPL-2.0
// docs - uses the API's page as a reader would, and prints what was seen as JSON: docs.mjs CHROMIUM URL TOKEN JOB SCHEME
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, url, token, job, colorScheme] = process.argv.slice (2);
const folder = mkdtempSync (join (tmpdir (), "cf-browser-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const context = await chromium.launchPersistentContext (folder, { executablePath, headless: true, args, colorScheme, viewport: { width: 1440, height: 1000 } });
const page = context.pages () [0] ?? await context.newPage ();
const seen = { complaints: [], elsewhere: [] };

page.on ("pageerror", error => seen.complaints.push (error.message));
page.on ("console", message => {
    // a refused request that was asked for is no fault of the page
    if (["error", "warning"].includes (message.type ()) && !message.text ().includes ("status of 401"))
        seen.complaints.push (message.text ());
});
page.on ("request", request => request.url ().startsWith (url) || seen.elsewhere.push (request.url ()));

/** Opens an operation's form, sends it, and waits until selector is there. */
async function send (id, fields, selector) {
    const section = page.locator (`#${id}`);
    if (!await section.locator ("form").count ())
        await section.getByText ("Try it", { exact: true }).click ();
    for (const [name, value] of Object.entries (fields)) {
        const field = section.locator (`[data-in][name="${name}"]`);
        await (value === "1" ? field.selectOption (value) : field.fill (value));
    }
    await section.getByRole ("button", { name: "Send", exact: true }).click ();
    await section.locator (selector).waitFor ({ timeout: 60000 });
    const body = section.locator (".answer pre");
    return { status: await section.locator (".answer .status").textContent (), body: await body.count () ? await body.first ().textContent () : "" };
}

/** Least ratio of the colours of words and what they stand on. */
function contrast () {
    const canvas = document.createElement ("canvas").getContext ("2d", { willReadFrequently: true });
    const light = colour => {
        canvas.fillStyle = colour;
        canvas.fillRect (0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData (0, 0, 1, 1).data].map (part => part / 255).map (part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = node => {
        for (; node; node = node.parentElement)
            if (getComputedStyle (node).backgroundColor !== "rgba(0, 0, 0, 0)")
                return light (getComputedStyle (node).backgroundColor);
        return light ("white");
    };
    const words = [...document.querySelectorAll ("p, h1, h2, h3, h4, .method, .type, .limit, .required, .status, .str, .key, .num, button")].filter (node => node.offsetParent);
    return Math.min (...words.map (node => {
        const [a, b] = [light (getComputedStyle (node).color), ground (node)].sort ((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    }));
}

try {
    const answer = await page.goto (`${url}/docs`);
    seen.policy = answer.headers () ["content-security-policy"];
    await page.locator ("section.operation").first ().waitFor ();
    seen.operations = await page.locator ("section.operation").evaluateAll (nodes => nodes.map (node => node.id));
    seen.links = await page.locator ("#parts li a").evaluateAll (nodes => nodes.map (node => node.hash.slice (1)));

    seen.refused = await send ("projectList", {}, ".answer pre");
    await page.getByRole ("button", { name: "Authorize", exact: true }).click ();
    await page.getByLabel ("Token", { exact: true }).fill (token);
    await page.getByRole ("button", { name: "Use", exact: true }).click ();
    await page.getByRole ("button", { name: "Authorized" }).waitFor ();
    seen.kept = await page.evaluate (wanted => ({ session: Object.values (sessionStorage).includes (wanted), local: localStorage.length }), token);
    seen.projects = await send ("projectList", { page_size: "5" }, ".answer .status.good");
    seen.stream = (await send ("jobStream", { job_id: job, tokens: "1", last_event_id: "0" }, ".ended")).body;
    await send ("exportArchive", { project_id: JSON.parse (seen.projects.body).items [0].id }, ".answer a[download]");
    const [download] = await Promise.all ([page.waitForEvent ("download"), page.locator ("#exportArchive .answer a[download]").click ()]);
    seen.download = { name: download.suggestedFilename (), begins: readFileSync (await download.path ()).subarray (0, 4).toString () };

    seen.unlabelled = await page.evaluate (() => [...document.querySelectorAll ("input, select, textarea, button")]
        .filter (node => !(node.labels?.length || node.textContent.trim () || node.getAttribute ("aria-label"))).map (node => node.outerHTML));
    seen.contrast = await page.evaluate (contrast);
    await page.keyboard.press ("Escape");
    await page.locator ("h1").click ();
    await page.keyboard.press ("/");
    seen.keyboard = await page.evaluate (() => document.activeElement.id);
    await page.keyboard.type ("cancel");
    seen.filtered = await page.locator ("#parts li:not([hidden]) a").evaluateAll (nodes => nodes.map (node => node.hash.slice (1)));
    console.log (JSON.stringify (seen));
} finally {
    await context.close ();
    rmSync (folder, { recursive: true, force: true });
}
