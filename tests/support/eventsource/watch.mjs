// SPDX-License-Identifier: MPL-2.0
// What an EventSource sees: node watch.mjs URL prints a line of JSON for each thing that happens, until it is closed for good, or until
// its standard input ends.
import { EventSource } from "eventsource";

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const source = new EventSource(process.argv[2]);

source.addEventListener("open", () => say({ what: "open" }));
for (const name of ["progress", "step", "token", "waiting", "complete", "cancelled"])
  source.addEventListener(name, (event) => say({ what: name, id: event.lastEventId, data: JSON.parse(event.data) }));
source.addEventListener("error", (event) => {
  // the stream's own event of that name, or the connection's
  if (event.data !== undefined) say({ what: "error", id: event.lastEventId, data: JSON.parse(event.data) });
  else if (source.readyState === source.CLOSED) say({ what: "closed", status: event.code });
  else say({ what: "reconnecting" });
  if (source.readyState === source.CLOSED) process.stdin.destroy();
});
process.stdin.on("end", () => source.close()).resume();
