// Calls the hub by a client that is generated from its own description: what is written here holds
// for the compiler as well as for the hub.
//
// generated.mjs HUB PORTAL_KEY AGENCY_KEY

import createClient from "openapi-fetch";
import type { components, paths } from "./interface.mjs";

declare const process: { argv: string[] };

const [, , hub = "", portal = "", agency = ""] = process.argv;
const client = (key: string) =>
  createClient<paths>({ baseUrl: hub, headers: { Authorization: `Bearer ${key}` } });

function holds(that: boolean, what: string): asserts that {
  if (!that) throw new Error(what);
}

const asked = client(portal);

const procedures = await asked.GET("/v1/procedures", { params: { query: { q: "khai sinh", limit: 3 } } });
holds(procedures.data !== undefined, JSON.stringify(procedures.error));
const first = procedures.data.items[0];
holds(first !== undefined && /khai sinh/i.test(first.procedure.name), "no procedure");
holds(procedures.data.total > 3, "all on one page");

const looked = await asked.POST("/v1/lookups", {
  body: { code: "BH.HKD.13.002201", secret: "0171" },
  headers: { "X-Forwarded-For": "192.0.2.1" },
});
holds(looked.data !== undefined, JSON.stringify(looked.error));
const dossier: components["schemas"]["LookedUp"]["dossier"] = looked.data.dossier;
holds(dossier.status.id === 2 && dossier.applicant === "Quách T** T** D**", "another dossier");

const wrong = await asked.POST("/v1/lookups", { body: { code: "BH.HKD.13.002201", secret: "1" } });
holds(wrong.response.status === 404 && wrong.error !== undefined, "a guess is answered");
holds(wrong.error.code === "lookup-failed", wrong.error.code);

const numbers = await client(agency).GET("/v1/statistics", {
  params: { query: { from: "2014-01-01", to: "2014-12-31", by: ["agency"] } },
});
holds(numbers.data !== undefined, JSON.stringify(numbers.error));
holds(numbers.data.rows[0]?.agency === "ubnd-bien-hoa", JSON.stringify(numbers.data.rows));

const feed = await asked.GET("/v1/feeds/{feed}", {
  params: { path: { feed: "records" }, query: { limit: 1 } },
});
holds(feed.data !== undefined && feed.data.length === 1, JSON.stringify(feed.error));

console.log("all done");
