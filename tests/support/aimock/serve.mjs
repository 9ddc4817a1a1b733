// SPDX-License-Identifier: MPL-2.0
// aimock with the fixtures of a file: node serve.mjs FIXTURES prints its URL, then each request as it came, a line of JSON each (its own
// journal has them in the words of one format), until its standard input ends.
import diagnostics from "node:diagnostics_channel";
import { LLMock } from "@copilotkit/aimock";

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

diagnostics.subscribe("http.server.request.start", ({ request }) => {
  const parts = [];
  const push = request.push;
  request.push = function (part, encoding) {
    if (part) parts.push(part);
    else say({ path: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
    return push.call(this, part, encoding);
  };
});

const mock = new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "silent" });
mock.loadFixtureFile(process.argv[2]);
await mock.start();
say({ url: mock.url });
process.stdin.on("end", () => process.exit(0)).resume();
