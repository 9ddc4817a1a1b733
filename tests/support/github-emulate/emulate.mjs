// SPDX-License-Identifier: MPL-2.0
/*  emulate - npm's GitHub emulator behind prism, which holds each request against GitHub's own description of its API
 *
 *  node emulate.mjs LOGIN TOKEN      prints {url} once it serves; when its input ends, {calls, violations}, and ends
 *
 *  client -> recorder (here) -> prism proxy (a child) -> emulator (here). All on 127.0.0.1: the emulator would listen everywhere.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === "object" && first !== null) return listen.call (this, { ...first, host: "127.0.0.1" }, ...rest);
  return listen.call (this, { port: Number (first), host: "127.0.0.1" }, ...rest.filter (one => typeof one === "function"));
};

const [login, token] = process.argv.slice (2);
const folder = mkdtempSync (join (tmpdir (), "cf-emulate-"));
const require = createRequire (import.meta.url);

/*  The paths that exports use; {ref} is several segments in GitHub's description, which prism does not know. */
const USED = {
  "/user": ["get"], "/user/repos": ["post"], "/repos/{owner}/{repo}": ["get"], "/repos/{owner}/{repo}/branches": ["get"],
  "/repos/{owner}/{repo}/git/ref/{ref}": ["get"], "/repos/{owner}/{repo}/git/refs/{ref}": ["patch"],
  "/repos/{owner}/{repo}/git/commits": ["post"], "/repos/{owner}/{repo}/git/commits/{commit_sha}": ["get"],
  "/repos/{owner}/{repo}/git/trees": ["post"], "/repos/{owner}/{repo}/git/trees/{tree_sha}": ["get"],
  "/repos/{owner}/{repo}/git/blobs": ["post"], "/repos/{owner}/{repo}/contents/{path}": ["put"],
};

function cutDescription () {
  const whole = JSON.parse (readFileSync (join (dirname (require.resolve ("@octokit/openapi/package.json")), "generated/api.github.com.json"), "utf8"));
  const kept = { openapi: whole.openapi, info: whole.info, paths: {}, components: {} };
  const take = value => {
    if (value === null || typeof value !== "object") return;
    if (typeof value.$ref === "string") {
      const [, , kind, name] = value.$ref.split ("/");
      kept.components [kind] ??= {};
      if (!kept.components [kind] [name]) {
        kept.components [kind] [name] = whole.components [kind] [name];
        take (kept.components [kind] [name]);
      }
    }
    Object.values (value).forEach (take);
  };
  for (const [path, methods] of Object.entries (USED)) {
    const operations = Object.fromEntries (methods.map (method => [method, whole.paths [path] [method]]));
    kept.paths [path.replace ("{ref}", "heads/{ref}")] = operations;
    take (operations);
  }
  const file = join (folder, "github.json");
  writeFileSync (file, JSON.stringify (kept));
  return file;
}

async function freePort () {
  const server = net.createServer ();
  await new Promise (done => server.listen (0, done));
  const { port } = server.address ();
  await new Promise (done => server.close (done));
  return port;
}

async function startProxy (description, upstream) {
  const port = await freePort ();
  const child = spawn (process.execPath, [require.resolve ("@stoplight/prism-cli"), "proxy", description, upstream, "--port", port, "--host", "127.0.0.1"],
                       { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise ((done, fail) => {
    let text = "";
    child.stdout.on ("data", some => (text += some).includes ("is listening") && done ());
    child.on ("exit", () => fail (new Error (text)));
  });
  return { port, child };
}

const calls = [], violations = [];

/*  Passes calls on to prism and keeps what it says of the requests; prism wants JSON declared as such. */
function record (port) {
  return http.createServer ((request, answer) => {
    const onward = http.request ({ port, host: "127.0.0.1", method: request.method, path: request.url, headers: request.headers }, reply => {
      calls.push ({ method: request.method, path: request.url, status: reply.statusCode });
      for (const found of JSON.parse (reply.headers ["sl-violations"] ?? "[]"))
        if (found.location?.[0] === "request") violations.push ({ method: request.method, path: request.url, ...found });
      delete reply.headers ["sl-violations"];
      answer.writeHead (reply.statusCode, reply.headers);
      reply.pipe (answer);
    });
    onward.on ("error", () => answer.destroy ());
    request.pipe (onward);
  });
}

const { createEmulator } = await import ("emulate");
const emulator = await createEmulator ({ service: "github", port: await freePort (), seed: {
  github: { users: [{ login, name: "Ada" }] }, tokens: { [token]: { login, scopes: ["repo"] } } } });
const proxy = await startProxy (cutDescription (), emulator.url.replace ("localhost", "127.0.0.1"));
const recorder = record (proxy.port);
await new Promise (done => recorder.listen (0, done));
console.log (JSON.stringify ({ url: `http://127.0.0.1:${recorder.address ().port}`, direct: emulator.url.replace ("localhost", "127.0.0.1") }));

for await (const _ of process.stdin);
proxy.child.removeAllListeners ("exit");
proxy.child.kill ();
rmSync (folder, { recursive: true });
console.log (JSON.stringify ({ calls, violations }));
process.exit (0);
